import { z } from 'zod';
import { ROLES } from '../../../rights/roles.ts';
import { giveRole, listMemberships, takeRole } from '../../../rights/store/memberships.ts';
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

const membershipSchema = z.strictObject({ role: z.enum(ROLES) });
const membershipView = z.object({
  organization: z.string(),
  account: z.string(),
  kind: z.enum(['user', 'service']),
  role: z.enum(ROLES),
  source: z.enum(['given', 'login']).describe('login: the identity provider says so at every login'),
});

const path = '/v1/memberships/{organization}/{account}';
const one = z.strictObject({ organization: organizationName, account: accountName });

/** Who has which role where. */
export const MEMBERSHIP_ENDPOINTS: readonly Endpoint[] = [
  defineForKnown({
    method: 'GET',
    path: '/v1/memberships',
    summary: 'List the roles in the organizations that you are an admin of',
    parameters: none,
    query: z.strictObject({
      organization: organizationName.optional(),
      account: accountName.optional(),
    }),
    answers: { 200: { description: 'All of them', shape: z.object({ items: z.array(membershipView) }) } },
    answer: async ({ store, asker, query }) =>
      json(200, { items: await listMemberships(store, asker.account, query) }),
  }),
  defineForKnown({
    method: 'PUT',
    path,
    summary: 'Give an account a role in an organization; * is everywhere',
    parameters: one,
    query: none,
    body: { types: ['application/json'], shape: membershipSchema },
    answers: {
      200: { description: 'The role that it has now', shape: membershipView },
      201: { description: 'It had none before', shape: membershipView },
    },
    async answer({ store, asker, request, path: { organization, account } }) {
      const body = await readShape(request, membershipSchema);
      if (!body.ok) return body.answer;
      const outcome = await giveRole(store, asker, organization, account, body.value.role);
      if (!outcome.ok) return refusalAnswer(outcome);
      return json(outcome.result.created ? 201 : 200, outcome.result.membership);
    },
  }),
  defineForKnown({
    method: 'DELETE',
    path,
    summary: 'Take the role that an account was given in an organization',
    parameters: one,
    query: none,
    answers: { 204: { description: 'It has none any more' } },
    async answer({ store, asker, path: { organization, account } }) {
      return doneAnswer(await takeRole(store, asker, organization, account));
    },
  }),
];
