import { z } from 'zod';

const shape = {
  name: z.string().min(1).describe('One of `sessions`'),
  providers: z
    .array(z.string().min(1))
    .max(20)
    .default([])
    .describe('Providers that the user must have a grant of: who has none is sent there'),
};

export const sessionMethodSchema = z
  .strictObject(shape)
  .describe('Knows a user by the session that a login began');

export const sessionPolicySchema = z
  .strictObject({
    ...shape,
    required: z
      .boolean()
      .default(true)
      .describe(
        'Whether users who are not logged in are sent to the login; false lets them through as nobody',
      ),
  })
  .describe('Knows a user by the session that a login began, and has others log in');

export type SessionMethodOptions = z.output<typeof sessionMethodSchema>;
