import { z } from 'zod';
import { duration } from '../../lib/units.ts';
import { verificationKeys } from '../mint/keys.ts';

export const mintKeysSchema = z
  .strictObject({
    keys: verificationKeys.describe('Those of mint; public keys of PEM do as well'),
    maxAge: duration('How long services may keep them').prefault('5m'),
  })
  .describe('Answers with the public keys of mint, by which services check its tokens');
