import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import type { MetricsMessage } from './metrics.ts';
import { METRIC_NAMES, METRICS } from './metrics.ts';
import { MetricsHub } from './metrics-hub.ts';
import { recordOf } from './record-of.support.ts';
import { parseTextFormat, type Sample } from './text-format.support.ts';
import { createMetrics, type MetricsConfig, NO_METRICS, WorkerMetrics } from './worker-metrics.ts';

/** Read by people before it is changed: dashboards and alerts stand on it. */
const GOLDEN = readFileSync(new URL('./metrics.golden.txt', import.meta.url), 'utf8');

const PROCESS = {
  cpuUsage: () => ({ user: 1_500_000, system: 250_000 }),
  memoryUsageRss: () => 67_108_864,
  startTime: 1.7e9,
};

function setUp(options: Partial<MetricsConfig> = {}) {
  const config: MetricsConfig = { enabled: true, maxSeries: 10_000, buckets: [0.01, 0.1, 1], ...options };
  const hub = new MetricsHub({
    version: '0.1.0',
    buckets: config.buckets,
    maxSeries: config.maxSeries,
    process: PROCESS,
  });
  const worker = (id: number): WorkerMetrics =>
    new WorkerMetrics(config, (message) => hub.receive(id, structuredClone(message)));
  return { config, hub, worker };
}

/** Samples of one name as `label=value,... number`. */
function samples(hub: MetricsHub, name: string): string[] {
  return parseTextFormat(hub.render())
    .flatMap((family) => family.samples)
    .filter((sample) => sample.name === name)
    .map((sample) => `${labelText(sample)} ${sample.value}`.trim());
}

