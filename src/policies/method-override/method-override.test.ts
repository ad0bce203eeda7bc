import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor, runPolicies } from '../../../test/support/exchange.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';

const context = { route: 'r', warn: () => {}, policyEvent: () => {} };

async function play(action: 'refuse' | 'strip', url: string, headers: Readonly<Record<string, string>>) {
  const exchange = exchangeFor({ method: 'POST', url, headers });
  const policies = await compilePolicies([{ name: 'method-override', options: { action } }], context);
  const answer = await runPolicies(policies, exchange);
  return {
    code: answer === undefined ? undefined : `${answer.status} ${answer.code}`,
    search: exchange.request.upstreamSearch,
    lines: exchange.requestLines,
  };
}

/** Each with what `strip` leaves of it; undefined: it refuses. */
const NAMING: readonly (readonly [string, Readonly<Record<string, string>>, string | undefined])[] = [
  ['/', { 'X-HTTP-Method-Override': 'DELETE' }, ''],
  ['/', { 'x-http-method': 'POST' }, ''],
  ['/', { 'X-METHOD-OVERRIDE': '' }, ''],
  ['/', { X_HTTP_Method_Override: 'PUT' }, ''],
  ['/', { 'X_METHOD-OVERRIDE': 'PUT' }, ''],
  ['/?_method=DELETE', {}, ''],
  ['/?a=1&_method=DELETE&b=2&_method=PUT', {}, '?a=1&b=2'],
  ['/?%5Fmethod=DELETE&a', {}, '?a'],
  ['/?a=1;_method=DELETE', {}, undefined],
  ['/?_method', { 'X-HTTP-Method': 'PUT' }, ''],
];

const INNOCENT: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['/', {}],
  ['/?method=DELETE&_methods=1&a=_method', {}],
  ['/?a=1;b=2', {}],
  ['/_method', { 'X-HTTP-Method-Overrides': 'x', 'X-HTTP': 'x', 'X-Method': 'PUT', 'X-Other': '1' }],
];

const shown = (url: string, headers: object) => `${url} ${JSON.stringify(headers)}`;

describe('A request that names another method', () => {
  for (const [url, headers, left] of NAMING) {
    it(`is refused: ${shown(url, headers)}`, async () => {
      assert.equal((await play('refuse', url, headers)).code, '400 method_override_refused');
    });

    it(`${left === undefined ? 'cannot be' : 'is'} stripped of it: ${shown(url, headers)}`, async () => {
      const { code, search, lines } = await play('strip', url, { ...headers, 'X-A': '1' });
      assert.equal(code, left === undefined ? '400 method_override_refused' : undefined);
      if (left !== undefined) assert.deepEqual([search, lines], [left, ['X-A: 1']]);
    });
  }
});

describe('A request that names none', () => {
  for (const [url, headers] of INNOCENT) {
    for (const action of ['refuse', 'strip'] as const) {
      it(`passes as it is (${action}): ${shown(url, headers)}`, async () => {
        assert.deepEqual(await play(action, url, headers), {
          code: undefined,
          search: new URL(url, 'http://a').search,
          lines: Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
        });
      });
    }
  }
});

it('an action that is none is refused', async () => {
  assert.deepEqual(await validatePolicyUse({ name: 'method-override', options: { action: 'drop' } }), [
    { path: ['action'], message: 'Invalid option: expected one of "refuse"|"strip"' },
  ]);
});
