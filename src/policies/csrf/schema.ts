import { z } from 'zod';
import { refuseOrigin } from '../../http/allowed-origins.ts';

const origin = z
  .string()
  .superRefine((text, context) => {
    const message = text === '*' ? 'cannot be *: any site could then act as the user' : refuseOrigin(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .describe('https://app.example.com, or https://*.example.com for any depth below it');

export const csrfSchema = z
  .strictObject({
    origins: z.array(origin).default([]).describe('Other origins whose pages may send such requests'),
    sameSite: z
      .boolean()
      .default(false)
      .describe('Whether pages of all hosts of the same site may, as far as the browser vouches for that'),
    missing: z
      .enum(['refuse', 'allow'])
      .default('refuse')
      .describe('What happens to a request that tells neither Sec-Fetch-Site nor Origin nor Referer'),
  })
  .describe('Refuses requests that another site has a browser send with the user’s cookies');

export type CsrfOptions = z.output<typeof csrfSchema>;
