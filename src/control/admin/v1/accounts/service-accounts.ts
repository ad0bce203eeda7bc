import { z } from 'zod';
import {
  deleteServiceAccount,
  listServiceAccounts,
  putServiceAccount,
  readServiceAccount,
} from '../../../rights/store/service-accounts.ts';
import { json } from '../../answer.ts';
import type { Endpoint } from '../../endpoint.ts';
import {
  accountName,
  accountView,
  defineForKnown,
  doneAnswer,
  none,
  organizationName,
  readShape,
  refusalAnswer,
} from './account-calls.ts';

const serviceAccountSchema = z.strictObject({
  title: z.string().max(200).optional().describe('What it is for'),
  organization: organizationName
    .refine((name) => name !== '*', 'is everywhere: leave it out')
    .optional()
    .describe('Whose it is: its admins manage it; left out, admins everywhere do'),
  disabled: z.boolean().optional().describe('Whether it may not come in'),
});

const serviceAccountView = accountView.extend({ organization: z.string().optional() });

const named = z.strictObject({ name: accountName });
const serviceAccount = { description: 'The service account', shape: serviceAccountView };

/** Accounts of programs. */
export const SERVICE_ACCOUNT_ENDPOINTS: readonly Endpoint[] = [
  defineForKnown({
    method: 'GET',
    path: '/v1/service-accounts',
    summary: 'List the service accounts of the organizations that you are an admin of',
    parameters: none,
    query: none,
    answers: { 200: { description: 'All of them', shape: z.object({ items: z.array(serviceAccountView) }) } },
    answer: async ({ store, asker }) => json(200, { items: await listServiceAccounts(store, asker.account) }),
  }),
  defineForKnown({
    method: 'GET',
    path: '/v1/service-accounts/{name}',
    summary: 'Read a service account',
    parameters: named,
    query: none,
    answers: { 200: serviceAccount },
    async answer({ store, asker, path: { name } }) {
      const outcome = await readServiceAccount(store, asker.account, name);
      return outcome.ok ? json(200, outcome.result) : refusalAnswer(outcome);
    },
  }),
  defineForKnown({
    method: 'PUT',
    path: '/v1/service-accounts/{name}',
    summary: 'Create a service account, or make it what is sent',
    parameters: named,
    query: none,
    body: { types: ['application/json'], shape: serviceAccountSchema },
    answers: {
      200: serviceAccount,
      201: { description: 'It was not there before', shape: serviceAccountView },
    },
    async answer({ store, asker, request, path: { name } }) {
      const body = await readShape(request, serviceAccountSchema);
      if (!body.ok) return body.answer;
      const outcome = await putServiceAccount(store, asker, name, body.value);
      if (!outcome.ok) return refusalAnswer(outcome);
      return json(outcome.result.created ? 201 : 200, outcome.result.serviceAccount);
    },
  }),
  defineForKnown({
    method: 'DELETE',
    path: '/v1/service-accounts/{name}',
    summary: 'Delete a service account with its tokens',
    parameters: named,
    query: none,
    answers: { 204: { description: 'It is gone' } },
    async answer({ store, asker, path: { name } }) {
      return doneAnswer(await deleteServiceAccount(store, asker, name));
    },
  }),
];
