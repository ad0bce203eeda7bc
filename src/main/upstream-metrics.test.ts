import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseTextFormat } from '../observability/text-format.support.ts';
import type { ServiceStatus, TargetStatus } from '../upstream/control/status.ts';
import { upstreamMetrics } from './upstream-metrics.ts';

const CALM: TargetStatus = {
  url: 'http://a',
  weight: 1,
  draining: false,
  health: 'up',
  ejected: false,
  ejectedForMs: 0,
  inFlight: 0,
};

function service(targets: readonly TargetStatus[], more: Partial<ServiceStatus> = {}): ServiceStatus {
  const counts = { targets: targets.length, usable: 1, down: 2, ejected: 3, draining: 4 };
  return { counts, inFlight: 5, pending: 6, retries: 7, targets, ...more };
}

/** `name{label="value"} 1` as `name value 1`, of each sample. */
function samplesOf(services: Readonly<Record<string, ServiceStatus>>): string[] {
  return parseTextFormat(upstreamMetrics(services)).flatMap(({ samples }) =>
    samples.map(({ name, labels, value }) =>
      [name.replace('portcullis_upstream_', ''), ...Object.values(labels), value].join(' '),
    ),
  );
}

suite('the gauges of services', () => {
  test('say how each is now', () => {
    const source = { state: 'failing', cause: 'no such name', since: '2026-01-01T00:00:00.000Z' } as const;
    assert.deepEqual(samplesOf({ s: service([CALM], { source, breaker: 'half-open' }) }), [
      'targets s usable 1',
      'targets s down 2',
      'targets s ejected 3',
      'targets s draining 4',
      'target_usable s http://a 1',
      'requests_in_flight s 5',
      'requests_pending s 6',
      'breaker_open s  1',
      'source_ok s 0',
    ]);
  });

  const states: readonly (readonly [what: string, target: Partial<TargetStatus>, usable: 0 | 1])[] = [
    ['well', {}, 1],
    ['not checked', { health: 'unknown' }, 1],
    ['tried by its breaker', { breaker: 'half-open' }, 1],
    ['down', { health: 'down' }, 0],
    ['ejected', { ejected: true }, 0],
    ['draining', { draining: true }, 0],
    ['of weight 0', { weight: 0 }, 0],
    ['behind an open breaker', { breaker: 'open' }, 0],
  ];
  for (const [what, target, usable] of states) {
    test(`say of a target that is ${what} that it is ${usable === 1 ? '' : 'not '}usable`, () => {
      const samples = samplesOf({ s: service([{ ...CALM, ...target }]) });
      assert.ok(samples.includes(`target_usable s http://a ${usable}`), samples.join('\n'));
    });
  }

  test('have a source that has said nothing yet as one that is well', () => {
    assert.ok(samplesOf({ s: service([], { source: { state: 'waiting' } }) }).includes('source_ok s 1'));
  });

  test('are none without services', () => assert.equal(upstreamMetrics({}), ''));

  test('have two thousand targets at most, of all services together', () => {
    const many = Array.from({ length: 1500 }, (_, i) => ({ ...CALM, url: `http://a:${i + 1}` }));
    const samples = samplesOf({ a: service(many), b: service(many), c: service(many) });
    assert.equal(samples.filter((sample) => sample.startsWith('target_usable ')).length, 2000);
    assert.ok(samples.includes('targets c usable 1'), 'the counts are of all');
  });
});
