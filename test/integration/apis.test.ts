import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { loadConfig } from '../../src/control/config/load.ts';
import { explainRequest } from '../../src/control/explain/explain-request.ts';
import { type Answered, type Asked, ask } from '../support/ask.ts';
import { TestAuthority } from '../support/certificates.ts';
import { Workspace } from '../support/cli.ts';
import { startGatewayWith, type TestGateway } from '../support/gateway.ts';
import { type RecordedRequest, RecordingUpstream } from '../support/recording-upstream.ts';

const ORIGIN = 'https://app.example.com';
const PREFLIGHT = { Origin: ORIGIN, 'Access-Control-Request-Method': 'GET' };
const ALICE = { Authorization: `Basic ${btoa('alice:correct-horse')}` };
const OVER_TLS = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '192.0.2.1' };

const CONFIG = (upstream: string, cors = '') => `
listeners:
  main: { address: 127.0.0.1, port: 0 }
  tls: { address: 127.0.0.1, port: 0, protocol: https, tls: { certificates: [main] } }
  behind: { address: 127.0.0.1, port: 0, forwarding: { trust: [127.0.0.1], read: x-forwarded } }
certificates: { main: { cert: file:cert.pem, key: file:key.pem } }
organizations:
  acme: {}
  globex: { pathPrefix: /g/x }
  plain: { pathPrefix: / }
services:
  site: { url: '${upstream}' }
consumers: { alice: { basic: { password: correct-horse } } }
${cors}
apis:
  hello: { organization: acme, service: site, paths: [/, /hello, '/things/{id}', /all/*], methods: [GET] }
  rest: { organization: globex, service: site }
  root: { organization: plain, service: site, paths: [/root] }
  hosted: { organization: acme, service: site, hosts: [api.example.com], paths: [/hello] }
  pages: { service: site, paths: [/pages/*], cors: true, methods: [GET, POST] }
  app: { service: site, paths: [/app], cors: { origins: ['${ORIGIN}'] } }
  own: { service: site, paths: [/own], cors: service }
  options: { service: site, paths: [/options], methods: [OPTIONS, GET], cors: false }
  any: { service: site, paths: [/any], cors: false }
  basic: { service: site, paths: [/basic], authentication: basic, limits: { rate: 2/h } }
  off: { service: site, paths: [/site/off], authentication: basic, protocols: https, cors: true, enabled: false }
  later: { service: latr, paths: [/later] }
  guarded: { paths: [/guarded], authentication: basic }
  small: { service: site, paths: [/small], limits: { body: 2b, timeout: 5s } }
  secure: { service: site, paths: [/secure], protocols: https, authentication: basic }
  moved: { service: site, paths: [/moved], protocols: { https: { redirect: { port: 8443, status: 301 }, hsts: { maxAge: 180d } } } }
  bare: { service: site, paths: [/bare], protocols: http }
routes:
  site: { match: { paths: [/site/*] }, service: site }
policies: [{ headers: { response: { set: { X-Global: '1' } } } }]
`;

