import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { Breaker, type BreakerChange, type Permit, REJECTED } from './breaker.ts';
import { BreakerRegion } from './region.ts';
import { breakerSchema } from './schema.ts';

const WORKERS = 3;

const NEXT: Readonly<Record<string, readonly string[]>> = {
  closed: ['open'],
  open: ['half-open'],
  'half-open': ['open', 'ramping'],
  ramping: ['open', 'closed'],
};

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('admit' as const), worker: fc.nat(WORKERS - 1) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      which: fc.nat(50),
      failed: fc.boolean(),
      latencyMs: fc.constantFrom(1, 600),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('release' as const),
      which: fc.nat(50),
      waitedMs: fc.constantFrom(-1, 1, 600),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(3000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), worker: fc.nat(WORKERS - 1) }) },
);

interface UnderWay {
  readonly worker: number;
  readonly permit: Permit;
  /** The generation of half-open it is a probe of; undefined for others. */
  readonly probe: number | undefined;
}

suite('whatever requests come, end, are abandoned or die with their worker', () => {
  test('no more probes are under way than may be, each change follows from the state before, and an open breaker opens again', () => {
    let halfOpenings = 0;
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 20, maxLength: 300 }),
        fc.integer({ min: 1, max: 3 }),
        (steps, probes) => {
          const settings = breakerSchema.parse({
            minRequests: 2,
            slowAfter: '500ms',
            openFor: '1s',
            maxOpenFor: '600s',
            probes,
            closeAfter: 2,
            rampUp: '2s',
          });
          const shared = new SharedArrayBuffer(BreakerRegion.BYTES);
          const changes: BreakerChange[] = [];
          let nowMs = 5_000_000;
          const regions = Array.from({ length: WORKERS }, (_, id) => new BreakerRegion(shared, 0, id));
          const breakers = regions.map(
            (region) =>
              new Breaker(
                region,
                settings,
                () => 0,
                (change) => changes.push(change),
              ),
          );
          const [observer, mainThread] = [breakers[0] as Breaker, regions[0] as BreakerRegion];
          let underWay: UnderWay[] = [];
          const take = (which: number): UnderWay | undefined =>
            underWay.splice(which % Math.max(1, underWay.length), 1)[0];

          for (const act of steps) {
            const generation = changes.length;
            if (act.kind === 'admit') {
              const permit = (breakers[act.worker] as Breaker).admit(nowMs);
              const halfOpen = observer.state(nowMs) === 'half-open';
              if (permit !== REJECTED)
                underWay.push({ worker: act.worker, permit, probe: halfOpen ? changes.length : undefined });
            } else if (act.kind === 'end') {
              const ended = take(act.which);
              if (ended !== undefined)
                breakers[ended.worker]?.record(ended.permit, act.failed, act.latencyMs, nowMs);
            } else if (act.kind === 'release') {
              const left = take(act.which);
              if (left !== undefined) breakers[left.worker]?.release(left.permit, act.waitedMs, nowMs);
            } else if (act.kind === 'pass') {
              nowMs += act.ms;
            } else {
              underWay = underWay.filter(({ worker }) => worker !== act.worker);
              mainThread.forgetWorker(act.worker);
            }
            assert.ok(changes.length <= generation + 1, 'one call makes one change');
            if (observer.state(nowMs) === 'half-open') {
              const out = underWay.filter(({ probe }) => probe === changes.length).length;
              assert.ok(out <= probes, `${out} probes are under way`);
              if (changes.at(-1)?.to === 'half-open') assert.equal(mainThread.probes.out, out);
            }
          }
          let state = 'closed';
          for (const { from, to } of changes) {
            assert.equal(from, state);
            assert.ok(NEXT[from]?.includes(to), `${from} > ${to}`);
            if (to === 'half-open') halfOpenings++;
            state = to;
          }
        },
      ),
      { numRuns: 300 },
    );
    assert.ok(halfOpenings > 100, `half-open ${halfOpenings} times`);
  });
});
