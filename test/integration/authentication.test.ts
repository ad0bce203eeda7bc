import assert from 'node:assert/strict';
import { request as plainRequest } from 'node:http';
import { type RequestOptions, request as secureRequest } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { startGateway, type TestGateway } from '../../src/testing.ts';
import { type Pair, TestAuthority } from '../support/certificates.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';

const KEY = 'key-of-alice-0123456789';
const ALICE = `Basic ${Buffer.from('alice:secret').toString('base64')}`;

interface Answer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string | string[] | undefined>>;
  readonly code: string | undefined;
}

function ask(url: string, options: RequestOptions = {}): Promise<Answer> {
  const request = url.startsWith('https:') ? secureRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, rejectUnauthorized: false, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('error', reject);
      response.on('end', () => {
        const problem = response.headers['content-type'] === 'application/problem+json';
        const code = problem ? (JSON.parse(text) as { readonly code: string }).code : undefined;
        resolve({ status: response.statusCode ?? 0, fields: response.headers, code });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('A gateway that asks who calls', () => {
  let upstream: RecordingUpstream;
  let gateway: TestGateway;
  before(async () => {
    upstream = await RecordingUpstream.start();
    gateway = await startGateway({
      listeners: { http: { port: 0 } },
      services: { echo: { url: `http://127.0.0.1:${upstream.port}` } },
      consumers: { alice: { basic: { password: 'secret' }, apiKeys: [{ key: KEY }] } },
      policies: [{ basic: {} }],
      observability: { accessLog: { fields: ['consumer', 'code', 'query'] } },
      routes: {
        global: { match: { paths: ['/global'] }, service: 'echo' },
        open: { match: { paths: ['/open'] }, service: 'echo', policies: [{ public: {} }] },
        key: {
          match: { paths: ['/key'] },
          service: 'echo',
          policies: [{ 'api-key': { query: 'key', header: 'x-api-key' } }],
        },
        named: {
          match: { paths: ['/named'] },
          service: 'echo',
          policies: [{ auth: { any: [{ basic: {} }, { 'api-key': { query: 'Acme' } }] } }],
        },
        any: {
          match: { paths: ['/any'] },
          service: 'echo',
          policies: [{ auth: { any: [{ basic: {} }, { 'api-key': {} }] } }],
        },
      },
    });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  it('answers 401 with problem details and a challenge', async () => {
    const answer = await ask(`${gateway.url}/global`);
    assert.deepEqual([answer.status, answer.code], [401, 'unauthenticated']);
    assert.equal(answer.fields['www-authenticate'], 'Basic realm="portcullis", charset="UTF-8"');
    assert.equal(answer.fields['cache-control'], 'no-store');
  });

  it('answers 401 with the challenge of each way', async () => {
    const answer = await ask(`${gateway.url}/any`);
    assert.equal(
      answer.fields['www-authenticate'],
      'Basic realm="portcullis", charset="UTF-8", ApiKey realm="portcullis", in="header", name="x-api-key"',
    );
  });

  it('asks nobody where a route is public, and passes on what was sent', async () => {
    assert.equal((await ask(`${gateway.url}/open`, { headers: { Authorization: ALICE } })).status, 200);
    const last = upstream.requests.at(-1);
    assert.equal(new Map(last?.fields).get('authorization'), ALICE);
  });

  for (const [path, headers] of [
    ['/global', { Authorization: ALICE }],
    ['/key', { 'X-Api-Key': KEY }],
    [`/key?a=1&key=${KEY}`, {}],
    ['/any', { Authorization: ALICE, 'X-Api-Key': KEY }],
  ] as const) {
    it(`takes the credentials of ${path.replace(KEY, '…')} off`, async () => {
      assert.equal((await ask(`${gateway.url}${path}`, { headers })).status, 200);
      const last = upstream.requests.at(-1);
      const text = JSON.stringify([last?.target, last?.fields]);
      assert.ok(!text.includes(KEY) && !text.includes(ALICE), text);
    });
  }

  it('writes who called into the log, and no credentials', async () => {
    await ask(`${gateway.url}/key?key=${KEY}`);
    await ask(`${gateway.url}/global`, { headers: { Authorization: `${ALICE}x` } });
    const refused = () => gateway.requests.some(({ code }) => code === 'invalid_credentials');
    while (!refused()) await new Promise((resolve) => setTimeout(resolve, 20));
    const lines = gateway.requests.slice(-2);
    assert.deepEqual(
      lines.map(({ consumer, code }) => [consumer, code]),
      [
        ['alice', undefined],
        [undefined, 'invalid_credentials'],
      ],
    );
    assert.ok(!JSON.stringify(lines).includes(KEY));
  });

  it('writes no key into the log that stands in a parameter of its own name, whatever the route', async () => {
    const logged = gateway.requests.length;
    for (const path of ['/named', '/open', '/nowhere'])
      await ask(`${gateway.url}${path}?a=1&%41cme=${KEY}&b=2`);
    while (gateway.requests.length < logged + 3) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(
      gateway.requests.slice(logged).map(({ query }) => query),
      Array.from({ length: 3 }, () => '?a=1&%41cme=***&b=2'),
    );
  });
});

describe('A listener that asks for certificates', () => {
  let upstream: RecordingUpstream;
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let server: Pair;
  const client: Record<string, Pair> = {};
  before(async () => {
    upstream = await RecordingUpstream.start();
    authority = await TestAuthority.make();
    stranger = await TestAuthority.make('A stranger');
    server = await authority.issue('server', ['localhost']);
    client['alice'] = await authority.issue('alice');
    client['carol'] = await authority.issue('carol');
    client['false alice'] = await stranger.issue('alice');
  });
  after(() => upstream.close());

  const configuration = (mode: 'request' | 'require', trusted: TestAuthority) => ({
    listeners: {
      https: {
        port: 0,
        protocol: 'https' as const,
        tls: { certificates: ['main'], clientAuth: { mode, ca: trusted.cert } },
      },
    },
    certificates: { main: server },
    services: { echo: { url: `http://127.0.0.1:${upstream.port}` } },
    consumers: { alice: { certificates: [{ subject: 'CN=alice' }] } },
    routes: {
      whose: { match: { paths: ['/whose'] }, service: 'echo', policies: [{ mtls: {} }] },
      open: { match: { paths: ['/open'] }, service: 'echo' },
    },
  });

  it('knows a consumer by the certificate, and refuses others', async () => {
    await using gateway = await startGateway(configuration('request', authority));
    const got = async (name: string | undefined) => {
      const { status, code } = await ask(`${gateway.url}/whose`, name === undefined ? {} : client[name]);
      return [status, code];
    };
    assert.deepEqual(await got('alice'), [200, undefined]);
    assert.deepEqual(await got('carol'), [401, 'invalid_credentials']);
    assert.deepEqual(await got('false alice'), [401, 'invalid_credentials']);
    assert.deepEqual(await got(undefined), [401, 'unauthenticated']);
    assert.equal((await ask(`${gateway.url}/open`)).status, 200);
  });

  it('refuses the connection where a certificate is required', async () => {
    await using gateway = await startGateway(configuration('require', authority));
    assert.equal((await ask(`${gateway.url}/whose`, client['alice'])).status, 200);
    await assert.rejects(ask(`${gateway.url}/open`), { code: /^(ECONNRESET|ERR_SSL|EPIPE)/ });
    await assert.rejects(ask(`${gateway.url}/open`, client['false alice']), {
      code: /^(ECONNRESET|ERR_SSL|EPIPE)/,
    });
  });

  it('asks what the configuration of now says, and of the authorities of now', async () => {
    await using gateway = await startGateway(configuration('require', authority));
    await gateway.reload(configuration('request', stranger));
    assert.equal((await ask(`${gateway.url}/open`)).status, 200);
    assert.equal((await ask(`${gateway.url}/whose`, client['alice'])).status, 401);
    assert.equal((await ask(`${gateway.url}/whose`, client['false alice'])).status, 200);
  });
});
