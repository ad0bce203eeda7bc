import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchangeFor, runPolicies } from '../../../test/support/exchange.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';

const compile = (max: string) =>
  compilePolicies([{ name: 'request-size', options: { max } }], {
    route: 'r',
    warn: () => {},
    policyEvent: () => {},
  });

for (const [title, max, bodyLength, refused, limit] of [
  ['a request without a body passes', '1kb', 0, false, Number.POSITIVE_INFINITY],
  ['a body of the largest size passes', '1kb', 1024, false, Number.POSITIVE_INFINITY],
  ['a body of one octet more is refused before it is read', '1kb', 1025, true, Number.POSITIVE_INFINITY],
  ['a body of unknown length is counted as it comes', '1kb', -1, false, 1024],
  ['0b is no limit', '0b', 1_000_000, false, Number.POSITIVE_INFINITY],
  ['0b counts nothing', '0b', -1, false, Number.POSITIVE_INFINITY],
] as const) {
  test(title, async () => {
    const exchange = exchangeFor({ method: 'POST', bodyLength });
    const answer = await runPolicies(await compile(max), exchange);
    assert.deepEqual(answer, refused ? { status: 413, code: 'body_too_large' } : undefined);
    assert.equal(exchange.bodyLimitBytes, limit);
  });
}

for (const [options, path, message] of [
  [{ max: '1' }, ['max'], 'is not a size: write a whole number and a unit, such as 512b, 64kb or 1mb'],
  [{ max: '1kb', limit: '1kb' }, ['limit'], 'is not a known option: the options are max'],
] as const) {
  test(`${JSON.stringify(options)} is refused`, async () => {
    assert.deepEqual(await validatePolicyUse({ name: 'request-size', options }), [{ path, message }]);
  });
}
