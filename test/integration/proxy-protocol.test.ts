import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { get, HOST, request } from '../conformance/case.ts';
import { TestAuthority } from '../support/certificates.ts';
import { startGatewayBefore } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';

const V1 = 'PROXY TCP4 203.0.113.9 198.51.100.2 56324 443\r\n';
const V2 = Buffer.from('0d0a0d0a000d0a515549540a2111000ccb007109c6336402dc0401bb', 'hex').toString('latin1');
const CLOSING = get(['Connection: close']);

/** What the upstream was told of the client after these octets, or undefined when it was not asked. */
async function forwardedFor(
  octets: string,
  cuts: readonly number[],
  forwarding: Readonly<Record<string, unknown>> = {},
): Promise<string | undefined> {
  await using upstream = await RecordingUpstream.start();
  await using gateway = await startGatewayBefore(upstream.url, { proxyProtocol: true, forwarding });
  using client = await RawClient.connect({ port: gateway.port });
  await client.sendSplit(octets, cuts);
  await client.untilEnded();
  assert.ok(upstream.requests.length <= 1);
  return upstream.requests[0]?.fields.find(([name]) => name === 'x-forwarded-for')?.[1];
}

suite('a listener with PROXY protocol', () => {
  for (const [title, header, address] of [
    ['version 1', V1, '203.0.113.9'],
    ['version 2', V2, '203.0.113.9'],
    ['version 1, UNKNOWN', 'PROXY UNKNOWN\r\n', '127.0.0.1'],
  ] as const) {
    test(`takes the client’s address from it: ${title}`, async () => {
      const octets = header + CLOSING;
      assert.equal(await forwardedFor(octets, []), address);
      assert.equal(
        await forwardedFor(
          octets,
          Array.from({ length: octets.length }, (_, i) => i),
        ),
        address,
      );
    });
  }

  test('once per connection, for all its requests', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(upstream.url, { proxyProtocol: true });
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(V1 + get() + CLOSING);
    assert.equal((await client.answersUntilEnded()).length, 2);
    assert.deepEqual(
      upstream.requests.map(({ fields }) => fields.find(([name]) => name === 'x-forwarded-for')?.[1]),
      ['203.0.113.9', '203.0.113.9'],
    );
  });

  test('a second header is no request', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(upstream.url, { proxyProtocol: true });
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(V1 + V1 + CLOSING);
    assert.deepEqual(
      (await client.answersUntilEnded()).map(({ status }) => status),
      [400],
    );
    assert.equal(upstream.heads, 0);
  });

  for (const [title, octets] of [
    ['no header', CLOSING],
    ['a malformed header', `PROXY TCP4 203.0.113.9 198.51.100.2 56324\r\n${CLOSING}`],
    ['a header of another version', V2.replace('\x21', '\x31') + CLOSING],
  ] as const) {
    test(`closes without an answer on ${title}`, async () => {
      assert.equal(await forwardedFor(octets, []), undefined);
    });
  }

  test('believes only the proxies that are trusted, where some are named', async () => {
    assert.equal(await forwardedFor(V1 + CLOSING, [], { trust: ['127.0.0.1'] }), '203.0.113.9');
    assert.equal(await forwardedFor(V1 + CLOSING, [], { trust: ['192.0.2.1'] }), undefined);
  });

  test('a client behind the proxy cannot say that it is another one', async () => {
    const spoofing = request(['GET / HTTP/1.1', HOST, 'X-Forwarded-For: 10.0.0.1', 'Connection: close']);
    assert.equal(await forwardedFor(V1 + spoofing, [], { trust: ['127.0.0.1'] }), '203.0.113.9');
  });

  test('waits no longer for the header than for a head', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(upstream.url, {
      proxyProtocol: true,
      timeouts: { head: '200ms' },
    });
    using client = await RawClient.connect({ port: gateway.port });
    await client.send('PROXY ');
    await client.untilEnded();
    assert.equal(client.received.length, 0);
  });

  test('before TLS', async () => {
    const authority = await TestAuthority.make();
    const pair = await authority.issue('front', ['a.example']);
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(
      upstream.url,
      { proxyProtocol: true, protocol: 'https', tls: { certificates: ['front'] } },
      {},
      { front: pair },
    );
    using plain = await RawClient.connect({ port: gateway.port });
    await plain.send(V2);
    using client = await plain.secure({ ca: authority.cert, servername: 'a.example' });
    await client.send(CLOSING);
    assert.deepEqual(
      (await client.answersUntilEnded()).map(({ status }) => status),
      [200],
    );
    assert.equal(
      upstream.requests[0]?.fields.find(([name]) => name === 'x-forwarded-for')?.[1],
      '203.0.113.9',
    );
  });
});
