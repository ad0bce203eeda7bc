import { z } from 'zod';
import { addressOption } from '../address-option.ts';
import { allowDenyOptions, checkAllowDeny } from '../allow-deny-options.ts';
import { listOption } from '../list-option.ts';

const entries = z.array(z.union([addressOption, listOption])).min(1);

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
