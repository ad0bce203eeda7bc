import { z } from 'zod';
import { parseCidr } from '../lib/cidr.ts';

/** Schema of an address or a range in options, which `parseCidr` reads. */
export const addressOption = z
  .string()
  .superRefine((text, context) => {
    const parsed = parseCidr(text);
    if (parsed.kind === 'refused')
      context.addIssue({ code: 'custom', message: `is not an address or a range: ${parsed.reason}` });
  })
  .describe('An address or a range, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32');
