import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { outlierSchema } from './schema.ts';

suite('the options of outlier detection', () => {
  test('have Envoy’s defaults, in milliseconds', () => {
    assert.deepEqual(outlierSchema.parse({ failurePercentage: {} }), {
      consecutive5xx: 5,
      consecutiveGatewayErrors: 0,
      consecutiveLocalErrors: 0,
      interval: 10_000,
      baseEjection: 30_000,
      maxEjection: 300_000,
      maxEjected: 10,
      successRate: { minTargets: 5, requests: 100, deviations: 1.9 },
      failurePercentage: { minTargets: 5, requests: 50, threshold: 85 },
      shadow: false,
    });
  });

  test('may switch the success rate off; the failure percentage is off unless it is given', () => {
    const { successRate, failurePercentage } = outlierSchema.parse({ successRate: false });
    assert.deepEqual([successRate, failurePercentage], [false, undefined]);
  });

  const refused: readonly [options: object, path: string, message: string | RegExp][] = [
    [{ consecutive5xx: -1 }, 'consecutive5xx', />=0/],
    [{ interval: '0s' }, 'interval', 'is 0: nothing would ever return'],
    [{ baseEjection: '0s' }, 'baseEjection', 'is 0: a target would return at once'],
    [{ baseEjection: '10m' }, 'maxEjection', 'is below baseEjection; it is 300s where it is not given'],
    [{ maxEjection: '2d' }, 'maxEjection', 'is above 1d'],
    [{ maxEjected: 0 }, 'maxEjected', />=1/],
    [{ successRate: true }, 'successRate', /Invalid input/],
  ];
  for (const [options, path, message] of refused) {
    test(`refuse ${JSON.stringify(options)}`, () => {
      const issues = outlierSchema.safeParse(options).error?.issues ?? [];
      assert.deepEqual(
        issues.map((issue) => issue.path.join('.')),
        [path],
      );
      if (typeof message === 'string') assert.equal(issues[0]?.message, message);
      else assert.match(issues[0]?.message ?? '', message);
    });
  }
});
