import { z } from 'zod';

/** A kind of browser session: who may log in and how long that lasts. */
export const sessionSchema = z.strictObject({
  providers: z
    .array(z.string().min(1))
    .min(1)
    .max(20)
    .describe('Names of `providers`: a login walks through them in this order'),
});

export type SessionConfig = z.output<typeof sessionSchema>;