function labelText(sample: Sample): string {
  return Object.entries(sample.labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

describe('/metrics', () => {
  it('shows exactly this after two requests, a refusal, and what is open', () => {
    const { hub, worker } = setUp();
    const metrics = worker(0);
    metrics.connectionOpened('http');
    metrics.connectionOpened('http');
    metrics.connectionClosed('http');
    metrics.upstreamConnectionOpened('orders-service');
    metrics.requestStarted();
    metrics.record(recordOf({ durationMs: 62.5, upstreamMs: 7.8125, requestBytes: 100 }));
    metrics.record(
      recordOf({ durationMs: 1500, upstreamMs: 1250, attempts: 3, request: { method: 'BREW' }, status: 503 }),
    );
    metrics.record(
      recordOf({
        routeName: '',
        serviceName: undefined,
        upstreamMs: -1,
        durationMs: 0.5,
        code: 'route_not_found',
        status: 404,
      }),
    );
    metrics.upstreamFailed('orders-service', 'connect_refused');
    metrics.mirrored('shadow', 'sent');
    metrics.mirrored('shadow', 'sent');
    metrics.mirrored('shadow', 'dropped');
    metrics.policyFailed('./my "own".ts');
    metrics.eventLoop('0', 0.0125, 0.5);
    hub.configReloaded(1_700_000_000_500);
    hub.configReloaded(undefined);
    hub.workerRestarted();
    assert.equal(hub.render(), GOLDEN);
  });

  it('is valid, with names, help and types, when nothing has happened yet', () => {
    const { hub } = setUp();
    assert.deepEqual(
      parseTextFormat(hub.render()).map((family) => family.name),
      [
        'portcullis_build_info',
        'portcullis_worker_restarts_total',
        'portcullis_config_reloads_total',
        'portcullis_access_log_dropped_lines_total',
        'portcullis_metrics_series',
        'process_cpu_seconds_total',
        'process_resident_memory_bytes',
        'process_start_time_seconds',
      ],
    );
  });

  it('adds up what workers counted, and what is open in them', () => {
    const { hub, worker } = setUp();
    for (const id of [0, 1, 2]) {
      const metrics = worker(id);
      for (let i = 0; i <= id; i++) metrics.record(recordOf());
      metrics.connectionOpened('http');
    }
    assert.deepEqual(samples(hub, 'portcullis_http_requests_total'), [
      'route=orders,service=orders-service,method=GET,code=200 6',
    ]);
    assert.deepEqual(samples(hub, 'portcullis_http_request_duration_seconds_count'), [
      'route=orders,service=orders-service 6',
    ]);
    assert.deepEqual(samples(hub, 'portcullis_connections'), ['listener=http 3']);
  });

  it('keeps the counts of a worker that died, and lets go of what it had open', () => {
    const { hub, worker } = setUp();
    const dying = worker(0);
    const other = worker(1);
    for (const metrics of [dying, other]) {
      metrics.record(recordOf());
      metrics.connectionOpened('http');
      metrics.requestStarted();
    }
    dying.connectionOpened('admin');
    const before = hub.render();
    hub.detach(0);
    assert.deepEqual(samples(hub, 'portcullis_http_requests_total'), [
      'route=orders,service=orders-service,method=GET,code=200 2',
    ]);
    assert.deepEqual(samples(hub, 'portcullis_connections'), ['listener=http 1']);
    assert.deepEqual(samples(hub, 'portcullis_http_requests_in_flight'), ['1']);
    const replacement = worker(0);
    replacement.record(recordOf());
    replacement.connectionOpened('http');
    assert.deepEqual(samples(hub, 'portcullis_http_requests_total'), [
      'route=orders,service=orders-service,method=GET,code=200 3',
    ]);
    assert.deepEqual(samples(hub, 'portcullis_connections'), ['listener=http 2']);
    neverBackwards(before, hub.render());
  });

  it('puts an observation into the bucket whose bound it does not exceed', () => {
    const { hub, worker } = setUp({ buckets: [1, 0.1, 0.01, 0.1] });
    const metrics = worker(0);
    for (const durationMs of [0, 10, 10.5, 100, 1000, 1001, 1e9]) metrics.record(recordOf({ durationMs }));
    assert.deepEqual(
      samples(hub, 'portcullis_http_request_duration_seconds_bucket').map((line) =>
        line.slice(line.indexOf('le=')),
      ),
      ['le=0.01 2', 'le=0.1 4', 'le=1 5', 'le=+Inf 7'],
    );
  });

  it('counts a client that left before its answer under code 0', () => {
    const { hub, worker } = setUp();
    worker(0).record(recordOf({ status: 0 }));
    assert.deepEqual(samples(hub, 'portcullis_http_requests_total'), [
      'route=orders,service=orders-service,method=GET,code=0 1',
    ]);
  });
});

describe('the cap on series', () => {
  it('holds over all workers: what is beyond it is counted as other', () => {
    const { hub, worker } = setUp({ maxSeries: 60 });
    const workers = [worker(0), worker(1)];
    for (let i = 0; i < 200; i++) {
      workers[i % 2]?.record(recordOf({ routeName: `route-${i}`, code: `code-${i}`, upstreamMs: -1 }));
      workers[i % 2]?.upstreamFailed('orders-service', `kind-${i}`);
    }
    const families = parseTextFormat(hub.render());
    const total = families.reduce((sum, family) => sum + family.samples.length, 0);
    // Every metric may have one more, which is where the rest is counted; those without labels always have room.
    const beyond = METRIC_NAMES.reduce((sum, name) => sum + (METRICS[name].type === 'histogram' ? 6 : 1), 0);
    assert.ok(total <= 60 + beyond, `${total} samples`);
    const requests = families.find((family) => family.name === 'portcullis_http_requests_total');
    assert.equal(
      requests?.samples.reduce((sum, sample) => sum + sample.value, 0),
      200,
    );
    assert.ok(
      requests?.samples.some(
        (sample) =>
          labelText(sample) === 'route=other,service=other,method=other,code=other' && sample.value > 150,
      ),
    );
  });

  it('leaves a worker memory in proportion to the cap, however many names a client makes up', () => {
    const messages: MetricsMessage[] = [];
    const metrics = new WorkerMetrics({ enabled: true, maxSeries: 100, buckets: [1] }, (message) =>
      messages.push(message),
    );
    for (let i = 0; i < 5000; i++)
      metrics.record(recordOf({ code: `code-${i}`, status: 100 + (i % 900), request: { method: `M${i}` } }));
    assert.ok(messages.length < 120, `${messages.length} messages`);
  });

  it('takes more memory, chunk by chunk, as series appear', () => {
    const { hub, worker } = setUp({ maxSeries: 1_000_000 });
    const metrics = worker(0);
    for (let i = 0; i < 3000; i++) metrics.record(recordOf({ routeName: `route-${i}` }));
    assert.equal(samples(hub, 'portcullis_http_requests_total').length, 3000);
    assert.ok(
      samples(hub, 'portcullis_http_request_duration_seconds_count').every((line) => line.endsWith(' 1')),
    );
  });
});

describe('metrics', () => {
  it('are valid for any label values, which come back as they were', () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 12 })
      .filter((value) => !value.includes('\0') && value.isWellFormed());
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(text, text), { selector: (pair) => pair.join('\0'), maxLength: 6 }),
        (pairs) => {
          const { hub, worker } = setUp();
          const metrics = worker(0);
          for (const [service, kind] of pairs) metrics.upstreamFailed(service, kind);
          const family = parseTextFormat(hub.render()).find(
            ({ name }) => name === 'portcullis_upstream_failures_total',
          );
          const found = (family?.samples ?? []).map(({ labels }) => [labels.service, labels.kind].join('\0'));
          assert.deepEqual(found.sort(), pairs.map((pair) => pair.join('\0')).sort());
        },
      ),
    );
  });

  it('never go backwards while workers count, die and are replaced', () => {
    const action = fc.oneof(
      fc.record({
        do: fc.constant('count' as const),
        worker: fc.nat(2),
        route: fc.nat(5),
        status: fc.constantFrom(200, 404, 500),
      }),
      fc.record({ do: fc.constant('die' as const), worker: fc.nat(2) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), fc.constantFrom(20, 10_000), (actions, maxSeries) => {
        const { hub, worker } = setUp({ maxSeries });
        const workers = new Map<number, WorkerMetrics>();
        let before = hub.render();
        for (const step of actions) {
          if (step.do === 'die') {
            hub.detach(step.worker);
            workers.delete(step.worker);
          } else {
            const metrics = workers.get(step.worker) ?? worker(step.worker);
            workers.set(step.worker, metrics);
            metrics.record(recordOf({ routeName: `r${step.route}`, status: step.status }));
          }
          const after = hub.render();
          neverBackwards(before, after);
          before = after;
        }
      }),
      { numRuns: 50 },
    );
  });

  it('of a real worker thread are read while it runs and after it is gone', async () => {
    const { config, hub } = setUp();
    const source = `
      import { parentPort, workerData } from 'node:worker_threads';
      const { WorkerMetrics } = await import(workerData.module);
      const metrics = new WorkerMetrics(workerData.config, (message) => parentPort.postMessage(message));
      metrics.policyFailed('mine');
      for (let i = 0; i < 1000; i++) metrics.requestStarted();
      parentPort.postMessage('done');
      parentPort.once('message', () => { metrics.policyFailed('mine'); process.exit(1); });`;
    const module = new URL('./worker-metrics.ts', import.meta.url).href;
    const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      workerData: { module, config },
    });
    const exited = new Promise((resolve) => thread.once('exit', resolve));
    await new Promise<void>((resolve, reject) => {
      thread.once('error', reject);
      thread.on('message', (message) => (message === 'done' ? resolve() : hub.receive(4, message)));
    });
    assert.deepEqual(samples(hub, 'portcullis_http_requests_in_flight'), ['1000']);
    assert.deepEqual(samples(hub, 'portcullis_policy_failures_total'), ['policy=mine 1']);
    thread.postMessage('die');
    await exited;
    hub.detach(4);
    assert.deepEqual(samples(hub, 'portcullis_policy_failures_total'), ['policy=mine 2']);
    assert.deepEqual(samples(hub, 'portcullis_http_requests_in_flight'), []);
  });

  it('are all in the documentation', () => {
    const document = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8');
    assert.deepEqual(
      METRIC_NAMES.filter((name) => !document.includes(`\`${name}\``)),
      [],
    );
  });

  it('that are off are forgotten', () => {
    const { config } = setUp({ enabled: false });
    const metrics = createMetrics(config, () => assert.fail('a message'));
    assert.equal(metrics, NO_METRICS);
    metrics.record(recordOf());
    assert.ok(createMetrics({ ...config, enabled: true }, () => {}) instanceof WorkerMetrics);
  });

  it('pass the checks of promtool where it is installed, and of our own reader everywhere', () => {
    parseTextFormat(GOLDEN);
    const promtool = ['/usr/bin/promtool', '/usr/local/bin/promtool'].find((file) => existsSync(file));
    if (promtool === undefined) return;
    const run = spawnSync(promtool, ['check', 'metrics'], { input: GOLDEN, encoding: 'utf8' });
    assert.deepEqual([run.status, run.stdout, run.stderr], [0, '', '']);
  });
});

