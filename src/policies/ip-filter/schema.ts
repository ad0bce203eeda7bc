import { z } from 'zod';
import { parseCidr } from '../../lib/cidr.ts';
import { allowDenyOptions, checkAllowDeny } from '../allow-deny-options.ts';

const address = z
  .string()
  .superRefine((text, context) => {
    const parsed = parseCidr(text);
    if (parsed.kind === 'refused')
      context.addIssue({ code: 'custom', message: `is not an address or a range: ${parsed.reason}` });
  })
  .describe('An address or a range, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32');

const entries = z
  .array(z.union([address, z.strictObject({ list: z.string().min(1).describe('A name from `lists`') })]))
  .min(1);

export const ipFilterSchema = z
  .strictObject({
    allow: entries.optional().describe('Who may come; without it everybody who is not denied'),
    deny: entries.optional().describe('Who may not come'),
    ...allowDenyOptions('an address'),
  })
  .superRefine(checkAllowDeny)
  .describe('Lets clients in by their address');

export type IpFilterOptions = z.output<typeof ipFilterSchema>;
export type IpFilterEntry = NonNullable<IpFilterOptions['allow']>[number];
