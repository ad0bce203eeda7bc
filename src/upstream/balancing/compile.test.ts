import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { FakeEndpoint, picks, seededRandom } from './balancing.support.ts';
import { type CompiledBalancer, compileBalancer } from './compile.ts';
import { type BalanceSettings, balanceSchema } from './schema.ts';

const ALGORITHMS = ['round-robin', 'random', 'least-requests', 'peak-ewma', 'hash'] as const;

function settingsOf(algorithm: BalanceSettings['algorithm'], rest: object = {}): BalanceSettings {
  const hash = algorithm === 'hash' ? { hash: { address: true } } : {};
  return balanceSchema.parse({ algorithm, ...hash, ...rest });
}

function compile(settings: BalanceSettings, all: readonly FakeEndpoint[]): CompiledBalancer<FakeEndpoint> {
  return compileBalancer(settings, all, { random: seededRandom(14), now: () => 0 });
}

/** Endpoints with names of their own, in any state. */
const anyEndpoints = fc
  .array(
    fc.record({
      weight: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 1e-3, max: 1, noNaN: true }),
      ),
      zone: fc.constantFrom(undefined, 'a', 'b'),
      available: fc.boolean(),
      draining: fc.boolean(),
      requests: fc.nat(100),
      latency: fc.oneof(fc.constant(0), fc.nat(10_000)),
    }),
    { maxLength: 8 },
  )
  .map((list) =>
    list.map((sides, i): FakeEndpoint => Object.assign(new FakeEndpoint(`10.0.0.${i}:80`), sides)),
  );

for (const algorithm of ALGORITHMS) {
  suite(algorithm, () => {
    test('picks one that may be asked whenever there is one, and one not tried yet whenever there is one', () => {
      fc.assert(
        fc.property(
          anyEndpoints,
          fc.constantFrom(undefined, 'a'),
          fc.constantFrom(0, 50, 100),
          fc.array(
            fc.tuple(
              fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { nil: undefined }),
              fc.nat(255),
            ),
          ),
          (all, zone, panicThreshold, requests) => {
            const { balancer, endpoints, panic } = compile(
              settingsOf(algorithm, { zone, panicThreshold }),
              all,
            );
            for (const endpoint of endpoints) {
              assert.ok(all.includes(endpoint) && endpoint.weight > 0 && !endpoint.draining);
              assert.ok(endpoint.available || panic);
            }
            for (const [hash, triedBits] of requests) {
              const tried = all.filter((_, i) => (triedBits >> i) & 1);
              const picked = balancer.pick(hash, tried);
              if (picked === undefined) assert.equal(endpoints.length, 0);
              else assert.ok(endpoints.includes(picked));
              // With a zone, those of other zones may not be among the balancer's.
              if (zone === undefined && endpoints.some((endpoint) => !tried.includes(endpoint)))
                assert.ok(picked !== undefined && !tried.includes(picked));
            }
          },
        ),
        { numRuns: algorithm === 'hash' ? 50 : 300 },
      );
    });

    test('asks the only target always, tried or not', () => {
      const only = new FakeEndpoint('a');
      const { balancer } = compile(settingsOf(algorithm), [only, new FakeEndpoint('b', 0)]);
      assert.equal(balancer.pick(undefined, []), only);
      assert.equal(balancer.pick(1, [only]), only);
    });

    test('asks nobody when there is nobody to ask', () => {
      for (const all of [[], [new FakeEndpoint('a', 0)]])
        assert.equal(compile(settingsOf(algorithm), all).balancer.pick(1, []), undefined);
    });

    test('a request that was tried everywhere is tried again', () => {
      const all = [new FakeEndpoint('a'), new FakeEndpoint('b', 3)];
      assert.ok(compile(settingsOf(algorithm), all).balancer.pick(1, all));
    });
  });
}

suite('targets of a zone', () => {
  const zoned = (down: number): FakeEndpoint[] =>
    ['a1', 'a2', 'a3', 'b1'].map((name, i) => {
      const endpoint = new FakeEndpoint(name, 1, name[0]);
      endpoint.available = i >= down;
      return endpoint;
    });
  const asked = (down: number, panicThreshold: number) => {
    const { balancer, endpoints, panic } = compile(
      settingsOf('round-robin', { zone: 'a', panicThreshold }),
      zoned(down),
    );
    const names = [...new Set(picks(balancer, 200))].sort().join(' ');
    return { names, panic, eligible: endpoints.length };
  };

  test('are preferred; a sticky session may stay at others', () =>
    assert.deepEqual(asked(0, 50), { names: 'a1 a2 a3', panic: false, eligible: 4 }));

  test('share with others when too few are left', () =>
    assert.deepEqual(asked(2, 50), { names: 'a3 b1', panic: false, eligible: 2 }));

  test('are not preferred in panic', () =>
    assert.deepEqual(asked(3, 50), { names: 'a1 a2 a3 b1', panic: true, eligible: 4 }));
});
