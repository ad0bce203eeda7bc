import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeTimers } from '../../lib/fake-timers.support.ts';
import { IssuerServer } from '../issuer-server.support.ts';
import { Discovery } from './discovery.ts';
import { checkMetadata, metadataAddresses } from './metadata.ts';
import { isUnavailable } from './remote-document.ts';

const PATH = '/.well-known/openid-configuration';

/** A provider that is asked about itself on a clock that the test moves. */
async function play(
  act: (discovery: Discovery, server: IssuerServer, timers: FakeTimers, log: string[]) => Promise<void>,
): Promise<void> {
  await using server = await IssuerServer.start();
  const timers = new FakeTimers();
  const log: string[] = [];
  const discovery = new Discovery(
    { name: 'p', issuer: server.url },
    { timers, random: () => 0, log: (level, message) => log.push(`${level}: ${message}`) },
  );
  try {
    await act(discovery, server, timers, log);
  } finally {
    discovery.close();
  }
}

const metadata = (server: IssuerServer, more: object = {}) => ({
  issuer: server.url,
  jwks_uri: `${server.url}/jwks`,
  ...more,
});

/** Lets what a clock started, such as a request to a server of this process, come to its end. */
async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setImmediate(resolve));
}

describe('The metadata of a provider', () => {
  it('is read when it is first wanted, once however many want it, and then known at once', () =>
    play(async (discovery, server) => {
      server.answer(PATH, metadata(server));
      assert.deepEqual(server.requests, []);
      const all = await Promise.all(Array.from({ length: 20 }, async () => discovery.get()));
      assert.deepEqual(server.requests, [`GET ${PATH}`]);
      for (const found of all)
        assert.equal(isUnavailable(found) ? '' : found.document.jwks_uri, `${server.url}/jwks`);
      assert.equal(discovery.get(), all[0]);
    }));

  it('may stand where RFC 8414 has it', () =>
    play(async (discovery, server) => {
      server.answer('/.well-known/oauth-authorization-server', metadata(server));
      const found = await discovery.get();
      assert.equal(found.kind, 'loaded');
      assert.deepEqual(server.requests, [`GET ${PATH}`, 'GET /.well-known/oauth-authorization-server']);
    }));

  it('is asked for again and again while the provider is down, ever less often, with one line in the log', () =>
    play(async (discovery, server, timers, log) => {
      server.answer(PATH, 503);
      const away = await discovery.get();
      assert.deepEqual(away, {
        kind: 'unavailable',
        detail: 'The identity provider that knows who may call cannot be asked at the moment.',
        retryAfterMs: 1000,
      });
      for (const [failures, pauseMs] of [500, 1000, 2000, 4000, 8000, 15_000, 15_000].entries()) {
        await timers.untilWaiting(pauseMs);
        // Whoever asks meanwhile learns at once that it is not there, and costs no request.
        assert.ok(isUnavailable(await discovery.get()));
        assert.equal(server.requests.length, failures + 1);
        timers.advance(pauseMs);
      }
      assert.deepEqual(log, [
        `warn: the metadata of provider p: cannot be read: ${server.url}${PATH} answered 503; tried again in the background`,
      ]);
      // The last attempt is on its way.
      server.answer(PATH, metadata(server));
      await until(async () => !isUnavailable(await discovery.get()));
      assert.equal(log[1], 'info: the metadata of provider p: read again, after 7 failures');
      assert.equal(log.length, 2);
      assert.deepEqual(timers.waiting, []);
    }));

  it('is read again after an hour, in the background, and stays as it was while that fails', () =>
    play(async (discovery, server, timers, log) => {
      server.answer(PATH, metadata(server, { token_endpoint: `${server.url}/one` }));
      const first = await discovery.get();
      timers.advance(60 * 60_000 - 1);
      assert.equal(discovery.get(), first);
      assert.equal(server.requests.length, 1);
      timers.advance(1);
      server.answer(PATH, 500);
      assert.equal(discovery.get(), first);
      await timers.untilWaiting(500);
      assert.equal(discovery.get(), first);
      assert.match(
        log[0] ?? '',
        /answered 500; tried again in the background; what was read before stays in use$/,
      );
      server.answer(PATH, metadata(server, { token_endpoint: `${server.url}/two` }));
      timers.advance(500);
      await until(() => discovery.get() !== first);
      const second = await discovery.get();
      assert.equal(isUnavailable(second) ? '' : second.document.token_endpoint, `${server.url}/two`);
    }));

  it('is asked for no more when nobody holds it', () =>
    play(async (discovery, server, timers) => {
      server.answer(PATH, 500);
      await discovery.get();
      discovery.close();
      assert.deepEqual(timers.waiting, []);
      assert.ok(isUnavailable(await discovery.get()));
      assert.equal(server.requests.length, 1);
    }));

  it('of another issuer is not believed', () =>
    play(async (discovery, server, _, log) => {
      server.answer(PATH, metadata(server, { issuer: `${server.url}/` }));
      assert.ok(isUnavailable(await discovery.get()));
      assert.match(
        log[0] ?? '',
        /cannot be read: the issuer says that it is "http:\/\/127\.0\.0\.1:\d+\/"; tried again/,
      );
    }));
});

