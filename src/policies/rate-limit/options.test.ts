import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compilePolicies, validatePolicyUse } from '../compile.ts';

describe('Options', () => {
  const limits = ['10/s'];
  for (const [options, path, message] of [
    [{}, 'limits', 'Invalid input: expected array, received undefined'],
    [{ limits: [] }, 'limits', 'Too small: expected array to have >=1 items'],
    [{ limits: ['0/s'] }, 'limits.0', 'lets nothing through: the number is at least 1'],
    [{ limits: ['10/0s'] }, 'limits.0', 'is no time at all'],
    [{ limits: ['10/32d'] }, 'limits.0', 'is longer than 31d'],
    [{ limits: ['1000001/s'] }, 'limits.0', 'is more than a million in a second'],
    [
      { limits: ['10 per second'] },
      'limits.0',
      'is not a rate: write a whole number and a time, such as 10/s, 100/min, 1000/h, 5/15min or 10000/d',
    ],
    [{ limits: [{ rate: '0/s' }] }, 'limits.0.rate', 'lets nothing through: the number is at least 1'],
    [{ limits: [{ rate: '1/s', burst: 0 }] }, 'limits.0.burst', 'Too small: expected number to be >=1'],
    [{ limits: [{ rate: '1/s', bursts: 1 }] }, 'limits.0.bursts', 'is not a known option: did you mean burst?'],
    [{ limits: [{ concurrency: 0 }] }, 'limits.0.concurrency', 'Too small: expected number to be >=1'],
    [{ limits: [{}] }, 'limits.0', 'needs rate or concurrency, one of them'],
    [{ limits: [{ rate: '1/s', concurrency: 1 }] }, 'limits.0', 'needs rate or concurrency, one of them'],
    [{ limits: [{ concurrency: 1, burst: 2 }] }, 'limits.0.burst', 'is for a rate, not for concurrency'],
    [{ limits: ['1/s', '1/s'] }, 'limits.1', 'there is a limit "1/s" already: give one of them a name'],
    [
      { limits: [{ rate: '1/s', burst: 2 }], algorithm: 'sliding-window' },
      'limits.0.burst',
      'is for gcra: a sliding window has none',
    ],
    [
      { limits: [{ rate: '1/s', name: 'a "b"' }] },
      'limits.0.name',
      'is not a name: write up to 64 letters, digits, spaces, ".", "_", "/" and "-"',
    ],
    [
      { limits: ['999999/s'] },
      'limits.0',
      'is too fine to be counted exactly: choose a number that has more factors in common with 1000 ms, or a shorter time',
    ],
    [
      { limits: [{ rate: '7/30d', burst: 1e9 }] },
      'limits.0',
      'has a burst that is too large to be counted exactly: choose a smaller one, or a shorter time',
    ],
    [
      { limits: ['1/s', '9000000/31d'], algorithm: 'sliding-window' },
      'limits.1',
      'is too fine to be counted exactly: choose a number that has more factors in common with 2678400000 ms, or a shorter time',
    ],
    [
      { limits, key: 'adress' },
      'key',
      'Invalid option: expected one of "address"|"route"|"service"|"consumer"|"session"|"plan"',
    ],
    [{ limits, key: {} }, 'key', 'names one of address, header, cookie and claim'],
    [{ limits, key: { header: 'a', claim: 'b' } }, 'key', 'names one of address, header, cookie and claim'],
    [{ limits, key: { header: 'a b' } }, 'key.header', 'is not a field name'],
    [{ limits, key: { address: { ipv6: 129 } } }, 'key.address.ipv6', 'Too big: expected number to be <=128'],
    [
      { limits, cost: 11 },
      'cost',
      'is more than the limit "10/s" ever holds, which is 10: every request would be refused',
    ],
    [
      { limits, when: 'before-authentication', key: ['route', 'consumer'] },
      'when',
      'is too early: consumer, session, plan and claim are known after authentication',
    ],
    [{ limits, sync: '1s' }, 'sync', 'is for store: hybrid'],
    [{ limits, store: 'hybrid', sync: '5ms' }, 'sync', 'is shorter than 10ms'],
    [{ limits, store: 'memory', onFailure: 'open' }, 'onFailure', 'is for Redis: memory is always there'],
    [
      { limits: ['1/s', { concurrency: 1 }], store: 'hybrid' },
      'limits.1.concurrency',
      'is counted exactly or not at all: use store: redis or memory',
    ],
    [{ limits, store: 'hybrid', algorithm: 'sliding-window' }, 'algorithm', 'of a hybrid store is gcra'],
    [{ limits, delay: { max: '0s' } }, 'delay.max', 'is no time at all'],
    [
      { limits, delay: { max: '1s' }, shadow: true },
      'delay',
      'does not go with shadow, which holds nobody up',
    ],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const problems = await validatePolicyUse({ name: 'rate-limit', options });
      assert.deepEqual(
        problems.map((problem) => [problem.path.join('.'), problem.message]),
        [[path, message]],
      );
    });
  }

  it('that are right are taken', async () => {
    const right = [
      { limits: ['10/s', { rate: '1000/h', burst: 50 }, { concurrency: 5, key: 'consumer' }] },
      { limits, key: { cookie: 'id' }, cost: { header: 'x-cost' }, algorithm: 'sliding-window' },
    ];
    for (const options of right)
      assert.deepEqual(await validatePolicyUse({ name: 'rate-limit', options }), []);
  });
});

describe('The stage', () => {
  for (const [options, stage] of [
    [{}, 'throttling'],
    [{ key: { header: 'x-api-key' } }, 'throttling'],
    [{ key: ['address', 'route'] }, 'throttling'],
    [{ key: 'address', when: 'after-authentication' }, 'quota'],
    [{ key: 'consumer' }, 'quota'],
    [{ key: ['route', { claim: 'sub' }] }, 'quota'],
    [{ limits: ['1/s', { rate: '2/s', key: 'session' }] }, 'quota'],
  ] as const) {
    it(`with ${JSON.stringify(options)} is ${stage}`, async () => {
      const use = { name: 'rate-limit', options: { limits: ['1/s'], ...options } };
      const context = { route: 'r', warn: () => {}, policyEvent: () => {} };
      const { all } = await compilePolicies([use], context);
      assert.deepEqual(
        all.map((policy) => policy.stage),
        [stage],
      );
    });
  }

  it('puts a use before those that find out who calls, or after, and never before a preflight is answered', async () => {
    const use = (key: string) => ({ name: 'rate-limit', options: { limits: ['1/s'], key } });
    const uses = [use('consumer'), use('route'), { name: 'cors', options: { origins: ['*'] } }];
    const context = { route: 'r', warn: () => {}, policyEvent: () => {} };
    const { all } = await compilePolicies(uses, context);
    assert.deepEqual(
      all.map(({ name, stage }) => `${name} ${stage}`),
      ['cors admission', 'rate-limit throttling', 'rate-limit quota'],
    );
  });
});
