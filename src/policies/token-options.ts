import { z } from 'zod';
import { isToken } from '../http/fields.ts';
import type { TokenPlaces } from '../identity/bearer/token-source.ts';

const name = (max: number) => z.string().min(1).max(max);
const fieldName = z
  .string()
  .max(200)
  .refine(isToken, 'is not a field name')
  .transform((text) => text.toLowerCase());
const claim = name(200);
const claims = (description: string, ...defaults: readonly string[]) =>
  z
    .array(claim)
    .max(20)
    .default([...defaults])
    .describe(description);

/** Where a policy finds bearer tokens. */
export const tokenPlaces = {
  from: z
    .strictObject({
      header: z
        .union([fieldName, z.literal(false)])
        .default('authorization')
        .describe(
          'Field with the token, which in Authorization stands behind the word Bearer; false: in none',
        ),
      cookie: name(200)
        .refine(isToken, 'is not the name of a cookie')
        .optional()
        .describe('Cookie with the token; browsers send it from any page: see the policy csrf'),
      query: name(200).optional().describe('Parameter of the query with the token; queries end in logs'),
    })
    .refine(
      ({ header, cookie, query }) => header !== false || cookie !== undefined || query !== undefined,
      'says no place where a token is',
    )
    .prefault({})
    .describe('Where the token is; two in one request are refused'),
  keep: z.boolean().default(false).describe('Leaves the token in what is sent to the service'),
  confirmation: z
    .enum(['checked', 'ignored'])
    .default('checked')
    .describe(
      'Whether a token that is bound to a client certificate (RFC 8705) counts for its connection alone, and one that is bound in another way is refused',
    ),
};

/** Which claims say what. */
export const claimMapping = z
  .strictObject({
    subject: claim.default('sub').describe('Who it is'),
    consumer: claim.optional().describe('The claim that names one of `consumers`'),
    scopes: claims('Scopes: a list, or one text with blanks', 'scope', 'scp'),
    roles: claims('Roles', 'roles', 'realm_access.roles'),
    groups: claims('Groups', 'groups'),
  })
  .prefault({})
  .describe('Names of claims, or paths with dots through them');

/** What a 401 says (RFC 9110 section 11.6.1). */
export const challengeOptions = {
  realm: z
    .string()
    .max(200)
    .regex(/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/, 'has a character that cannot stand in a challenge')
    .optional()
    .describe('`realm` of the challenge'),
  resourceMetadata: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]*$/, 'has a character that cannot stand in a challenge')
    .optional()
    .describe('Where clients learn who issues tokens for here (RFC 9728): see the policy protected-resource'),
};

type PlaceOptions = z.output<typeof tokenPlaces.from>;

export function placesOf({ from: { header, cookie, query } }: { readonly from: PlaceOptions }): TokenPlaces {
  return { header: header === false ? undefined : header, cookie, query };
}