suite('APIs', () => {
  let upstream: RecordingUpstream;
  let gateway: TestGateway;
  let files: Workspace;
  let pending: ReadonlyMap<string, string>;
  let explain: (url: string, method?: string) => ReturnType<typeof explainRequest>;

  before(async () => {
    const authority = await TestAuthority.make();
    const pair = await authority.issue('gateway', ['localhost', 'api.example.com']);
    upstream = await RecordingUpstream.start();
    files = new Workspace({
      'portcullis.yaml': CONFIG(upstream.url),
      'cert.pem': pair.cert,
      'key.pem': pair.key,
    });
    const loaded = await loadConfig(files.path('portcullis.yaml'));
    assert.ok(loaded.ok, JSON.stringify(loaded));
    const { config } = loaded;
    pending = config.pendingApis;
    explain = (url, method = 'GET') => explainRequest(config, { method, url, headers: [] });
    assert.deepEqual(
      loaded.warnings.map(({ path, message }) => [path, message]),
      [
        ['apis.later.service', 'there is no service "latr": its requests get 503 until there is one'],
        ['apis.guarded', 'has no service or function: its requests get 503 until there is one'],
      ],
    );
    gateway = await startGatewayWith(config.dataPlane);
  });

  after(async () => {
    await gateway?.close();
    await upstream?.close();
    files?.[Symbol.dispose]();
  });

  type Listener = 'main' | 'tls' | 'behind';

  /** The answer, and what the service saw. */
  async function got(
    path: string,
    asked?: Asked,
    listener: Listener = 'main',
  ): Promise<{ answer: Answered; seen: readonly RecordedRequest[] }> {
    const from = upstream.requests.length;
    const scheme = listener === 'tls' ? 'https' : 'http';
    const port = gateway.dataPlane.addresses[listener]?.port;
    const answer = await ask(`${scheme}://127.0.0.1:${port}${path}`, asked);
    return { answer, seen: upstream.requests.slice(from) };
  }

  const codeOf = ({ body }: Answered) => (JSON.parse(body) as { code: string }).code;

  for (const [path, seen] of [
    ['/acme?a=1', '/?a=1'],
    ['/acme/?a=1', '/?a=1'],
    ['/acme/hello?a=1', '/hello?a=1'],
    ['/acme/things/7', '/things/7'],
    ['/acme/all', '/all'],
    ['/acme/all/a%2Fb/', '/all/a%2Fb/'],
    ['/g/x', '/'],
    ['/g/x/', '/'],
    ['/g/x/y', '/y'],
    ['/root', '/root'],
  ] as const)
    test(`the service sees ${seen} of ${path}`, async () => {
      const { answer, seen: requests } = await got(path);
      assert.equal(answer.status, 200);
      assert.deepEqual(
        requests.map(({ target }) => target),
        [seen],
      );
      const explained = await explain(`http://127.0.0.1${path}`);
      assert.ok(explained.ok && explained.explanation.outcome.kind === 'service');
      assert.equal(explained.explanation.outcome.upstreamPath, seen);
    });

  for (const [title, path, headers, status] of [
    ['an API without hosts is not there without the prefix of its organization', '/hello', {}, 404],
    ['an API with hosts is there as it is written', '/hello', { Host: 'api.example.com' }, 200],
    ['an API with hosts is not there on others', '/hello', { Host: 'other.example.com' }, 404],
    ['what only begins as the prefix does is not below it', '/acmehello', {}, 404],
    ['other methods are not allowed', '/acme/hello', {}, 405],
  ] as const)
    test(title, async () => {
      const method = status === 405 ? 'POST' : 'GET';
      const { answer, seen } = await got(path, { method, headers });
      assert.equal(answer.status, status);
      assert.equal(seen.length, status === 200 ? 1 : 0);
    });

  suite('with CORS off', () => {
    for (const path of ['/acme/hello', '/any'])
      test(`answer no preflight: ${path}`, async () => {
        const { answer, seen } = await got(path, { method: 'OPTIONS', headers: PREFLIGHT });
        assert.equal(answer.status, 405);
        assert.equal(codeOf(answer), 'method_not_allowed');
        assert.deepEqual(corsOf(answer), []);
        assert.deepEqual(seen, []);
      });

    test('pass on an OPTIONS that they take', async () => {
      const { answer, seen } = await got('/options', { method: 'OPTIONS', headers: PREFLIGHT });
      assert.equal(answer.status, 200);
      assert.deepEqual(corsOf(answer), []);
      assert.equal(seen[0]?.method, 'OPTIONS');
    });

    test('answer with no CORS field', async () => {
      for (const asked of [{}, { headers: { Origin: ORIGIN } }]) {
        const { answer } = await got('/acme/hello', asked);
        assert.deepEqual(corsOf(answer), []);
      }
    });
  });

  for (const [path, headers, allowed] of [
    ['/pages/a', { Origin: ORIGIN }, '*'],
    ['/app', { Origin: ORIGIN }, ORIGIN],
    ['/app', { Origin: 'https://evil.example.com' }, undefined],
  ] as const)
    test(`${path} lets ${headers.Origin} in: ${allowed}`, async () => {
      const { answer } = await got(path, { headers });
      assert.equal(answer.headers['access-control-allow-origin'], allowed);
      const preflight = await got(path, { method: 'OPTIONS', headers: { ...PREFLIGHT, ...headers } });
      assert.equal(preflight.answer.status, 204);
      assert.equal(preflight.answer.headers['access-control-allow-origin'], allowed);
      assert.deepEqual(preflight.seen, []);
    });

  test('a preflight goes to a service that does CORS itself', async () => {
    const { seen } = await got('/own', { method: 'OPTIONS', headers: PREFLIGHT });
    assert.equal(seen[0]?.method, 'OPTIONS');
  });

  test('authentication and limits are those of the API', async () => {
    assert.equal(codeOf((await got('/basic')).answer), 'unauthenticated');
    for (const status of [200, 200, 429])
      assert.equal((await got('/basic', { headers: ALICE })).answer.status, status);
    const { answer, seen } = await got('/small', { method: 'POST', body: 'abc' });
    assert.deepEqual([answer.status, seen.length], [413, 0]);
  });

  for (const [listener, asked] of [
    ['main', {}],
    ['tls', { headers: ALICE }],
    ['main', { method: 'OPTIONS', headers: PREFLIGHT }],
    ['main', { method: 'POST', body: 'x' }],
  ] as const)
    test(`one that is switched off answers 404 at once: ${JSON.stringify(asked)} over ${listener}`, async () => {
      const { answer, seen } = await got('/site/off', asked, listener);
      assert.deepEqual([answer.status, codeOf(answer), seen.length], [404, 'route_disabled', 0]);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.deepEqual(corsOf(answer), []);
      assert.equal(answer.headers['x-global'], undefined);
    });

  test('one that is switched off is explained so', async () => {
    const explained = await explain('http://127.0.0.1/site/off');
    assert.ok(explained.ok);
    assert.deepEqual(explained.explanation.outcome, { kind: 'disabled' });
    assert.deepEqual(explained.explanation.policies, []);
  });

  test('one without a target answers 503, to those who may call', async () => {
    const { answer } = await got('/later');
    assert.deepEqual([answer.status, codeOf(answer)], [503, 'api_without_target']);
    assert.ok('requestId' in JSON.parse(answer.body));
    assert.equal((await got('/guarded')).answer.status, 401);
    assert.equal(codeOf((await got('/guarded', { headers: ALICE })).answer), 'api_without_target');
    assert.deepEqual([...pending.keys()], ['later', 'guarded']);
    assert.equal(pending.get('later'), 'there is no service "latr": its requests get 503 until there is one');
  });

  suite('over https alone', () => {
    for (const [title, path, asked, listener] of [
      ['over http', '/secure', { headers: ALICE }, 'main'],
      ['over http, with a body', '/secure', { method: 'POST', headers: ALICE, body: 'secret' }, 'main'],
      [
        'over http, by a client that says that it came over https',
        '/secure',
        { headers: { ...ALICE, ...OVER_TLS } },
        'main',
      ],
      [
        'over http to a trusted proxy',
        '/secure',
        { headers: { ...ALICE, ...OVER_TLS, 'X-Forwarded-Proto': 'http' } },
        'behind',
      ],
      ['by POST where others are redirected', '/moved', { method: 'POST', body: 'x' }, 'main'],
    ] as const)
      test(`refuse what comes ${title}; the service sees nothing`, async () => {
        const { answer, seen } = await got(path, asked, listener);
        assert.deepEqual([answer.status, codeOf(answer)], [426, 'https_required']);
        assert.equal(answer.headers.upgrade, 'TLS/1.2, HTTP/1.1');
        assert.match(answer.headers.connection ?? '', /\bupgrade\b/);
        assert.equal(answer.headers['strict-transport-security'], undefined);
        assert.deepEqual(seen, []);
      });

    for (const method of ['GET', 'HEAD'])
      test(`redirect ${method} where they say so; the service sees nothing`, async () => {
        const { answer, seen } = await got('/moved?a=%20b', {
          method,
          headers: { Host: 'api.example.com:8080' },
        });
        assert.equal(answer.status, 301);
        assert.equal(answer.headers.location, 'https://api.example.com:8443/moved?a=%20b');
        assert.equal(answer.headers['strict-transport-security'], undefined);
        assert.deepEqual(seen, []);
      });

    test('are there over TLS, and to a trusted proxy that has it', async () => {
      assert.equal((await got('/secure', { headers: ALICE }, 'tls')).answer.status, 200);
      assert.equal(
        (await got('/secure', { headers: { ...ALICE, ...OVER_TLS } }, 'behind')).answer.status,
        200,
      );
      assert.equal((await got('/secure', {}, 'tls')).answer.status, 401);
    });

    test('tell browsers to keep to https', async () => {
      const hsts = 'max-age=15552000; includeSubDomains';
      const { answer } = await got('/moved', {}, 'tls');
      assert.deepEqual([answer.status, answer.headers['strict-transport-security']], [200, hsts]);
      const secure = await got('/secure', { headers: ALICE }, 'tls');
      assert.equal(secure.answer.headers['strict-transport-security'], undefined);
    });
  });

  test('over http alone there is nothing over TLS', async () => {
    assert.equal((await got('/bare')).answer.status, 200);
    const { answer, seen } = await got('/bare', {}, 'tls');
    assert.deepEqual([answer.status, seen.length], [404, 0]);
  });
});

function corsOf({ headers }: Answered): string[] {
  return Object.keys(headers).filter((name) => name.startsWith('access-control-') || name === 'vary');
}
