import { z } from 'zod';

export const methodOverrideSchema = z
  .strictObject({
    action: z
      .enum(['refuse', 'strip'])
      .default('refuse')
      .describe('Whether such a request is answered with 400, or sent on without it'),
  })
  .describe('Keeps clients from naming another method than the one that was checked here');