describe('Where metadata is', () => {
  for (const [issuer, first, second] of [
    [
      'https://id.example.com',
      'https://id.example.com/.well-known/openid-configuration',
      'https://id.example.com/.well-known/oauth-authorization-server',
    ],
    [
      'https://id.example.com/',
      'https://id.example.com/.well-known/openid-configuration',
      'https://id.example.com/.well-known/oauth-authorization-server',
    ],
    [
      'https://id.example.com/realms/a',
      'https://id.example.com/realms/a/.well-known/openid-configuration',
      'https://id.example.com/.well-known/oauth-authorization-server/realms/a',
    ],
  ] as const) {
    it(issuer, () => assert.deepEqual(metadataAddresses(issuer), [first, second]));
  }
});

describe('Metadata are refused', () => {
  const issuer = 'https://id.example.com';
  for (const [title, found, insecure, message] of [
    ['that are no object', ['x'], false, 'what is published there is not a JSON object'],
    ['without an issuer', {}, false, 'the issuer says that it is nobody'],
    [
      'with an issuer of another type',
      { issuer: [issuer] },
      false,
      'the issuer says that it is ["https://id.example.com"]',
    ],
    ['with an address that is none', { issuer, jwks_uri: 'jwks' }, false, 'its jwks_uri is not an address'],
    [
      'with an address that is a list',
      { issuer, token_endpoint: [] },
      false,
      'its token_endpoint is not an address',
    ],
    [
      'that lead out of TLS',
      { issuer, token_endpoint: 'http://127.0.0.1/token' },
      false,
      'its token_endpoint is http',
    ],
    [
      'that lead to a file',
      { issuer, jwks_uri: 'file:///etc/passwd' },
      false,
      'its jwks_uri is neither https nor http',
    ],
  ] as const) {
    it(title, () => assert.throws(() => checkMetadata(found, issuer, insecure), { message }));
  }

  it('but not for members that are null or not known', () => {
    const found = {
      issuer,
      jwks_uri: null,
      more: [1],
    };
    assert.deepEqual(checkMetadata(found, issuer, false), { issuer, more: [1] });
  });

  it('but not for addresses of clients with a certificate, of which the good ones are kept', () => {
    const found = {
      issuer,
      mtls_endpoint_aliases: {
        token_endpoint: 'http://mtls.example.com/token',
        introspection_endpoint: 'https://mtls.example.com/introspect',
        revocation_endpoint: null,
        more: 'https://mtls.example.com/',
      },
    };
    assert.deepEqual(checkMetadata(found, issuer, false)['mtls_endpoint_aliases'], {
      introspection_endpoint: 'https://mtls.example.com/introspect',
    });
  });

  it('and what stands in a prototype is none of them', () => {
    const found: unknown = JSON.parse(
      `{"issuer":"${issuer}","__proto__":{"jwks_uri":"http://127.0.0.1/keys"}}`,
    );
    assert.equal(checkMetadata(found, issuer, false).jwks_uri, undefined);
  });
});
