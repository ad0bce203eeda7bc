import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { Fields, isToken } from '../http/fields.ts';
import { Turns } from '../lib/turns.ts';
import { PolicyReader } from './compile.ts';
import { IdentityFields } from './identity-field-set.ts';
import { findIdentityFields } from './identity-fields.ts';

/** Fields as they come from a client: lines until one of them is changed. */
function received(names: readonly string[]): Fields {
  return Fields.ofLines(names.map((name) => `${name}: v\r\n`).join(''), -1);
}

const NAMES = new IdentityFields(['X-Consumer-Id', 'x-auth-request-*', 'Remote-User']);

function left(names: readonly string[], identity = NAMES): string[] {
  const fields = received(names);
  identity.strip(fields);
  return fields.list.filter((_, i) => i % 3 === 1);
}

suite('names by which services are told who calls', () => {
  test('are taken off in any case, with any sign for the hyphen, however often they stand', () => {
    const spoofed = [
      'X-Consumer-Id',
      'x-consumer-id',
      'X_CONSUMER_ID',
      'X-Consumer_Id',
      'x.consumer.id',
      'REMOTE_USER',
    ];
    assert.deepEqual(left(['Accept', ...spoofed, ...spoofed, 'X-Other']), ['Accept', 'X-Other']);
  });

  test('are taken off by how they begin', () => {
    const spoofed = ['X-Auth-Request-User', 'x_auth_request_email', 'X-Auth-Request-'];
    assert.deepEqual(left([...spoofed, 'X-Auth-Requests', 'X-Auth']), ['X-Auth-Requests', 'X-Auth']);
  });

  test('leave alone what is only near them', () => {
    const names = [
      'X-Consumer',
      'X-Consumer-Ids',
      'XConsumerId',
      'X--Consumer-Id',
      'A-X-Consumer-Id',
      'Remote',
    ];
    assert.deepEqual(left(names), names);
  });

  test('that begin with a sign are found too', () => {
    assert.deepEqual(left(['_user', '~USER', 'user'], new IdentityFields(['_user'])), ['user']);
  });

  test('leave alone a credential that is called so too, as it is written and in no other way', () => {
    const identity = new IdentityFields(['x-auth-*', 'x-key'], new Set(['x-auth-token', 'x-key']));
    const sent = ['X-Auth-Token', 'x_auth_token', 'X-Auth-User', 'X-Key', 'X_Key', 'X-Auth-Tokens'];
    assert.deepEqual(left(sent, identity), ['X-Auth-Token', 'X-Key']);
  });

  test('are found in every spelling, and no others', () => {
    const sign = fc.constantFrom(..."-_.!#$%&'*+^`|~");
    const spelling = fc
      .tuple(
        fc.constantFrom('x-consumer-id', 'remote-user', 'x-auth-request-user'),
        fc.array(fc.boolean()),
        fc.array(sign),
      )
      .map(([name, capitals, signs]) =>
        Array.from(name, (letter, i) => {
          if (letter === '-') return signs[i % Math.max(1, signs.length)] ?? '-';
          return capitals[i % Math.max(1, capitals.length)] === true ? letter.toUpperCase() : letter;
        }).join(''),
      );
    const other = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
    fc.assert(
      fc.property(fc.array(fc.oneof(spelling, other)), (names) => {
        for (const name of names) assert.ok(isToken(name));
        const folded = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
        const isSpoofed = (name: string) =>
          ['x-consumer-id', 'remote-user'].includes(folded(name)) ||
          folded(name).startsWith('x-auth-request-');
        assert.deepEqual(
          left(names),
          names.filter((name) => !isSpoofed(name)),
        );
      }),
    );
  });
});

suite('they are those of all policies of a configuration', () => {
  const uses = [
    { name: 'headers', options: { request: { set: { 'x-a': 'b' } } } },
    { name: 'identity-headers', options: { set: { 'X-Who': '${principal.consumer}' }, strip: ['x-user-*'] } },
    { name: 'identity-headers', options: undefined },
  ];

  test('and none where no policy has any', async () => {
    assert.equal(await findIdentityFields(uses.slice(0, 1), new PolicyReader(), new Turns(1000)), undefined);
  });

  test('wherever they stand', async () => {
    const fields = await findIdentityFields(uses, new PolicyReader(), new Turns(1000));
    assert.ok(fields);
    assert.deepEqual(left(['x-a', 'X-Who', 'X-User-Id', 'X-Consumer-Groups', 'X-Whom'], fields), [
      'x-a',
      'X-Whom',
    ]);
  });
});
