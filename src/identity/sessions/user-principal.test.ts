import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ConsumersByOwner } from '../consumers/consumers-by-owner.ts';
import { consumerSchema } from '../consumers/schema.ts';
import { PasswordChecker } from '../passwords/password-checker.ts';
import { principalOf } from './user-principal.ts';

it('A user whose subject is called like a consumer is not that consumer, unless it says so', () => {
  const consumers = new ConsumersByOwner(
    {
      admin: consumerSchema.parse({ groups: ['staff'] }),
      boss: consumerSchema.parse({ groups: ['staff'], subjects: [{ provider: 'first', subject: 'u-1' }] }),
    },
    new PasswordChecker(Date.now),
    Date.now,
  ).of(undefined);
  const known = (subject: string) => {
    const user = { provider: 'first', issuer: 'https://id.example.com', subject, claims: {} };
    const { consumer, groups } = principalOf(
      'id',
      { user, createdAtMs: 0, endsAtMs: 1 },
      undefined,
      consumers,
    );
    return [consumer, groups];
  };
  assert.deepEqual(known('admin'), ['https://id.example.com#admin', []]);
  assert.deepEqual(known('u-1'), ['boss', ['staff']]);
  assert.deepEqual(known('alice'), ['alice', []]);
});
