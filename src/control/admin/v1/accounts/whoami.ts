import { z } from 'zod';
import { refused } from '../../../rights/store/rights-store.ts';
import { changeOwnPassword } from '../../../rights/store/users.ts';
import { json } from '../../answer.ts';
import { tooManyAttempts } from '../../authentication/identify.ts';
import { newPasswordHash } from '../../authentication/local-login.ts';
import type { Endpoint } from '../../endpoint.ts';
import { defineForKnown, doneAnswer, none, readShape, refusalAnswer } from './account-calls.ts';
import { newPassword } from './users.ts';

const passwordSchema = z.strictObject({
  current: z.string().max(1024).describe('The one until now'),
  password: newPassword,
});

const view = z.object({
  name: z.string(),
  id: z.string(),
  kind: z.enum(['local', 'bootstrap', 'user', 'service']),
  roles: z.record(z.string(), z.string()).describe('By organization; * is everywhere'),
  token: z.string().optional().describe('Id of the token that you are known by'),
});

/** Who calls, and what is their own. */
export const WHOAMI_ENDPOINTS: readonly Endpoint[] = [
  defineForKnown({
    method: 'GET',
    path: '/v1/whoami',
    summary: 'Who you are, and what you may do',
    parameters: none,
    query: none,
    answers: { 200: { description: 'Your account', shape: view } },
    async answer({ asker: { account } }) {
      const { name, id, kind, roles, token } = account;
      return json(200, {
        name,
        id,
        kind,
        roles: Object.fromEntries(roles),
        ...(token === undefined ? undefined : { token }),
      });
    },
  }),
  defineForKnown({
    method: 'PUT',
    path: '/v1/whoami/password',
    summary: 'Change your own password; every login of a browser ends',
    parameters: none,
    query: none,
    body: { types: ['application/json'], shape: passwordSchema },
    answers: { 204: { description: 'It is the new one' } },
    async answer({ store, asker, rights, request }) {
      const { account } = asker;
      const { authentication } = rights;
      if (account.kind !== 'user' || account.token !== undefined || authentication === undefined)
        return refusalAnswer(refused('forbidden', 'only users who have logged in change their password'));
      const body = await readShape(request, passwordSchema);
      if (!body.ok) return body.answer;
      const { current, password } = body.value;
      const verdict = await authentication.local.check(account.name, current, request.place.address);
      if (verdict.kind === 'wait') return tooManyAttempts(verdict.waitMs);
      if (verdict.kind === 'wrong')
        return refusalAnswer(refused('wrong_password', 'this is not the password until now'));
      return doneAnswer(await changeOwnPassword(store, asker, await newPasswordHash(password)));
    },
  }),
];
