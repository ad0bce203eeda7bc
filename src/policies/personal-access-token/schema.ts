import { z } from 'zod';

export const personalTokenSchema = z
  .strictObject({
    name: z.string().min(1).describe('One of `sessions`, with `tokens`'),
    providers: z
      .array(z.string().min(1))
      .max(20)
      .default([])
      .describe('Providers that the token must have a grant of'),
  })
  .describe('Knows a user by a personal access token that they made, and by nothing else of a session');
