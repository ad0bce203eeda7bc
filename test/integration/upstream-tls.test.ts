import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { get } from '../conformance/case.ts';
import { type Pair, TestAuthority } from '../support/certificates.ts';
import { startGatewayBefore } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

let authority: TestAuthority;
let other: TestAuthority;
let server: Pair;
let client: Pair;

before(async () => {
  authority = await TestAuthority.make();
  other = await TestAuthority.make('Another authority');
  server = await authority.issue('upstream', ['api.internal', '127.0.0.1']);
  client = await authority.issue('gateway');
});

interface Outcome {
  readonly status: number;
  readonly body: string;
  readonly upstream: ScriptedUpstream;
}

/** One request through a gateway to an upstream that speaks TLS; its answer names the server name and the client certificate. */
async function ask(options: TlsOptions, service: Readonly<Record<string, unknown>>): Promise<Outcome> {
  await using upstream = await ScriptedUpstream.start(
    async (connection) => {
      await connection.head();
      const socket = connection.socket as TLSSocket;
      const peer = socket.getPeerCertificate();
      await connection.send(
        answer(
          200,
          `${String(socket.servername)} ${String(peer.subject?.CN)} ${String(socket.alpnProtocol)}`,
        ),
      );
    },
    { ALPNProtocols: ['h2', 'http/1.1'], ...options },
  );
  await using gateway = await startGatewayBefore(`https://127.0.0.1:${upstream.port}`, {}, service);
  using peer = await RawClient.connect({ port: gateway.port });
  await peer.send(get());
  const { status, body } = await peer.answer();
  return { status, body: body.toString(), upstream };
}

suite('TLS to an upstream', () => {
  test('with an authority of the configuration, HTTP/1.1 agreed on', async () => {
    const { status, body } = await ask(server, { tls: { ca: authority.cert } });
    assert.deepEqual([status, body], [200, 'false undefined http/1.1']);
  });

  test('with a server name for SNI and verification', async () => {
    const { status, body } = await ask(server, { tls: { ca: authority.cert, serverName: 'api.internal' } });
    assert.deepEqual([status, body], [200, 'api.internal undefined http/1.1']);
  });

  test('with a client certificate', async () => {
    const { status, body } = await ask(
      { ...server, requestCert: true, rejectUnauthorized: true, ca: authority.cert },
      { tls: { ca: authority.cert, cert: client.cert, key: client.key } },
    );
    assert.deepEqual([status, body], [200, 'false gateway http/1.1']);
  });

  const REFUSED: [title: string, settings: () => Readonly<Record<string, unknown>>][] = [
    ['an authority that nobody trusts', () => ({})],
    ['another authority than the configured one', () => ({ tls: { ca: other.cert } })],
    [
      'a name that the certificate is not for',
      () => ({ tls: { ca: authority.cert, serverName: 'api.example' } }),
    ],
  ];
  for (const [title, settings] of REFUSED) {
    test(`refuses ${title}: 502, and no request is sent`, async () => {
      const { status, body, upstream } = await ask(server, settings());
      assert.deepEqual([status, (JSON.parse(body) as { code: unknown }).code], [502, 'upstream_refused']);
      assert.ok(upstream.connections.every((connection) => connection.received.length === 0));
    });
  }

  test('accepts any certificate where the configuration says so', async () => {
    assert.equal((await ask(server, { tls: { verify: false } })).status, 200);
  });

  test('to an upstream that speaks no TLS: 502', async () => {
    await using upstream = await ScriptedUpstream.start(async (connection) => {
      await connection.until(() => connection.received.length > 0, 'a greeting');
      await connection.send('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await using gateway = await startGatewayBefore(`https://127.0.0.1:${upstream.port}`);
    using peer = await RawClient.connect({ port: gateway.port });
    await peer.send(get());
    assert.equal((await peer.answer()).status, 502);
  });

  test('to an upstream that does not finish the handshake: 504', async () => {
    await using upstream = await ScriptedUpstream.start(() => {});
    await using gateway = await startGatewayBefore(
      `https://127.0.0.1:${upstream.port}`,
      {},
      { timeouts: { connect: '200ms' } },
    );
    using peer = await RawClient.connect({ port: gateway.port });
    await peer.send(get());
    assert.equal((await peer.answer()).status, 504);
  });
});

suite('TLS from clients', () => {
  test('is served, with the scheme told to the upstream', async () => {
    const pair = await authority.issue('front', ['a.example']);
    await using upstream = await ScriptedUpstream.start(async (connection) => {
      assert.match(await connection.head(), /\r\nX-Forwarded-Proto: https(\r\n|$)/);
      await connection.send(answer(200, 'hello'));
    });
    await using gateway = await startGatewayBefore(
      upstream.url,
      { protocol: 'https', tls: { certificates: ['front'] } },
      {},
      { front: pair },
    );
    using peer = await RawClient.connect({
      port: gateway.port,
      tls: { ca: authority.cert, servername: 'a.example' },
    });
    await peer.send(get());
    assert.equal((await peer.answer()).body.toString(), 'hello');
  });
});
