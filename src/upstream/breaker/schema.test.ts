import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { breakerSchema } from './schema.ts';

suite('the options of a breaker', () => {
  test('have defaults, in milliseconds', () => {
    assert.deepEqual(breakerSchema.parse({}), {
      scope: 'service',
      errorRatio: 0.5,
      slowRatio: 0.5,
      minRequests: 20,
      window: 10_000,
      openFor: 5000,
      maxOpenFor: 60_000,
      probes: 3,
      closeAfter: 3,
      rampUp: 10_000,
    });
  });

  const refused: readonly [options: object, path: string, message: string | RegExp][] = [
    [{ errorRatio: 0 }, 'errorRatio', 'is not above 0: a breaker that always opens lets nothing through'],
    [{ slowRatio: 1.5 }, 'slowRatio', /<=1/],
    [{ probes: 0 }, 'probes', />=1/],
    [{ closeAfter: 1024 }, 'closeAfter', /<=1023/],
    [{ slowAfter: '0s' }, 'slowAfter', 'is 0: leave it out where no answer is slow'],
    [{ window: '50ms' }, 'window', 'is below 100ms'],
    [{ openFor: '0s' }, 'openFor', 'is 0: the breaker would not stay open'],
    [{ openFor: '2m' }, 'maxOpenFor', 'is below openFor; it is 60s where it is not given'],
  ];
  for (const [options, path, message] of refused) {
    test(`refuse ${JSON.stringify(options)}`, () => {
      const issues = breakerSchema.safeParse(options).error?.issues ?? [];
      assert.deepEqual(
        issues.map((issue) => issue.path.join('.')),
        [path],
      );
      if (typeof message === 'string') assert.equal(issues[0]?.message, message);
      else assert.match(issues[0]?.message ?? '', message);
    });
  }
});
