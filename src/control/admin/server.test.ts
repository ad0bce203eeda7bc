import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { systemTimers } from '../../lib/timers.ts';
import { Registry } from '../../upstream/discovery/registry/registry.ts';
import type { GatewayControl, QuestionedRequest, ReloadAnswer } from './endpoint.ts';
import { AdminServer } from './server.ts';

interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

interface Received {
  readonly status: number | undefined;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

const state: { ready: boolean; reload: ReloadAnswer; asked: QuestionedRequest[]; logged: string[] } = {
  ready: true,
  reload: { kind: 'unchanged' },
  asked: [],
  logged: [],
};

const registry = new Registry([], {
  timers: systemTimers,
  storage: { write: () => Promise.resolve(undefined) },
  saveFailed: () => {},
});

const gateway: GatewayControl = {
  version: '1.2.3',
  ready: () => state.ready,
  metrics: () => 'portcullis_up 1\n',
  reload: async () => state.reload,
  config: () => ({ routes: { a: {} } }),
  services: () => ({ orders: { counts: { targets: 2 } } }),
  acme: () => [
    {
      name: 'shop',
      state: 'error',
      renewAtMs: undefined,
      isServed: false,
      reason: 'shop.example: wrong answer (unauthorized)',
      failures: 1,
      retryAtMs: 0,
      orders: { issued: 0, failed: 1 },
    },
  ],
  registry,
  quotas: {
    list: async (consumer) => ({ ok: true, quotas: [{ consumer }] }),
    reset: async () => ({ ok: false, code: 'quotas_unavailable', message: 'Redis does not answer' }),
  },
  configuration: () => undefined,
  rights: undefined,
  warn: () => {},
  explain: async (asked) => {
    state.asked.push(asked);
    if (asked.url === 'throw') throw new Error('broken');
    return asked.url.startsWith('http')
      ? { ok: true, explanation: { status: 'not_found' } }
      : { ok: false, message: 'Not a URL' };
  },
};

describe('the admin port', () => {
  const server = new AdminServer({
    address: '127.0.0.1',
    port: 0,
    hosts: ['admin.example.com'],
    gateway,
    log: (_level, message) => state.logged.push(message),
  });
  let port = 0;
  before(async () => {
    port = (await server.listen()).port;
  });
  after(async () => {
    await server.close();
    await registry.close();
  });

  function send({ method = 'GET', path, headers = {}, body }: Sent): Promise<Received> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            headers: response.headers,
            body: Buffer.concat(pieces).toString(),
          }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  const problem = (status: number, code: string, title: string, more: object = {}) =>
    `${JSON.stringify({ type: 'about:blank', title, status, code, ...more }, null, 2)}\n`;

  const json = { 'content-type': 'application/json' };
  const CASES: readonly [title: string, sent: Sent, status: number, body: string][] = [
    ['is alive', { path: '/healthz' }, 200, 'ok\n'],
    ['is ready', { path: '/readyz' }, 200, 'ready\n'],
    ['gives metrics', { path: '/metrics' }, 200, 'portcullis_up 1\n'],
    [
      'tells versions',
      { path: '/version' },
      200,
      `{\n  "version": "1.2.3",\n  "node": "${process.versions.node}"\n}\n`,
    ],
    ['shows the configuration', { path: '/config' }, 200, '{\n  "routes": {\n    "a": {}\n  }\n}\n'],
    ['answers HEAD without a body', { method: 'HEAD', path: '/healthz' }, 200, ''],
    ['ignores a query that it has no use for', { path: '/healthz?probe=1' }, 200, 'ok\n'],
    ['reloads', { method: 'POST', path: '/reload' }, 200, '{\n  "result": "unchanged"\n}\n'],
    [
      'explains a request given in the query',
      { path: '/explain?method=PUT&url=http%3A%2F%2Fa%2Fb&header=x-a%3A%201&header=x-b%3A2' },
      200,
      '{\n  "status": "not_found"\n}\n',
    ],
    [
      'explains a request given as JSON',
      {
        method: 'POST',
        path: '/explain',
        headers: json,
        body: '{"url":"http://a/b","headers":[["x-a","1"]]}',
      },
      200,
      '{\n  "status": "not_found"\n}\n',
    ],
    [
      'shows the services',
      { path: '/services' },
      200,
      '{\n  "orders": {\n    "counts": {\n      "targets": 2\n    }\n  }\n}\n',
    ],
    [
      'shows one of them',
      { path: '/services?name=orders' },
      200,
      '{\n  "counts": {\n    "targets": 2\n  }\n}\n',
    ],
    [
      'knows no service by a name that every object has',
      { path: '/services?name=constructor' },
      404,
      problem(404, 'service_unknown', 'There is no service of this name'),
    ],
    [
      'tells of certificates by ACME, with times for people',
      { path: '/certificates/acme' },
      200,
      `${JSON.stringify(
        [
          {
            name: 'shop',
            state: 'error',
            isServed: false,
            reason: 'shop.example: wrong answer (unauthorized)',
            failures: 1,
            orders: { issued: 0, failed: 1 },
            retryAt: '1970-01-01T00:00:00.000Z',
          },
        ],
        undefined,
        2,
      )}\n`,
    ],
    [
      'lists the quotas of a consumer',
      { path: '/quotas?consumer=a' },
      200,
      '{\n  "quotas": [\n    {\n      "consumer": "a"\n    }\n  ]\n}\n',
    ],
    ['lists no registered target before there is one', { path: '/registry' }, 200, '{\n  "targets": []\n}\n'],
    [
      'refuses a heartbeat of whom it does not know',
      {
        method: 'POST',
        path: '/registry/heartbeat',
        headers: json,
        body: '{"service":"orders","url":"http://10.0.0.1:80"}',
      },
      404,
      problem(404, 'target_unknown', 'the service orders has no such target registered'),
    ],
    [
      'refuses a registration without an address',
      { method: 'POST', path: '/registry/register', headers: json, body: '{"service":"orders"}' },
      422,
      problem(422, 'registration_invalid', 'url: Invalid input: expected string, received undefined'),
    ],
    [
      'refuses a registration that a page of another site makes',
      {
        method: 'POST',
        path: '/registry/register',
        headers: { ...json, 'sec-fetch-site': 'cross-site' },
        body: '{}',
      },
      403,
      problem(403, 'cross_site_request', 'A page of another site may not do this'),
    ],
    [
      'needs a request to explain',
      { path: '/explain' },
      400,
      problem(400, 'url_missing', 'Say which request: ?url=https://host/path'),
    ],
    [
      'refuses a header without a colon',
      { path: '/explain?url=http://a&header=x' },
      400,
      problem(400, 'header_malformed', 'A header is written name:value'),
    ],
    [
      'refuses what is no request',
      { path: '/explain?url=nonsense' },
      400,
      problem(400, 'request_malformed', 'Not a URL'),
    ],
    [
      'refuses a question that is not JSON',
      { method: 'POST', path: '/explain', headers: json, body: '{' },
      400,
      problem(400, 'json_malformed', 'The body is not JSON'),
    ],
    [
      'refuses a question of another shape',
      { method: 'POST', path: '/explain', headers: json, body: '{"url":1}' },
      400,
      problem(
        400,
        'question_malformed',
        'Send {"method": "GET", "url": "...", "headers": [["name", "value"]]}',
      ),
    ],
    [
      'refuses a question of another type',
      { method: 'POST', path: '/explain', headers: { 'content-type': 'text/plain' }, body: '{}' },
      415,
      problem(415, 'json_expected', 'Send application/json'),
    ],
    [
      'knows no other path',
      { path: '/nope' },
      404,
      problem(404, 'not_found', 'There is no such endpoint; GET / lists them'),
    ],
    [
      'does not reload on GET',
      { path: '/reload' },
      405,
      problem(405, 'method_not_allowed', '/reload does not answer to this method'),
    ],
    [
      'does not let health be deleted',
      { method: 'DELETE', path: '/healthz' },
      405,
      problem(405, 'method_not_allowed', '/healthz does not answer to this method'),
    ],
    [
      'refuses another name in Host, which DNS rebinding would bring',
      { path: '/config', headers: { host: 'evil.example' } },
      421,
      problem(
        421,
        'host_not_allowed',
        'This host is not one of the admin server: use its address, localhost or a name from admin.hosts',
      ),
    ],
    [
      'answers to a configured name',
      { path: '/healthz', headers: { host: 'admin.example.com:9900' } },
      200,
      'ok\n',
    ],
    [
      'refuses a reload that a page of another site asks for',
      { method: 'POST', path: '/reload', headers: { origin: 'https://evil.example' } },
      403,
      problem(403, 'cross_site_request', 'A page of another site may not do this'),
    ],
    [
      'refuses a body that is too large',
      { method: 'POST', path: '/explain', headers: json, body: 'x'.repeat(65_537) },
      413,
      problem(413, 'body_too_large', 'A body may have 65536 bytes'),
    ],
    [
      'hides the cause of a failure',
      { path: '/explain?url=throw' },
      500,
      problem(500, 'internal_error', 'The request failed; the log has the cause'),
    ],
  ];
  for (const [title, sent, status, body] of CASES) {
    it(title, async () => {
      const received = await send(sent);
      assert.deepEqual({ status: received.status, body: received.body }, { status, body });
    });
  }

  it('writes the cause of a failure to the log', () =>
    assert.deepEqual(state.logged, ['admin: GET /explain?url=throw failed']));

  it('passes the question on as it was asked', () =>
    assert.deepEqual(state.asked.slice(0, 2), [
      {
        method: 'PUT',
        url: 'http://a/b',
        headers: [
          ['x-a', '1'],
          ['x-b', '2'],
        ],
      },
      { method: 'GET', url: 'http://a/b', headers: [['x-a', '1']] },
    ]));

  it('is not ready while the gateway is not', async () => {
    state.ready = false;
    assert.deepEqual((await send({ path: '/readyz' })).status, 503);
    assert.deepEqual((await send({ path: '/healthz' })).status, 200);
    state.ready = true;
  });

  it('tells what a reload changed', async () => {
    state.reload = { kind: 'applied', changes: { routes: { added: ['a'] } }, warnings: [] };
    const received = await send({ method: 'POST', path: '/reload' });
    assert.equal(received.status, 200);
    assert.deepEqual(JSON.parse(received.body), {
      result: 'applied',
      changes: { routes: { added: ['a'] } },
      warnings: [],
    });
  });

  it('answers a refused reload with every error', async () => {
    state.reload = { kind: 'refused', errors: [{ line: 1, message: 'bad' }], reasons: ['port 80: in use'] };
    const received = await send({ method: 'POST', path: '/reload' });
    assert.equal(received.status, 422);
    assert.equal(received.headers['content-type'], 'application/problem+json');
    assert.deepEqual(JSON.parse(received.body), {
      type: 'about:blank',
      title: 'The configuration was refused; the one before stays in force',
      status: 422,
      code: 'configuration_refused',
      errors: [{ line: 1, message: 'bad' }, { message: 'port 80: in use' }],
    });
  });

  it('names the methods that it allows', async () => {
    assert.equal(
      (await send({ method: 'PUT', path: '/explain' })).headers['allow'],
      'GET, HEAD, POST, OPTIONS',
    );
  });

  it('tells an OPTIONS the methods, and no other site that it may ask', async () => {
    const { status, headers } = await send({
      method: 'OPTIONS',
      path: '/explain',
      headers: { origin: 'https://evil.example' },
    });
    assert.deepEqual(
      [status, headers['allow'], headers['access-control-allow-origin']],
      [204, 'GET, HEAD, POST, OPTIONS', undefined],
    );
  });

  it('takes a body that it has no use for, so that its client sees the answer', async () => {
    assert.equal((await send({ method: 'POST', path: '/nope', body: 'x'.repeat(900_000) })).status, 404);
    assert.equal((await send({ method: 'POST', path: '/explain', body: 'x'.repeat(900_000) })).status, 413);
  });

  it('lists every endpoint', async () => {
    const { body } = await send({ path: '/' });
    assert.match(body, /^Portcullis 1\.2\.3, admin port\n\nGET {2}\/ {21}This list\n/);
    assert.match(body, /\nPOST \/reload {15}Read the configuration again and put it into force\n/);
  });

  it('is not to be cached or sniffed', async () => {
    const { headers } = await send({ path: '/config' });
    assert.deepEqual([headers['cache-control'], headers['x-content-type-options']], ['no-store', 'nosniff']);
  });
});
