import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { type ReadSpan, readTraceRequest } from './otlp-reader.support.ts';
import { type RecordParts, recordOf } from './record-of.support.ts';
import { createTracer, type Tracer, type TracingConfig } from './tracing.ts';

interface Collector {
  readonly url: string;
  readonly requests: { path: string; headers: http.IncomingHttpHeaders; spans: ReadSpan[] }[];
  /** What it answers. */
  status: number;
  /** Resolves when so many requests have come in all. */
  received(count: number): Promise<void>;
}

/** A collector as far as OTLP over HTTP goes (OTLP 1.x, section OTLP/HTTP). */
async function startCollector(t: TestContext): Promise<Collector> {
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = http.createServer((request, response) => {
    const body: Buffer[] = [];
    request.on('data', (piece: Buffer) => body.push(piece));
    request.on('end', () => {
      const spans = readTraceRequest(Buffer.concat(body));
      collector.requests.push({ path: request.url ?? '', headers: request.headers, spans });
      response.writeHead(collector.status, { 'content-type': 'application/x-protobuf' }).end();
      for (const { count, resolve } of waiting) if (collector.requests.length >= count) resolve();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    requests: [],
    status: 200,
    received: (count) =>
      new Promise((resolve) => {
        if (collector.requests.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
  return collector;
}

interface Told {
  readonly tracer: Tracer;
  readonly states: string[];
  dropped: number;
}

async function tracerTo(url: string, config: Partial<TracingConfig> = {}): Promise<Told> {
  const states: string[] = [];
  const told = { states, dropped: 0 };
  const tracer = await createTracer(
    { endpoint: url, sample: 1, serviceName: 'edge', headers: {}, flushInterval: 60_000, ...config },
    {
      version: '0.1.0',
      instanceId: 'worker-0',
      onStateChange: (message) => states.push(message),
      onDropped: (count) => {
        told.dropped += count;
      },
    },
  );
  assert.ok(tracer);
  return Object.assign(told, { tracer });
}

/** The spans that a record becomes, as the collector reads them. */
async function spansOf(t: TestContext, parts: RecordParts): Promise<ReadSpan[]> {
  const collector = await startCollector(t);
  const { tracer } = await tracerTo(collector.url);
  tracer.record(recordOf({ sampled: true, ...parts }));
  await tracer.close();
  return collector.requests.flatMap((request) => request.spans);
}

describe('a trace', () => {
  it('has a server span for the exchange and a client span for the call to the upstream', async (t) => {
    const spans = await spansOf(t, {
      parentSpanId: 'b7ad6b7169203331',
      durationMs: 12.5,
      upstreamMs: 8,
      upstreamAfterMs: 2,
      attempts: 2,
      request: { search: '?q=1&access_token=abc', authority: 'api.example.com:8443', path: '/gr\xf6\xdfe' },
      headers: { 'user-agent': 'curl/8' },
    });
    const start = BigInt(Date.UTC(2026, 0, 31, 12, 3, 11, 123)) * 1_000_000n;
    const common = {
      resource: { 'service.name': 'edge', 'service.version': '0.1.0', 'service.instance.id': 'worker-0' },
      scope: 'portcullis',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      statusCode: 0,
    };
    assert.deepEqual(spans, [
      {
        ...common,
        spanId: '00f067aa0ba902b6',
        parentSpanId: 'b7ad6b7169203331',
        name: 'GET orders',
        kind: 2,
        startNs: start,
        endNs: start + 12_500_000n,
        attributes: {
          'http.request.method': 'GET',
          'url.path': '/größe',
          'url.scheme': 'https',
          'url.query': 'q=1&access_token=***',
          'client.address': '192.0.2.7',
          'network.peer.address': '192.0.2.7',
          'network.protocol.version': '1.1',
          'portcullis.request.id': 'req-1',
          'http.response.status_code': 200,
          'http.route': 'orders',
          'server.address': 'api.example.com',
          'server.port': 8443,
          'user_agent.original': 'curl/8',
        },
      },
      {
        ...common,
        spanId: '00f067aa0ba902b7',
        parentSpanId: '00f067aa0ba902b6',
        name: 'GET',
        kind: 3,
        startNs: start + 2_000_000n,
        endNs: start + 10_000_000n,
        attributes: {
          'http.request.method': 'GET',
          'server.address': '127.0.0.1',
          'server.port': 4001,
          'portcullis.service': 'orders-service',
          'http.request.resend_count': 1,
          'http.response.status_code': 200,
        },
      },
    ]);
  });

  it('has no client span for an answer made here, and a client fault is no error', async (t) => {
    const [span, ...others] = await spansOf(t, {
      code: 'route_not_found',
      status: 404,
      routeName: '',
      serviceName: undefined,
      targetName: '',
      upstreamMs: -1,
      request: { method: 'BREW' },
    });
    assert.equal(others.length, 0);
    assert.deepEqual([span?.name, span?.statusCode, span?.parentSpanId], ['HTTP', 0, '']);
    assert.equal(span?.attributes['http.request.method'], '_OTHER');
    assert.equal(span?.attributes['http.request.method_original'], 'BREW');
    assert.equal(span?.attributes['portcullis.code'], 'route_not_found');
  });

  it('tells of an upstream that could not be reached in both spans', async (t) => {
    const spans = await spansOf(t, {
      code: 'upstream_unreachable',
      status: 502,
      upstreamMs: -1,
      targetName: '[::1]:9',
    });
    assert.deepEqual(
      spans.map((span) => [span.statusCode, span.attributes['error.type']]),
      [
        [2, 'upstream_unreachable'],
        [2, 'upstream_unreachable'],
      ],
    );
    assert.deepEqual(
      [spans[1]?.attributes['server.address'], spans[1]?.attributes['server.port']],
      ['::1', 9],
    );
    assert.equal(spans[1]?.attributes['http.response.status_code'], undefined);
  });

  it('is only of exchanges that are sampled', async (t) => {
    assert.deepEqual(await spansOf(t, { sampled: false }), []);
  });
});

describe('the tracer', () => {
  it('sends to the endpoint as configured, with its headers, in batches', async (t) => {
    const collector = await startCollector(t);
    const { tracer, states } = await tracerTo(collector.url, {
      headers: { 'x-tenant': 'acme' },
      flushInterval: 10,
    });
    for (let i = 0; i < 300; i++) tracer.record(recordOf({ sampled: true }));
    await collector.received(2);
    await tracer.close();
    assert.equal(
      collector.requests.reduce((sum, request) => sum + request.spans.length, 0),
      600,
    );
    assert.equal(collector.requests[0]?.spans.length, 512);
    assert.equal(collector.requests[0]?.path, '/v1/traces');
    assert.equal(collector.requests[0]?.headers['content-type'], 'application/x-protobuf');
    assert.equal(collector.requests[0]?.headers['x-tenant'], 'acme');
    assert.deepEqual(states, []);
  });

  it('says once that the collector takes nothing and once that it does again, and counts what was lost', async (t) => {
    const collector = await startCollector(t);
    collector.status = 400;
    const told = await tracerTo(collector.url, { flushInterval: 10 });
    for (const count of [1, 2]) {
      told.tracer.record(recordOf({ sampled: true }));
      await collector.received(count);
    }
    collector.status = 200;
    told.tracer.record(recordOf({ sampled: true }));
    await collector.received(3);
    await told.tracer.close();
    assert.deepEqual(told.states, [
      'the trace collector takes no spans',
      'the trace collector takes spans again',
    ]);
    assert.equal(told.dropped, 4);
  });

  it('keeps no more than its queue holds when no collector is there, and closes in time', async () => {
    const server = http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const told = await tracerTo(`http://127.0.0.1:${port}/v1/traces`);
    for (let i = 0; i < 5000; i++) told.tracer.record(recordOf({ sampled: true }));
    assert.equal(told.dropped, 10_000 - 4096);
    await told.tracer.close(1);
    assert.equal(told.dropped, 10_000);
  });

  it('does not load any package of OpenTelemetry when it is off', () => {
    const program = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ resolve(specifier, context, next) { loaded.push(specifier); return next(specifier, context); } });
      const { createTracer } = await import(${JSON.stringify(new URL('./tracing.ts', import.meta.url).href)});
      const tracer = await createTracer({ endpoint: undefined, sample: 1, serviceName: 's', headers: {}, flushInterval: 1 }, {});
      console.log(JSON.stringify({ off: tracer === undefined, loaded: loaded.filter((name) => name.includes('opentelemetry') || name.includes('otlp')) }));`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    assert.equal(run.stdout, '{"off":true,"loaded":[]}\n', run.stderr);
  });
});