describe('the reader of the text format that these tests stand on', () => {
  const head = '# HELP a_total h\n# TYPE a_total counter\n';
  const histogram = '# HELP h x\n# TYPE h histogram\n';
  const cases: [text: string, message: string][] = [
    [`${head}a_total 1`, 'the last line has no end'],
    [`${head}a_total 1\r\n`, 'a carriage return'],
    ['a_total 1\n', 'a sample outside of its family: a_total 1'],
    ['# TYPE a_total counter\na_total 1\n', 'no HELP before TYPE: # TYPE a_total counter'],
    [`${head}a_total{b="1} 1\n`, 'no sample: a_total{b="1} 1'],
    [`${head}a_total{b="\\t"} 1\n`, 'no sample: a_total{b="\\t"} 1'],
    [`${head}a_total{b="1",b="2"} 1\n`, 'no sample: a_total{b="1",b="2"} 1'],
    [`${head}a_total one\n`, 'no sample: a_total one'],
    [`${head}a_total Infinity\n`, 'no sample: a_total Infinity'],
    [`${head}a_total -1\n`, 'a count that is not a positive number: a_total -1'],
    [`${head}a_total{b="1"} 1\na_total{b="1"} 2\n`, 'a sample that comes twice: a_total{b="1"} 2'],
    [`${head}a_total 1\n${head}a_total 1\n`, 'a family that comes twice: # TYPE a_total counter'],
    [head, 'a family without samples: a_total'],
    ['# HELP a h\n# TYPE a counter\na 1\n', 'a counter whose name does not end in _total: # TYPE a counter'],
    [`${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`, 'no bucket +Inf: h {}'],
    [
      `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`,
      'buckets that fall: h {}',
    ],
    [`${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`, 'a count unlike its buckets: h {}'],
    [`${histogram}h_bucket{le="+Inf"} 1\nh_count 1\n`, 'no sum or count: h {}'],
  ];
  for (const [text, message] of cases) {
    it(`refuses ${JSON.stringify(text.slice(-60))}`, () =>
      assert.throws(() => parseTextFormat(text), { message }));
  }
});

function neverBackwards(before: string, after: string): void {
  const later = new Map<string, number>();
  for (const family of parseTextFormat(after))
    for (const sample of family.samples) later.set(sample.name + labelText(sample), sample.value);
  for (const family of parseTextFormat(before)) {
    if (family.type === 'gauge') continue;
    for (const sample of family.samples) {
      const value = later.get(sample.name + labelText(sample));
      assert.ok(
        value !== undefined && value >= sample.value,
        `${sample.name}{${labelText(sample)}} from ${sample.value} to ${value}`,
      );
    }
  }
}
