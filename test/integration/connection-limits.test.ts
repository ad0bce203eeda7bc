import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { get } from '../conformance/case.ts';
import { TestAuthority } from '../support/certificates.ts';
import { startGatewayBefore, type TestGateway } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';

suite('a limit of connections', () => {
  async function withLimits(
    limits: Readonly<Record<string, number>>,
    act: (connect: (from?: string) => Promise<RawClient>, gateway: TestGateway) => Promise<void>,
  ): Promise<void> {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(upstream.url, { limits });
    const clients: RawClient[] = [];
    try {
      await act(async (from = '127.0.0.1') => {
        const client = await RawClient.connect({ port: gateway.port, from });
        clients.push(client);
        return client;
      }, gateway);
    } finally {
      for (const client of clients) client.close();
    }
  }

  async function assertServed(client: RawClient): Promise<void> {
    await client.send(get());
    assert.equal((await client.answer()).status, 200);
  }

  async function assertRefused(client: RawClient): Promise<void> {
    const refused = await client.answer();
    assert.deepEqual(
      [refused.status, refused.get('connection'), refused.get('retry-after')],
      [503, 'close', '1'],
    );
    assert.equal(refused.get('content-type'), 'application/problem+json');
    assert.equal((JSON.parse(refused.body.toString()) as { code: unknown }).code, 'too_many_connections');
    await client.untilEnded();
  }

  test('of the listener: one more is answered 503 and closed, the others go on', async () => {
    await withLimits({ connections: 2 }, async (connect) => {
      const [one, two] = [await connect(), await connect('127.0.0.2')];
      await assertServed(one);
      await assertServed(two);
      await assertRefused(await connect('127.0.0.3'));
      await assertServed(one);
      await assertServed(two);
    });
  });

  test('of an address: others are not refused for it', async () => {
    await withLimits({ connectionsPerAddress: 1 }, async (connect) => {
      const one = await connect();
      await assertServed(one);
      await assertRefused(await connect());
      await assertServed(await connect('127.0.0.2'));
      await assertServed(one);
    });
  });

  test('is free again when a connection has gone, in whatever way', async () => {
    await withLimits({ connections: 1 }, async (connect, { dataPlane }) => {
      for (const leave of [
        (client: RawClient) => client.close(),
        (client: RawClient) => client.reset(),
        (client: RawClient) => client.halfClose(),
      ]) {
        const client = await connect();
        await assertServed(client);
        leave(client);
        while (dataPlane.stats().connections > 0) await new Promise(setImmediate);
      }
      await assertServed(await connect());
    });
  });

  test('also for a connection that never said anything', async () => {
    await withLimits({ connections: 1 }, async (connect, { dataPlane }) => {
      const silent = await connect();
      while (dataPlane.stats().connections === 0) await new Promise(setImmediate);
      await assertRefused(await connect());
      silent.close();
      while (dataPlane.stats().connections > 0) await new Promise(setImmediate);
      await assertServed(await connect());
    });
  });

  test('by TLS closes without a handshake, and counts handshakes that are not done', async () => {
    const authority = await TestAuthority.make();
    const pair = await authority.issue('front', ['a.example']);
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(
      upstream.url,
      { protocol: 'https', tls: { certificates: ['front'] }, limits: { connections: 1 } },
      {},
      { front: pair },
    );
    const tls = { ca: authority.cert, servername: 'a.example' };
    using silent = await RawClient.connect({ port: gateway.port });
    await silent.send('\x16');
    await assert.rejects(RawClient.connect({ port: gateway.port, tls }), { code: 'ECONNRESET' });
    silent.reset();
    let served: RawClient | undefined;
    // The gateway learns of the reset in its own time: until then it refuses.
    while (served === undefined)
      served = await RawClient.connect({ port: gateway.port, tls }).catch(() => undefined);
    await assertServed(served);
    served.close();
  });
});
