import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, suite, test } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { AccountKey } from './account-key.ts';
import { AcmeClient } from './client.ts';
import { askRenewalInfo, renewalId } from './renewal-info.ts';
import { AcmeTransport } from './transport.ts';

/** RFC 9773 appendix A. */
const EXAMPLE = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;
const ID = 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE';

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

suite('an authority that says when to renew (RFC 9773)', () => {
  let authority: TestAuthority;
  let server: Server;
  let url: string;
  let answers: Record<string, Answer>;
  /** `POST /order {"replaces":…}`: bodies are those of the JWS. */
  let seen: string[];

  before(async () => {
    authority = await TestAuthority.make('ACME server');
    server = createServer(await authority.issue('acme', ['localhost']), (request, response) => {
      void answer(request).then(({ status = 200, headers = {}, body }) => {
        response.writeHead(status, { 'Replay-Nonce': 'bm9uY2U', ...headers });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://localhost:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());
  beforeEach(() => {
    seen = [];
    answers = {
      'GET /dir': {
        body: { renewalInfo: `${url}/ari`, newNonce: `${url}/nonce`, newOrder: `${url}/order` },
      },
    };
  });

  async function answer(request: IncomingMessage): Promise<Answer> {
    let text = '';
    for await (const piece of request) text += String(piece);
    const line = `${request.method} ${request.url}`;
    const payload = text === '' ? '' : ` ${payloadOf(text)}`;
    seen.push(line + payload);
    return answers[line + payload] ?? answers[line] ?? { status: 404, body: {} };
  }

  const ask = (cert = EXAMPLE) =>
    askRenewalInfo({ directory: `${url}/dir`, ca: authority.cert }, cert, {
      userAgent: 'test',
      signal: new AbortController().signal,
    });

  test('knows a certificate by its issuer’s key and its number', () => assert.equal(renewalId(EXAMPLE), ID));

  test('is asked with a plain request, and says when, why, and when to ask again', async () => {
    answers[`GET /ari/${ID}`] = {
      headers: { 'Retry-After': '21600' },
      body: {
        suggestedWindow: { start: '2030-01-02T04:00:00Z', end: '2030-01-03T04:00:00+00:00' },
        explanationURL: 'https://ca.example/docs/ari',
      },
    };
    assert.deepEqual(await ask(), {
      startMs: Date.UTC(2030, 0, 2, 4),
      endMs: Date.UTC(2030, 0, 3, 4),
      explanation: 'https://ca.example/docs/ari',
      retryAfterMs: 21_600_000,
    });
    assert.deepEqual(seen, ['GET /dir', `GET /ari/${ID}`]);
  });

  test('is not asked where it does not speak of that, nor of a certificate that names no issuer’s key', async () => {
    assert.equal(await ask((await authority.issue('a', ['a.example'])).cert), undefined);
    assert.deepEqual(seen, []);
    answers['GET /dir'] = { body: { newOrder: `${url}/order` } };
    assert.equal(await ask(), undefined);
    assert.deepEqual(seen, ['GET /dir']);
  });

  const at = (start: unknown, end: unknown): Answer => ({ body: { suggestedWindow: { start, end } } });
  for (const [what, given, type, message] of [
    [
      'a window that ends before it begins',
      at('2030-01-03T04:00:00Z', '2030-01-02T04:00:00Z'),
      'malformedAnswer',
      'the ACME server suggests a time for renewal that is none',
    ],
    [
      'times that are none',
      at('soon', 5),
      'malformedAnswer',
      'the ACME server suggests a time for renewal that is none',
    ],
    [
      'no window',
      { body: {} },
      'malformedAnswer',
      'the ACME server suggests a time for renewal that is none',
    ],
    ['no JSON', { body: '<html>' }, 'malformedAnswer', /answered with something that is no JSON object$/],
    [
      'more than anybody would read',
      { body: 'x'.repeat(2 * 1024 ** 2) },
      'unreachable',
      'the ACME server cannot be reached: it answered with more than 1048576 bytes',
    ],
    [
      'another place to ask',
      { status: 302, headers: { Location: 'https://elsewhere.example/' }, body: '' },
      'malformedAnswer',
      'answered 302 (malformedAnswer)',
    ],
    [
      'an error',
      { status: 404, body: { type: 'urn:ietf:params:acme:error:malformed', detail: 'no such certificate' } },
      'malformed',
      'no such certificate (malformed)',
    ],
  ] as const) {
    test(`fails with a reason where it answers with ${what}`, async () => {
      answers[`GET /ari/${ID}`] = given;
      await assert.rejects(ask(), { name: 'AcmeProblem', type, message });
    });
  }

  suite('is told by a new order which certificate it replaces', () => {
    const identifiers = [{ type: 'dns', value: 'a.example' }];
    const plain = `POST /order ${JSON.stringify({ identifiers })}`;
    const replacing = `POST /order ${JSON.stringify({ identifiers, replaces: ID })}`;
    const made: Answer = { status: 201, headers: { Location: 'https://acme.example/order/1' }, body: {} };

    async function order(): Promise<readonly string[]> {
      answers['HEAD /nonce'] = { body: '' };
      const transport = new AcmeTransport(authority.cert, 'test');
      const account = { key: await AccountKey.make(), url: `${url}/account` };
      const { url: placed } = await new AcmeClient(`${url}/dir`, transport).order(account, ['a.example'], ID);
      transport.close();
      assert.equal(placed, 'https://acme.example/order/1');
      return seen.filter((line) => line.startsWith('POST'));
    }

    test('if it speaks of that', async () => {
      answers['POST /order'] = made;
      assert.deepEqual(await order(), [replacing]);
    });

    test('and not if it does not', async () => {
      answers['GET /dir'] = { body: { newNonce: `${url}/nonce`, newOrder: `${url}/order` } };
      answers['POST /order'] = made;
      assert.deepEqual(await order(), [plain]);
    });

    test('and ordered without that, where another order replaced it', async () => {
      answers[replacing] = {
        status: 409,
        body: { type: 'urn:ietf:params:acme:error:alreadyReplaced', detail: 'by order 7' },
      };
      answers[plain] = made;
      assert.deepEqual(await order(), [replacing, plain]);
    });
  });
});

function payloadOf(jws: string): string {
  const { payload } = JSON.parse(jws) as { readonly payload: string };
  return Buffer.from(payload, 'base64url').toString();
}
