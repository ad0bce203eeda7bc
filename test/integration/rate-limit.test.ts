import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { loadConfig } from '../../src/control/config/load.ts';
import { explainRequest } from '../../src/control/explain/explain-request.ts';
import { startGateway } from '../../src/testing.ts';
import { RunningCli, Workspace } from '../support/cli.ts';
import { OfferedLoad } from '../support/offered-load.ts';

/** How long the offered load lasts; the longer, the less a single request matters. */
const LOAD_SECONDS = Number(process.env['PORTCULLIS_LOAD_SECONDS'] ?? 4);
const LIMIT = { timeout: 60_000 + LOAD_SECONDS * 1000 };

interface Received {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Received> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, headers, method }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** A service that holds every request until its connection ends. */
async function holdingService() {
  const server = createServer(() => server.emit('held'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    held: () => once(server, 'held'),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('Behind a rate limit', () => {
  it('a client is told what is left, then what it violates, and the service is not asked', async () => {
    await using gateway = await startGateway({
      routes: {
        main: {
          match: { paths: ['/'] },
          policies: [{ 'rate-limit': { limits: ['2/h'] } }],
          respond: { body: 'hello' },
        },
      },
    });
    const answers = [await get(gateway.url), await get(gateway.url), await get(gateway.url)];
    assert.deepEqual(
      answers.map(({ status, headers }) => [
        status,
        headers['ratelimit'],
        headers['ratelimit-policy'],
        headers['retry-after'],
      ]),
      [
        [200, '"2/h";r=1;t=1800', '"2/h";q=2;w=3600', undefined],
        [200, '"2/h";r=0;t=3600', '"2/h";q=2;w=3600', undefined],
        [429, '"2/h";r=0;t=1800', '"2/h";q=2;w=3600', '1800'],
      ],
    );
    const { status, code, title, 'violated-policies': violated } = JSON.parse(answers[2]?.body ?? '');
    assert.deepEqual(
      { status, code, title, violated },
      { status: 429, code: 'rate_limited', title: 'Too Many Requests', violated: ['2/h'] },
    );
  });

  it('several uses add up, and a global one counts all routes together', async () => {
    const route = (path: string, limit: string) => ({
      match: { paths: [path] },
      policies: [{ 'rate-limit': { limits: [limit] } }],
      respond: {},
    });
    await using gateway = await startGateway({
      policies: [{ 'rate-limit': { limits: ['3/h'] } }],
      routes: { a: route('/a', '2/h'), b: route('/b', '9/h') },
    });
    const answers = [];
    for (const path of ['/a', '/a', '/a', '/b']) answers.push(await get(gateway.url + path));
    // The third of /a, which the route's own limit refuses, takes nothing of the global one.
    assert.deepEqual(
      answers.map(({ status, headers }) => [status, headers['ratelimit']]),
      [
        [200, '"2/h";r=1;t=1800, "3/h";r=2;t=1200'],
        [200, '"2/h";r=0;t=3600, "3/h";r=1;t=2400'],
        [429, '"2/h";r=0;t=1800, "3/h";r=1;t=2400'],
        [200, '"9/h";r=8;t=400, "3/h";r=0;t=3600'],
      ],
    );
  });

  it('a page may ask by a preflight, whatever the limit, and read why it is refused', async () => {
    await using gateway = await startGateway({
      policies: [{ 'rate-limit': { limits: ['1/h'] } }],
      routes: {
        main: {
          match: { paths: ['/'] },
          policies: [{ cors: { origins: ['https://app.example'], exposeHeaders: ['retry-after'] } }],
          respond: {},
        },
      },
    });
    const origin = 'https://app.example';
    const preflight = { origin, 'access-control-request-method': 'PUT' };
    const asked = async (): Promise<unknown> => {
      const { status, headers } = await get(gateway.url, preflight, 'OPTIONS');
      return [status, headers['access-control-allow-origin'], headers['ratelimit']];
    };
    assert.deepEqual(await asked(), [204, origin, undefined]);
    assert.equal((await get(gateway.url, { origin })).status, 200, 'the preflight counted for nothing');
    const { status, headers } = await get(gateway.url, { origin });
    assert.deepEqual(
      [
        status,
        headers['access-control-allow-origin'],
        headers['access-control-expose-headers'],
        headers['retry-after'],
        headers['vary'],
      ],
      [429, origin, 'retry-after', '3600', 'Origin'],
    );
    assert.deepEqual(await asked(), [204, origin, undefined]);
  });

  it('a request under way ends with its client', LIMIT, async () => {
    await using service = await holdingService();
    await using gateway = await startGateway({
      policies: [{ 'rate-limit': { limits: [{ concurrency: 1 }] } }],
      services: { main: { url: service.url } },
      routes: {
        held: { match: { paths: ['/held'] }, service: 'main' },
        free: { match: { paths: ['/free'] }, respond: {} },
      },
    });
    const held = service.held();
    const sent = request(`${gateway.url}/held`, { agent: false });
    sent.on('error', () => {});
    sent.end();
    await held;
    const free = `${gateway.url}/free`;
    assert.equal((await get(free)).status, 429);
    sent.destroy();
    while ((await get(free)).status === 429);
  });

  it('a request that waits ends with the time of its route, and gives up its place', LIMIT, async () => {
    await using gateway = await startGateway({
      routes: {
        waiting: {
          match: { paths: ['/waiting'] },
          timeout: '300ms',
          policies: [
            { 'rate-limit': { limits: [{ rate: '1/min', burst: 1 }], delay: { max: '5m', queue: 1 } } },
          ],
          respond: {},
        },
      },
    });
    const url = `${gateway.url}/waiting`;
    assert.equal((await get(url)).status, 200);
    // The second finds the place that the first one had.
    for (let i = 0; i < 2; i++) {
      const expired = await get(url);
      assert.deepEqual([expired.status, JSON.parse(expired.body).code], [504, 'request_expired']);
      assert.equal(expired.headers['ratelimit'], undefined);
    }
  });

  it('a request that waits goes on in its turn', LIMIT, async () => {
    await using gateway = await startGateway({
      routes: {
        main: {
          match: { paths: ['/'] },
          policies: [{ 'rate-limit': { limits: [{ rate: '20/s', burst: 1 }], delay: { max: '5s' } } }],
          respond: {},
        },
      },
    });
    const begun = performance.now();
    const answers = await Promise.all(Array.from({ length: 5 }, () => get(gateway.url)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200],
    );
    assert.ok(performance.now() - begun >= 199);
  });
});

const HEAD = `
listeners:
  http: { address: 127.0.0.1, port: 0 }
admin: { port: 0 }
observability: { accessLog: { enabled: false } }
`;

/** Ends the worker that is asked for it. */
const DEADLY = `
import { definePolicy, z } from 'portcullis/policy';
export const policy = definePolicy({
  name: 'deadly',
  stage: 'admission',
  schema: z.strictObject({}),
  create: () => ({ onRequest: () => process.exit(3) }),
});
`;

describe('In a configuration', () => {
  const WRONG = `
state: { memory: { keys: 10 } }
policies:
  - rate-limit: { limits: [0/s] }
routes:
  main:
    match: { paths: [/] }
    policies:
      - rate-limit:
          key: adress
          limits: [10/s]
    respond: {}
`;

  it('what is wrong is told with its place', async () => {
    const loaded = await loadConfig('portcullis.yaml', { env: {}, text: WRONG });
    assert.ok(!loaded.ok);
    const inOrder = loaded.errors.toSorted((a, b) => a.line - b.line);
    assert.deepEqual(
      inOrder.map(({ line, path, message }) => [line, path, message]),
      [
        [2, 'state.memory.keys', 'is too small: at least 1000'],
        [4, 'policies[0].rate-limit.limits[0]', 'lets nothing through: the number is at least 1'],
        [
          10,
          'routes.main.policies[0].rate-limit.key',
          'is not one of address, route, service, consumer, session, plan',
        ],
      ],
    );
  });

  it('explain shows the stage of each use', async () => {
    const text = `
policies:
  - rate-limit: { limits: [10/s], key: consumer }
routes:
  main:
    match: { paths: [/] }
    policies:
      - rate-limit: { limits: [10/s] }
    respond: {}
`;
    const loaded = await loadConfig('portcullis.yaml', { env: {}, text });
    assert.ok(loaded.ok);
    const asked = await explainRequest(loaded.config, {
      method: 'GET',
      url: 'http://a.example/',
      headers: [],
    });
    assert.ok(asked.ok);
    assert.deepEqual(
      asked.explanation.policies.map(({ name, stage, from }) => [name, stage, from]),
      [
        ['rate-limit', 'throttling', 'route'],
        ['rate-limit', 'quota', 'global'],
      ],
    );
  });
});

describe('The real program', () => {
  it('admits within 1 % of the limit by two workers together, whatever is offered', LIMIT, async (t) => {
    const limit = { rate: 20, burst: 100 };
    using workspace = new Workspace({
      'portcullis.yaml': `${HEAD}
runtime: { workers: 2 }
routes:
  main:
    match: { paths: [/] }
    policies: [{ rate-limit: { limits: [{ rate: ${limit.rate}/s, burst: ${limit.burst} }], key: { header: x-key } } }]
    respond: {}
`,
    });
    await using cli = new RunningCli(['serve'], workspace.directory);
    const { url } = await cli.ready();
    const load = new OfferedLoad({ urls: [url], keys: 16, clients: 4 });
    await load.start();
    await load.offer(limit, LOAD_SECONDS);
    await load.stop();
    const told = `${load.admitted.join()} admitted of ${load.offered}, where ${load.mostOf(limit).toFixed(1)} each is the limit`;
    t.diagnostic(told);
    assert.deepEqual(new Set(load.statuses.keys()), new Set([200, 429]));
    for (const [key, count] of load.admitted.entries()) {
      assert.ok(count >= Math.floor(0.99 * load.leastOf(limit, key)), `key ${key}: ${told}`);
      assert.ok(count <= load.mostOf(limit), told);
    }
  });

  it('gives back what was under way in a worker that died, and keeps what was counted', LIMIT, async () => {
    await using service = await holdingService();
    using workspace = new Workspace({
      'deadly.ts': DEADLY,
      'portcullis.yaml': `${HEAD}
runtime: { workers: 1 }
services: { main: { url: '${service.url}' } }
routes:
  held:
    match: { paths: [/held] }
    policies: [{ rate-limit: { limits: [{ concurrency: 1 }] } }]
    service: main
  counted:
    match: { paths: [/counted] }
    policies: [{ rate-limit: { limits: [1/h] } }]
    respond: {}
  die: { match: { paths: [/die] }, policies: [{ ./deadly.ts: {} }], respond: {} }
`,
    });
    await using cli = new RunningCli(['serve'], workspace.directory);
    const { url } = await cli.ready();
    assert.equal((await get(`${url}/counted`)).status, 200);
    const first = service.held();
    void get(`${url}/held`).catch(() => {});
    await first;
    assert.equal((await get(`${url}/held`)).status, 429);
    await get(`${url}/die`).catch(() => {});
    await cli.logged(/serves again/);
    const again = service.held();
    void get(`${url}/held`).catch(() => {});
    await again;
    assert.equal((await get(`${url}/counted`)).status, 429);
  });
});
