import { z } from 'zod';
import { nearest } from '../lib/nearest.ts';
import type { CheckContext, OptionProblem } from '../policy/contract.ts';

/** Options that name a list of the configuration. */
export const listOption = z.strictObject({ list: z.string().min(1).describe('A name from `lists`') });

/** Nothing has the name that stands there. */
export function noList(
  name: string,
  path: OptionProblem['path'],
  lists: CheckContext['lists'],
): OptionProblem {
  return {
    path,
    message: `there is no list ${JSON.stringify(name)}`,
    suggestion: nearest(name, lists.keys()),
  };
}
