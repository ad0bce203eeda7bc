import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { startGateway, type TestGateway } from '../../src/testing.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';

type Headers = Readonly<Record<string, string>>;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

function ask(url: string, headers: Headers = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        body += piece;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('A route that asks a service who may call', () => {
  let upstream: RecordingUpstream;
  let service: Server;
  let gateway: TestGateway;
  let asked: IncomingMessage['headers'][] = [];
  let connections = 0;
  const served = new Set<unknown>();
  /** Tells of questions that the service does not answer. */
  const held = new EventEmitter();

  /** By what `Authorization` says. */
  function judge({ headers }: IncomingMessage, response: ServerResponse): void {
    asked.push(headers);
    const { socket } = response;
    response.on('finish', () => served.add(socket));
    switch (headers.authorization) {
      case 'alice':
        response.setHeader('X-User', 'alice');
        response.setHeader('X-Groups', 'staff, admins');
        response.setHeader('X-Other', 'not for the upstream');
        response.setHeader('X-Auth-Team', ['red', 'blue']);
        response.setHeader('X-Auth-Mail', 'alice@example.com');
        response.setHeader('Set-Theme', 'dark');
        response.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2; Path=/']);
        response.writeHead(202).end();
        return;
      case 'nameless':
        response.writeHead(200).end('body that nobody reads');
        return;
      case 'wrong':
        response.writeHead(403, { 'Content-Type': 'text/plain', 'X-Internal': '1' }).end('Not you.');
        return;
      case 'broken':
        response.writeHead(500).end();
        return;
      case 'huge':
        response.writeHead(401).end('x'.repeat(100_000));
        return;
      case 'slow':
        held.emit('question', response);
        return;
      case 'upgrading':
        response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
        return;
      case 'gone':
        response.socket?.destroy();
        return;
      case 'cut':
        response.writeHead(401, { 'Content-Length': '10' }).write('x', () => response.socket?.destroy());
        return;
      case 'gone where it waited':
        if (served.has(response.socket)) response.socket?.destroy();
        else response.writeHead(200).end();
        return;
      default:
        response.setHeader('Set-Cookie', ['csrf=1', 'state=2']);
        response.writeHead(302, { Location: 'https://login.example/start' }).end();
    }
  }

  before(async () => {
    upstream = await RecordingUpstream.start();
    service = createServer(judge);
    service.on('connection', () => connections++);
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/auth`;
    const options = {
      url,
      responseHeaders: ['X-User', 'x-groups'],
      consumer: 'x-user',
      groups: 'x-groups',
      setCookies: true,
      sessionCookies: ['sso'],
      timeout: '1s',
    };
    gateway = await startGateway({
      listeners: { http: { port: 0 } },
      services: { echo: { url: `http://127.0.0.1:${upstream.port}` } },
      consumers: {
        alice: { groups: ['here'] },
        app: { apiKeys: [{ key: 'the-key-of-the-app-in-tests-alone' }] },
      },
      observability: { accessLog: { fields: ['path', 'consumer', 'code'] } },
      routes: {
        asked: { match: { paths: ['/asked'] }, service: 'echo', policies: [{ 'forward-auth': options }] },
        kept: {
          match: { paths: ['/kept'] },
          service: 'echo',
          policies: [{ 'forward-auth': { ...options, cacheFor: '1h' } }],
        },
        optional: {
          match: { paths: ['/optional'] },
          service: 'echo',
          policies: [{ auth: { any: [{ 'forward-auth': options }], optional: true } }],
        },
        told: {
          match: { paths: ['/told'] },
          service: 'echo',
          policies: [
            {
              'forward-auth': {
                ...options,
                requestHeaders: ['authorization', 'x-tenant'],
                responseHeaders: ['x-tenant'],
              },
            },
          ],
        },
        begun: {
          match: { paths: ['/begun'] },
          service: 'echo',
          policies: [
            { 'forward-auth': { ...options, responseHeaders: ['X-Auth-*', 'x-auth-team', 'set-*'] } },
          ],
        },
        known: {
          match: { paths: ['/known'] },
          service: 'echo',
          policies: [{ 'forward-auth': options }, { authorize: { default: 'authenticated' } }],
        },
        eitherKnown: {
          match: { paths: ['/either'] },
          service: 'echo',
          policies: [
            { auth: { any: [{ 'forward-auth': options }, { 'api-key': {} }] } },
            { authorize: { default: 'authenticated' } },
          ],
        },
        patient: {
          match: { paths: ['/patient'] },
          service: 'echo',
          policies: [{ 'forward-auth': { ...options, timeout: '1h' } }],
        },
        open: { match: { paths: ['/open'] }, service: 'echo' },
        gone: {
          match: { paths: ['/gone'] },
          service: 'echo',
          policies: [{ 'forward-auth': { url: 'http://127.0.0.1:1/' } }],
        },
      },
    });
  });
  beforeEach(() => {
    asked = [];
  });
  after(async () => {
    await gateway.close();
    service.closeAllConnections();
    await new Promise<void>((resolve) => service.close(() => resolve()));
    await upstream.close();
  });

  const lastSent = () => new Map(upstream.requests.at(-1)?.fields);

  it('lets through what the service lets through, with what it says', async () => {
    const headers = { Authorization: 'alice', Cookie: 'sso=1; own=2', 'X-User': 'root', 'X-Groups': 'wheel' };
    const answer = await ask(`${gateway.url}/asked?a=b`, headers, 'PUT');
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.headers['set-cookie'], ['a=1; Path=/', 'b=2; Path=/']);
    const sent = lastSent();
    assert.equal(sent.get('x-user'), 'alice');
    assert.equal(sent.get('x-groups'), 'staff, admins');
    assert.equal(sent.get('x-other'), undefined);
    assert.equal(sent.get('authorization'), undefined);
    assert.equal(sent.get('cookie'), 'own=2');
    const [question] = asked;
    assert.equal(question?.['x-forwarded-method'], 'PUT');
    assert.equal(question?.['x-forwarded-uri'], '/asked?a=b');
    assert.equal(question?.['x-forwarded-proto'], 'http');
    assert.equal(question?.['x-forwarded-host'], new URL(gateway.url).host);
    assert.equal(question?.['x-forwarded-for'], '127.0.0.1');
    assert.equal(question?.cookie, 'sso=1; own=2');
    assert.equal(question?.['x-user'], undefined);
  });

  it('gives the upstream no word of the client’s where the service says nothing', async () => {
    assert.equal(
      (await ask(`${gateway.url}/asked`, { Authorization: 'nameless', 'X-User': 'root' })).status,
      200,
    );
    assert.equal(lastSent().get('x-user'), undefined);
  });

  it('knows nobody where the service names nobody', async () => {
    const status = async (path: string, headers: Headers) => (await ask(gateway.url + path, headers)).status;
    for (const path of ['/known', '/either']) {
      assert.equal(await status(path, { Authorization: 'alice' }), 200, path);
      assert.equal(await status(path, { Authorization: 'nameless' }), 401, path);
    }
    const key = { 'X-Api-Key': 'the-key-of-the-app-in-tests-alone' };
    assert.equal(await status('/either', { Authorization: 'nameless', ...key }), 200);
    assert.equal(await status('/either', { Authorization: 'nameless', 'X-Api-Key': 'wrong' }), 401);
    assert.equal(await status('/known', { Authorization: 'nameless', ...key }), 401);
  });

  it('passes on the way to a login, with every cookie', async () => {
    const answer = await ask(`${gateway.url}/asked`);
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.location, 'https://login.example/start');
    assert.deepEqual(answer.headers['set-cookie'], ['csrf=1', 'state=2']);
  });

  it('passes on a refusal, with its body and none of its inner fields', async () => {
    const answer = await ask(`${gateway.url}/asked`, { Authorization: 'wrong' });
    assert.deepEqual([answer.status, answer.body], [403, 'Not you.']);
    assert.equal(answer.headers['x-internal'], undefined);
  });

  for (const [what, path, headers] of [
    ['answers 500', '/asked', { Authorization: 'broken' }],
    ['does not answer', '/asked', { Authorization: 'slow' }],
    ['answers too much', '/asked', { Authorization: 'huge' }],
    ['answers with an upgrade', '/asked', { Authorization: 'upgrading' }],
    ['breaks off before its answer', '/asked', { Authorization: 'gone' }],
    ['breaks off within its answer', '/asked', { Authorization: 'cut' }],
    ['is not there', '/gone', { Authorization: 'alice' }],
    ['is not there and no credentials are', '/gone', {}],
  ] as const) {
    it(`answers 503 where the service ${what}`, async () => {
      const answer = await ask(`${gateway.url}${path}`, headers);
      assert.equal(answer.status, 503);
      const problem = JSON.parse(answer.body) as { readonly code: string };
      assert.equal(problem.code, 'provider_unavailable');
      assert.equal(answer.headers['retry-after'], '1');
    });
  }

  it('where it is optional lets through who sends nothing, and nobody who is refused', async () => {
    assert.equal((await ask(`${gateway.url}/optional`, { 'X-User': 'root' })).status, 200);
    assert.equal(lastSent().get('x-user'), undefined);
    assert.equal((await ask(`${gateway.url}/optional`, { Authorization: 'wrong' })).status, 403);
  });

  it('where it is optional takes only cookies of the service for credentials', async () => {
    assert.equal((await ask(`${gateway.url}/optional`, { Cookie: 'theme=dark; xsso=1' })).status, 200);
    assert.equal(lastSent().get('cookie'), 'theme=dark; xsso=1');
    for (const cookie of ['theme=dark; sso=over', 'sso=over'])
      assert.equal((await ask(`${gateway.url}/optional`, { Cookie: cookie })).status, 302, cookie);
  });

  it('remembers what the service lets through, for the same request alone, and nothing else', async () => {
    for (const url of ['/kept', '/kept', '/kept?a'])
      assert.equal((await ask(gateway.url + url, { Authorization: 'alice' })).status, 200);
    assert.equal(asked.length, 2);
    assert.equal(lastSent().get('x-user'), 'alice');
    for (let i = 0; i < 2; i++)
      assert.equal((await ask(`${gateway.url}/kept`, { Authorization: 'wrong' })).status, 403);
    assert.equal(asked.length, 4);
  });

  it('asks once more where a connection that waited is gone', async () => {
    await ask(`${gateway.url}/asked`, { Authorization: 'alice' });
    const answer = await ask(`${gateway.url}/asked`, { Authorization: 'gone where it waited' });
    assert.equal(answer.status, 200);
    assert.equal(asked.length, 3);
  });

  it('gives no service the client’s word for what the service of one route says, however it is spelt', async () => {
    for (const [path, Authorization] of [
      ['/asked', 'nameless'],
      ['/open', ''],
    ] as const) {
      const headers = { Authorization, 'X-User': 'root', X_User: 'root', 'x.groups': 'wheel' };
      assert.equal((await ask(`${gateway.url}${path}`, headers)).status, 200);
      assert.deepEqual(
        upstream.requests.at(-1)?.fields.filter(([name]) => /^x.(?:user|groups)$/i.test(name)),
        [],
      );
    }
  });

  it('passes on fields by how they begin, each once, and none that is about the answer', async () => {
    const headers = { Authorization: 'alice', 'X-Auth-Role': 'admin', X_Auth_Mail: 'root', 'x.auth': 'kept' };
    assert.equal((await ask(`${gateway.url}/begun`, headers)).status, 200);
    assert.deepEqual(
      upstream.requests.at(-1)?.fields.filter(([name]) => /^(?:x.auth|set)/i.test(name)),
      [
        ['x.auth', 'kept'],
        ['x-auth-team', 'red'],
        ['x-auth-team', 'blue'],
        ['x-auth-mail', 'alice@example.com'],
        ['set-theme', 'dark'],
      ],
    );
  });

  it('takes what begins so off every route, whoever sends it', async () => {
    for (const path of ['/open', '/asked']) {
      const headers = { Authorization: 'nameless', 'X-Auth-Role': 'admin', x_auth_mail: 'root' };
      assert.equal((await ask(`${gateway.url}${path}`, headers)).status, 200);
      const names = upstream.requests.at(-1)?.fields.map(([name]) => name.toLowerCase());
      assert.deepEqual(
        names?.filter((name) => /^x.auth.(?:role|mail)/.test(name)),
        [],
        path,
      );
    }
  });

  for (const [options, message] of [
    [{ responseHeaders: ['*'] }, /responseHeaders\[0\]: is neither a field name nor the beginning of some/],
    [
      { responseHeaders: ['x-a*'] },
      /responseHeaders\[0\]: is neither a field name nor the beginning of some/,
    ],
    [{ responseHeaders: ['x-*-id'] }, /responseHeaders\[0\]: is neither a field name nor the beginning/],
    [
      { responseHeaders: ['x-*'] },
      /responseHeaders\[0\]: x-forwarded-for is a field that the gateway itself sets/,
    ],
    [{ responseHeaders: ['content-*'] }, /responseHeaders\[0\]: content-type is a field that clients need/],
    [{ responseHeaders: ['Content-Length'] }, /Content-Length is a field that the gateway itself sets/],
    [{ responseHeaders: ['X-Forwarded-User'] }, /X-Forwarded-User is of the X-Forwarded family/],
    [
      { requestHeaders: ['cookie', 'X-Auth-Key'], responseHeaders: ['x-auth-*'] },
      /requestHeaders\[1\]: x-auth-key is one of x-auth-\* in responseHeaders, which no client may send/,
    ],
  ] as const)
    it(`is refused with ${JSON.stringify(options)}`, async () => {
      const policies = [{ 'forward-auth': { url: 'http://127.0.0.1:1/', ...options } }];
      const started = startGateway({
        listeners: { http: { port: 0 } },
        routes: { a: { match: { paths: ['/'] }, respond: {}, policies } },
      });
      await assert.rejects(started, message);
    });

  it('takes its question back when the client leaves', { timeout: 10_000 }, async () => {
    const question = once(held, 'question') as Promise<[ServerResponse]>;
    const headers = { Authorization: 'slow' };
    const sent = request(`${gateway.url}/patient`, { agent: false, headers }).on('error', () => {});
    sent.end();
    const [response] = await question;
    sent.destroy();
    await once(response, 'close');
    assert.equal(response.writableFinished, false);
  });

  it('takes off what it was asked about too, however it is spelt', async () => {
    const headers = { Authorization: 'nameless', 'X-Tenant': 'own', X_Tenant: 'evil', 'x.tenant': 'evil' };
    assert.equal((await ask(`${gateway.url}/told`, headers)).status, 200);
    assert.equal(asked[0]?.['x-tenant'], 'own');
    assert.deepEqual(
      upstream.requests.at(-1)?.fields.filter(([name]) => /^x.tenant$/i.test(name)),
      [],
    );
  });

  it('keeps its connections', async () => {
    await ask(`${gateway.url}/asked`, { Authorization: 'alice' });
    const opened = connections;
    for (let i = 0; i < 3; i++) await ask(`${gateway.url}/asked`, { Authorization: 'alice' });
    // The service may have closed one that was idle.
    assert.ok(connections - opened <= 1, `${connections - opened} new connections`);
  });
});
