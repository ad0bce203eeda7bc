import { z } from 'zod';
import { forwardOption, realmOption } from '../auth/challenge.ts';

export const basicSchema = z
  .strictObject({ realm: realmOption, forward: forwardOption })
  .describe('User name and password of a consumer (RFC 7617)');

export type BasicOptions = z.output<typeof basicSchema>;
