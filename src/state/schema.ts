import { z } from 'zod';

/** What workers and nodes know in common, such as what was counted against limits. */
export const stateSchema = z
  .strictObject({
    memory: z
      .strictObject({
        keys: z
          .int()
          .min(1000)
          .max(50_000_000)
          .default(100_000)
          .describe(
            'Keys that limits can count at one time, 51 octets of memory each: of more, the ones that are least limited are forgotten',
          ),
      })
      .prefault({})
      .describe('Memory that the workers of this machine share'),
  })
  .describe('Where what workers know in common is kept');

export type StateConfig = z.output<typeof stateSchema>;
