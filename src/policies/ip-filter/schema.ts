import { z } from 'zod';
import { parseCidr } from '../../lib/cidr.ts';

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
    prefer: z
      .enum(['deny', 'allow'])
      .default('deny')
      .describe(
        'What holds for an address that stands in both. allow makes exceptions from deny: what stands in neither then passes',
      ),
    report: z
      .boolean()
      .default(false)
      .describe('Counts what would be refused, and lets it pass: to try a list out'),
  })
  .superRefine(({ allow, deny, prefer }, context) => {
    if (allow === undefined && deny === undefined)
      context.addIssue({ code: 'custom', message: 'needs allow, deny or both' });
    else if (prefer === 'allow' && (allow === undefined || deny === undefined))
      context.addIssue({
        code: 'custom',
        path: ['prefer'],
        message: 'is for allow and deny together: allow makes exceptions from deny',
      });
  })
  .describe('Lets clients in by their address');

export type IpFilterOptions = z.output<typeof ipFilterSchema>;
export type IpFilterEntry = NonNullable<IpFilterOptions['allow']>[number];
