import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { expression } from './expression.ts';

/** scope-token of RFC 6749 section 3.3: it stands in a quoted string of WWW-Authenticate. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

const name = z.string().min(1);
const scope = z.string().regex(SCOPE, 'is not a scope (RFC 6749, section 3.3)');
const names = z.array(name).min(1);

const quantified = <Item extends z.ZodType<string>>(item: Item) =>
  z
    .strictObject({ any: z.array(item).min(1).optional(), all: z.array(item).min(1).optional() })
    .transform(({ any: some, all: every }) => ({ some, every }))
    .superRefine(({ some, every }, context) => {
      if (some === undefined && every === undefined)
        context.addIssue({ code: 'custom', message: 'needs any, all or both' });
    });

const listed = z
  .strictObject({ allow: names.optional(), deny: names.optional() })
  .superRefine(({ allow, deny }, context) => {
    if (allow === undefined && deny === undefined)
      context.addIssue({ code: 'custom', message: 'needs allow, deny or both' });
  });

const shape = {
  scopes: z
    .union([
      z
        .array(scope)
        .min(1)
        .transform((every) => ({ some: undefined, every })),
      quantified(scope),
    ])
    .optional()
    .describe('Scopes of the token: a list is all of them; or any, all'),
  roles: z
    .union([names.transform((some) => ({ some, every: undefined })), quantified(name)])
    .optional()
    .describe('Roles: a list is any of them; or any, all'),
  groups: z
    .union([names.transform((allow) => ({ allow, deny: undefined })), listed])
    .optional()
    .describe('Groups of whom one is needed, or allow and deny; deny has the last word'),
  consumers: z
    .union([names.transform((allow) => ({ allow, deny: undefined })), listed])
    .optional()
    .describe('Who may call, by name, or allow and deny; deny has the last word'),
  when: expression('Condition in CEL over principal, claims, request and client').optional(),
};

const requirement = z.strictObject(shape);

const right = z.union([
  z.enum(['allow', 'authenticated', 'deny']),
  requirement.superRefine((rule, context) => {
    if (Object.keys(rule).length === 0)
      context.addIssue({
        code: 'custom',
        message: 'states nothing: write authenticated for whoever is known',
      });
  }),
]);

export const authorizeSchema = z
  .strictObject({
    ...shape,
    methods: z
      .record(
        z.string().refine((text) => text === '*' || (isToken(text) && text === text.toUpperCase()), {
          message: 'is neither a method, in capitals, nor *',
        }),
        right,
      )
      .optional()
      .describe(
        'What each method needs on top: allow, authenticated, deny or requirements; * is every other one, which is else denied. HEAD is as GET',
      ),
    default: z
      .enum(['allow', 'authenticated', 'deny'])
      .optional()
      .describe('For an authorize without requirements: who may call'),
  })
  .superRefine(({ default: fallback, ...rules }, context) => {
    const states = Object.values(rules).some((rule) => rule !== undefined);
    if (states && fallback !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['default'],
        message: 'is for an authorize without requirements: what they do not allow is denied in any case',
      });
    if (!states && fallback === undefined)
      context.addIssue({
        code: 'custom',
        message: 'states nothing: write default: authenticated for whoever is known',
      });
  })
  .describe('Lets in whoever may do what the request asks for');

export type AuthorizeOptions = z.output<typeof authorizeSchema>;
export type Requirement = z.output<typeof requirement>;
export type Right = z.output<typeof right>;
