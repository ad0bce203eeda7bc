import { z } from 'zod';
import { hasControlCharacter } from '../../../../identity/passwords/characters.ts';
import { decide } from '../../../rights/decide.ts';
import { refused } from '../../../rights/store/rights-store.ts';
import { deleteUser, listUsers, putUser, readUser, USERS_FORBIDDEN } from '../../../rights/store/users.ts';
import { json } from '../../answer.ts';
import { newPasswordHash } from '../../authentication/local-login.ts';
import type { Endpoint } from '../../endpoint.ts';
import {
  accountName,
  accountView,
  defineForKnown,
  doneAnswer,
  none,
  readShape,
  refusalAnswer,
} from './account-calls.ts';

export const newPassword = z
  .string()
  .min(12, 'is shorter than 12 characters')
  .max(1024)
  .refine((text) => !hasControlCharacter(text), 'has a control character')
  .describe('At least 12 characters; it is kept as a hash alone');

const userSchema = z.strictObject({
  title: z.string().max(200).optional().describe('What they are called in full'),
  disabled: z.boolean().optional().describe('Whether they may not come in'),
  password: newPassword.nullish().describe('A new one; left out, they keep theirs; null takes it away'),
  identities: z
    .array(z.strictObject({ provider: z.string().min(1).max(100), subject: z.string().min(1).max(500) }))
    .max(20)
    .optional()
    .describe('Users of identity providers who are this user: the `sub` of their tokens'),
});

const identitySchema = z.object({ provider: z.string(), subject: z.string() });
export const userView = accountView.extend({
  password: z.boolean().describe('Whether they have one'),
  identities: z.array(identitySchema),
});

const named = z.strictObject({ name: accountName });
const user = { description: 'The user', shape: userView };

/** Users are managed by admins of the whole gateway. */
export const USER_ENDPOINTS: readonly Endpoint[] = [
  defineForKnown({
    method: 'GET',
    path: '/v1/users',
    summary: 'List users',
    parameters: none,
    query: none,
    answers: { 200: { description: 'All of them', shape: z.object({ items: z.array(userView) }) } },
    async answer({ store, asker }) {
      if (decide(asker.account, 'read', { kind: 'users' }) !== 'allowed')
        return refusalAnswer(USERS_FORBIDDEN);
      return json(200, { items: await listUsers(store) });
    },
  }),
  defineForKnown({
    method: 'GET',
    path: '/v1/users/{name}',
    summary: 'Read a user',
    parameters: named,
    query: none,
    answers: { 200: user },
    async answer({ store, asker, path: { name } }) {
      if (decide(asker.account, 'read', { kind: 'users' }) !== 'allowed')
        return refusalAnswer(USERS_FORBIDDEN);
      const found = await readUser(store, name);
      return found === undefined
        ? refusalAnswer(refused('not_found', `there is no user ${name}`))
        : json(200, found);
    },
  }),
  defineForKnown({
    method: 'PUT',
    path: '/v1/users/{name}',
    summary: 'Create a user, or make them what is sent',
    parameters: named,
    query: none,
    body: { types: ['application/json'], shape: userSchema },
    answers: { 200: user, 201: { description: 'They were not there before', shape: userView } },
    async answer({ store, asker, request, path: { name } }) {
      // Before a password is hashed, which costs something.
      if (decide(asker.account, 'change', { kind: 'users' }) !== 'allowed')
        return refusalAnswer(USERS_FORBIDDEN);
      const body = await readShape(request, userSchema);
      if (!body.ok) return body.answer;
      const { password } = body.value;
      const hash = typeof password === 'string' ? await newPasswordHash(password) : password;
      const outcome = await putUser(store, asker, name, { ...body.value, password: hash });
      if (!outcome.ok) return refusalAnswer(outcome);
      return json(outcome.result.created ? 201 : 200, outcome.result.user);
    },
  }),
  defineForKnown({
    method: 'DELETE',
    path: '/v1/users/{name}',
    summary: 'Delete a user, with their tokens and logins',
    parameters: named,
    query: none,
    answers: { 204: { description: 'They are gone' } },
    async answer({ store, asker, path: { name } }) {
      return doneAnswer(await deleteUser(store, asker, name));
    },
  }),
];
