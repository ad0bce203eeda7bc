import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { allowDenyOptions, checkAllowDeny } from '../allow-deny-options.ts';
import { listOption } from '../list-option.ts';
import { pattern } from '../pattern-option.ts';

const exact = z.string().describe('The exact text');
const prefix = z.strictObject({ prefix: z.string().min(1).describe('What the text begins with') });
const found = z.strictObject({
  pattern: pattern('Regular expression (RE2) that is found in the text; ^ and $ stand for its ends'),
});

const textMatch = z.union([exact, prefix, found, listOption]);
const valueMatch = z.union([
  exact,
  prefix,
  found,
  listOption,
  z.strictObject({ present: z.boolean().describe('true: the field is there; false: it is not') }),
]);

/** The one spelling of the names that CGI-style services read as one: - stands for _, too. */
export function spelling(name: string): string {
  return name.replaceAll('_', '-');
}

const code = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]{0,63}$/,
    'is not a code: write small letters, digits and _, such as forbidden_scanner',
  );

const conditions = {
  methods: z
    .array(z.string().refine(isToken, 'is not a method'))
    .min(1)
    .optional()
    .describe('One of these; GET includes HEAD'),
  path: textMatch.optional().describe('The path as it is matched: normalised, without query'),
  headers: z
    .record(
      z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/, 'is not a field name in small letters'),
      valueMatch,
    )
    .superRefine((fields, context) => {
      const names = new Map<string, string>();
      for (const name of Object.keys(fields)) {
        const other = names.get(spelling(name));
        if (other !== undefined)
          context.addIssue({
            code: 'custom',
            path: [name],
            message: `is the field ${other}: many services read - and _ in a name alike, and so does this policy`,
          });
        names.set(spelling(name), name);
      }
    })
    .optional()
    .describe(
      'Each of these; of a field that is sent several times, in `deny` one value, in `allow` every one. - and _ in a name are alike',
    ),
  userAgent: valueMatch.optional().describe('The field user-agent'),
};

function isSomeCondition(rule: object): boolean {
  const { methods, path, headers = {}, userAgent } = rule as Partial<Rule>;
  return (methods ?? path ?? userAgent) !== undefined || Object.keys(headers).length > 0;
}

const NO_CONDITION = 'has no condition: it would take every request';

const allowRule = z.strictObject(conditions).refine(isSomeCondition, NO_CONDITION);
const denyRule = z
  .strictObject({ ...conditions, code: code.optional().describe('Of the answer, instead of `code` below') })
  .refine(isSomeCondition, NO_CONDITION);

/** The same text for rules with the same conditions. */
function conditionsKey({ methods, path, headers = {}, userAgent }: Rule): string {
  const fields = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([methods, path, fields, userAgent]);
}

export const requestFilterSchema = z
  .strictObject({
    allow: z
      .array(allowRule)
      .min(1)
      .optional()
      .describe(
        'What may come: all conditions of one of the rules hold. Without it everything that is not denied',
      ),
    deny: z.array(denyRule).min(1).optional().describe('What may not come'),
    code: code.default('forbidden_request').describe('Of the answer, which is 403'),
    ...allowDenyOptions('a request'),
  })
  .superRefine(checkAllowDeny)
  .superRefine(({ allow = [], deny = [] }, context) => {
    const allowed = new Map(allow.map((rule, index) => [conditionsKey(rule), index] as const).reverse());
    for (const [index, rule] of deny.entries()) {
      const other = allowed.get(conditionsKey(rule));
      if (other === undefined) continue;
      const message = `is allowed too: allow[${other}] has the same conditions`;
      context.addIssue({ code: 'custom', path: ['deny', index], message });
    }
  })
  .describe('Lets requests in by their method, path and header fields');

export type RequestFilterOptions = z.output<typeof requestFilterSchema>;
export type Rule = z.output<typeof allowRule>;
export type ValueMatch = z.output<typeof valueMatch>;
