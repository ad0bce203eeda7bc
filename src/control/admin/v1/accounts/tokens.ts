import { z } from 'zod';
import { ROLES } from '../../../rights/roles.ts';
import { createToken, listTokens, revokeToken, type TokenOwner } from '../../../rights/store/tokens.ts';
import { json } from '../../answer.ts';
import type { Endpoint } from '../../endpoint.ts';
import {
  accountName,
  defineForKnown,
  doneAnswer,
  none,
  organizationName,
  readShape,
  refusalAnswer,
} from './account-calls.ts';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 90;
const MAX_DAYS = 366;

const tokenSchema = z.strictObject({
  name: z.string().min(1).max(100).describe('What it is for'),
  role: z.enum(ROLES).default('viewer').describe('The highest role that it has, in whatever organization'),
  organizations: z
    .array(organizationName)
    .min(1)
    .max(100)
    .optional()
    .describe('Where it has one; left out: wherever its account does'),
  days: z.int().min(1).max(MAX_DAYS).default(DEFAULT_DAYS).describe('How long it lives'),
});

const tokenView = z.object({
  id: z.string(),
  name: z.string(),
  role: z.string(),
  organizations: z.array(z.string()).optional(),
  createdAt: z.string(),
  createdBy: z.string(),
  expiresAt: z.string().optional(),
  usedAt: z.string().optional().describe('Within a minute'),
  revokedAt: z.string().optional(),
});
const newTokenView = tokenView.extend({ token: z.string().describe('Told once') });

/** Tokens of whoever asks, and of service accounts. */
export const TOKEN_ENDPOINTS: readonly Endpoint[] = [
  ...endpointsOf('/v1/tokens', 'your own tokens', none, () => ({ kind: 'self' })),
  ...endpointsOf(
    '/v1/service-accounts/{name}/tokens',
    'the tokens of a service account',
    z.strictObject({ name: accountName }),
    ({ name }) => ({ kind: 'service', name: String(name) }),
  ),
];

function endpointsOf(
  path: string,
  whose: string,
  parameters: z.ZodObject,
  ownerOf: (parameters: Readonly<Record<string, unknown>>) => TokenOwner,
): readonly Endpoint[] {
  return [
    defineForKnown({
      method: 'GET',
      path,
      summary: `List ${whose}`,
      parameters,
      query: none,
      answers: { 200: { description: 'All of them', shape: z.object({ items: z.array(tokenView) }) } },
      async answer({ store, asker, path: given }) {
        const outcome = await listTokens(store, asker, ownerOf(given));
        return outcome.ok ? json(200, { items: outcome.result }) : refusalAnswer(outcome);
      },
    }),
    defineForKnown({
      method: 'POST',
      path,
      summary: `Create one of ${whose}`,
      parameters,
      query: none,
      body: { types: ['application/json'], shape: tokenSchema },
      answers: { 201: { description: 'The token itself, which is told once', shape: newTokenView } },
      async answer({ store, asker, request, path: given }) {
        const body = await readShape(request, tokenSchema);
        if (!body.ok) return body.answer;
        const { days, ...wanted } = body.value;
        const expiresAtMs = store.nowMs() + days * DAY_MS;
        const outcome = await createToken(store, asker, ownerOf(given), { ...wanted, expiresAtMs });
        if (!outcome.ok) return refusalAnswer(outcome);
        const { secret, token } = outcome.result;
        return json(201, { ...token, token: secret });
      },
    }),
    defineForKnown({
      method: 'DELETE',
      path: `${path}/{id}`,
      summary: `Revoke one of ${whose}`,
      parameters: parameters.extend({ id: z.string().min(1).max(100).describe('Of the token') }),
      query: none,
      answers: { 204: { description: 'It is refused from now on' } },
      async answer({ store, asker, path: given }) {
        return doneAnswer(await revokeToken(store, asker, ownerOf(given), String(given['id'])));
      },
    }),
  ];
}
