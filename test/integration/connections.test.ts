import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { get } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import { startGatewayBefore } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const CONNECTIONS = 10_000;

suite('many connections', () => {
  test('10,000 at once: each is answered, and again after all have been idle', {
    timeout: 120_000,
  }, async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(upstream.url, { timeouts: { keepAlive: '5m' } });
    const clients = fork(new URL('../support/many-clients.ts', import.meta.url), [
      String(gateway.port),
      String(CONNECTIONS),
    ]);
    const exited = once(clients, 'exit');
    try {
      assert.deepEqual(await told(clients), { opened: CONNECTIONS });
      for (let i = 0; i < 2; i++) {
        clients.send('ask');
        assert.deepEqual(await told(clients), { answered: CONNECTIONS });
        assert.equal(gateway.dataPlane.stats().connections, CONNECTIONS);
      }
      assert.equal(upstream.heads, 2 * CONNECTIONS);
      clients.send('close');
      assert.deepEqual(await exited, [0, null]);
    } finally {
      clients.kill('SIGKILL');
    }
    // Their ends arrive before this process is asked anything new.
    while (gateway.dataPlane.stats().connections > 0) await turns();
  });
});

/** The next message of the process; fails when it ends instead. */
async function told(clients: ReturnType<typeof fork>): Promise<unknown> {
  const gone = new AbortController();
  clients.once('exit', () => gone.abort());
  const [message] = (await once(clients, 'message', { signal: gone.signal })) as [unknown];
  return message;
}

suite('limits of connections', () => {
  test('in all: one more is told 503 and closed, and let in when another one left', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(upstream.url, { limits: { connections: 2 } });
    using first = await RawClient.connect({ port: gateway.port });
    using second = await RawClient.connect({ port: gateway.port });
    for (const client of [first, second]) {
      await client.send(get());
      assert.equal((await client.answer()).status, 200);
    }
    using third = await RawClient.connect({ port: gateway.port });
    const [refused] = await third.answersUntilEnded();
    assert.deepEqual(
      [refused?.status, (JSON.parse(String(refused?.body)) as { code: unknown }).code],
      [503, 'too_many_connections'],
    );
    first.close();
    while (gateway.dataPlane.stats().connections > 1) await turns();
    using fourth = await RawClient.connect({ port: gateway.port });
    await fourth.send(get());
    assert.equal((await fourth.answer()).status, 200);
  });

  test('of one address: others are let in', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(upstream.url, { limits: { connectionsPerAddress: 1 } });
    using first = await RawClient.connect({ port: gateway.port, from: '127.0.0.2' });
    await first.send(get());
    assert.equal((await first.answer()).status, 200);
    using same = await RawClient.connect({ port: gateway.port, from: '127.0.0.2' });
    assert.deepEqual(
      (await same.answersUntilEnded()).map(({ status }) => status),
      [503],
    );
    using other = await RawClient.connect({ port: gateway.port, from: '127.0.0.3' });
    await other.send(get());
    assert.equal((await other.answer()).status, 200);
  });
});

suite('limits of connections to an upstream', () => {
  test('requests beyond them wait their turn; beyond that they are told 503', async () => {
    const release = Promise.withResolvers<void>();
    await using upstream = await ScriptedUpstream.start(async (connection) => {
      for (;;) {
        await connection.head();
        await release.promise;
        await connection.send(answer(200, `on ${connection.index}`));
      }
    });
    await using gateway = await startGatewayBefore(upstream.url, {}, { connections: { max: 1, pending: 1 } });
    const clients: RawClient[] = [];
    for (let i = 0; i < 3; i++) {
      const client = await RawClient.connect({ port: gateway.port });
      clients.push(client);
      await client.send(get());
      await turns(4);
    }
    const [first, second, third] = clients as [RawClient, RawClient, RawClient];
    const refused = await third.answer();
    assert.deepEqual(
      [refused.status, (JSON.parse(refused.body.toString()) as { code: unknown }).code],
      [503, 'overloaded'],
    );
    release.resolve();
    assert.equal((await first.answer()).body.toString(), 'on 0');
    assert.equal((await second.answer()).body.toString(), 'on 0');
    for (const client of clients) client.close();
  });

  test('a request that waits and whose client leaves is forgotten', async () => {
    const release = Promise.withResolvers<void>();
    await using upstream = await ScriptedUpstream.start(async (connection) => {
      for (;;) {
        const head = await connection.head();
        assert.doesNotMatch(head, /\/gone/);
        await release.promise;
        await connection.send(answer(200, 'hello'));
      }
    });
    await using gateway = await startGatewayBefore(upstream.url, {}, { connections: { max: 1, pending: 2 } });
    using first = await RawClient.connect({ port: gateway.port });
    await first.send(get());
    await (await upstream.connection(0)).untilReceived('/page');
    using leaver = await RawClient.connect({ port: gateway.port });
    await leaver.send(get([], '/gone'));
    await turns(4);
    leaver.reset();
    while (gateway.dataPlane.stats().connections > 1) await turns();
    using last = await RawClient.connect({ port: gateway.port });
    await last.send(get([], '/last'));
    await turns(4);
    release.resolve();
    assert.equal((await first.answer()).status, 200);
    assert.equal((await last.answer()).status, 200);
  });
});
