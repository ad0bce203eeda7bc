import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DataPlaneConfig } from '../../src/server/config.ts';
import { get, HOST, post, request } from '../conformance/case.ts';
import { startGatewayWith } from '../support/gateway.ts';
import {
  configWith,
  play,
  readsBody,
  readsChunked,
  takesNothing,
  untilCopies,
} from '../support/mirror-play.ts';
import { fine } from '../support/policy-play.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';
import { answer, type Script, ScriptedUpstream } from '../support/scripted-upstream.ts';

describe('A copy is bounded', () => {
  const LARGE = Buffer.alloc(4 * 1024 * 1024, 'abcdefghij');
  const upload = post([`Content-Length: ${LARGE.length}`]);

  it('a large upload arrives whole at a mirror that takes it', async () => {
    await play(
      readsBody(LARGE.length),
      readsBody(LARGE.length),
      async ({ client, gateway, mirror }) => {
        await client.send(upload);
        await client.send(LARGE);
        assert.equal((await client.answer('POST')).body.toString(), 'fine');
        await untilCopies(gateway, { sent: 1 });
        const { received } = await mirror.connection(0);
        assert.ok(received.subarray(received.length - LARGE.length).equals(LARGE));
      },
      { mirror: { buffer: '16mb' } },
    );
  });

  it('a mirror that takes nothing of a large upload loses it, and the service has all of it', async () => {
    // More than the system keeps for a socket that is not read.
    const huge = Buffer.alloc(16 * 1024 * 1024, 'abcdefghij');
    await using original = await RecordingUpstream.start();
    await using mirror = await ScriptedUpstream.start(takesNothing);
    const config = configWith(original.url, mirror.url, { mirror: { buffer: '64kb' } });
    await using gateway = await startGatewayWith(config);
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(post([`Content-Length: ${huge.length}`]));
    await client.send(huge);
    assert.equal((await client.answer('POST')).body.toString(), 'request 1');
    assert.ok(original.requests[0]?.body.equals(huge));
    await untilCopies(gateway, { dropped: 1 });
    const copied = await mirror.connection(0);
    copied.socket.resume();
    await copied.untilEnded();
    assert.ok(copied.received.length < huge.length);
    assert.match(
      gateway.warnings.join(),
      /its body comes faster than it is taken: more than 65536 octets wait$/,
    );
  });

  it('copies beyond the limit are not made', async () => {
    const silent: Script = async (connection) => void (await connection.head());
    await play(
      fine,
      silent,
      async ({ client, gateway, mirror }) => {
        await client.send(get() + get() + get());
        for (let i = 0; i < 3; i++) assert.equal((await client.answer()).body.toString(), 'fine');
        await untilCopies(gateway, { dropped: 1 });
        await mirror.connection(1);
        // One that is answered makes room for the next.
        await (await mirror.connection(0)).untilReceived('\r\n\r\n');
        await (await mirror.connection(0)).send(answer(200));
        await untilCopies(gateway, { dropped: 1, sent: 1 });
        await client.send(get());
        await client.answer();
        await (await mirror.connection(0)).until(
          () => mirror.connections[0]?.text.match(/GET /g)?.length === 2,
          'it',
        );
        assert.deepEqual(gateway.warnings, [
          'a copy for the mirror shadow of route main was lost: 2 under way are as many as may be',
        ]);
      },
      { mirror: { concurrency: 2 } },
    );
  });

  it('a mirror without a free connection loses copies', async () => {
    const silent: Script = async (connection) => void (await connection.head());
    await play(
      fine,
      silent,
      async ({ client, gateway }) => {
        await client.send(get() + get());
        await client.answer();
        await client.answer();
        await untilCopies(gateway, { dropped: 1 });
      },
      { service: { connections: { max: 1, pending: 0 } } },
    );
  });

  it('the timeouts of the mirror’s service end a copy that is not answered', async () => {
    const silent: Script = async (connection) => void (await connection.head());
    await play(
      fine,
      silent,
      async ({ client, gateway, mirror }) => {
        await client.send(get());
        assert.equal((await client.answer()).body.toString(), 'fine');
        await (await mirror.connection(0)).untilEnded();
        await untilCopies(gateway, { failed: 1 });
        assert.match(gateway.warnings.join(), /127\.0\.0\.1:\d+: no answer within 50 ms$/);
      },
      { service: { timeouts: { firstByte: '50ms' } } },
    );
  });

  it('an answer without end is not read on', async () => {
    const endless: Script = async (connection) => {
      await connection.head();
      await connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
      while (!connection.closed && !connection.socket.destroyed) await connection.send(chunk);
    };
    await play(fine, endless, async ({ client, gateway, mirror }) => {
      await client.send(get());
      assert.equal((await client.answer()).body.toString(), 'fine');
      await mirror.until(() => mirror.connections[0]?.closed === true, 'the end of the copy');
      await untilCopies(gateway, { sent: 1 });
    });
  });

  it('a client that leaves within its body ends the copy', async () => {
    await play(readsBody(100), readsBody(100), async ({ client, gateway, mirror }) => {
      await client.send(post(['Content-Length: 100'], 'half'));
      await (await mirror.connection(0)).untilReceived('half');
      client.close();
      await (await mirror.connection(0)).untilEnded();
      await untilCopies(gateway, { dropped: 1 });
      assert.match(gateway.warnings.join(), /the original ended within its body$/);
    });
  });

  it('a body that is too large ends the copy with the original', async () => {
    const config = (url: string, shadow: string): DataPlaneConfig => {
      const plain = configWith(url, shadow);
      const main = plain.listeners['main'] as DataPlaneConfig['listeners'][string];
      return { ...plain, listeners: { main: { ...main, limits: { ...main.limits, body: 8 } } } };
    };
    await using original = await ScriptedUpstream.start(readsChunked);
    await using mirror = await ScriptedUpstream.start(readsChunked);
    await using gateway = await startGatewayWith(config(original.url, mirror.url));
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(request(['POST / HTTP/1.1', HOST, 'Transfer-Encoding: chunked'], '5\r\nhello\r\n'));
    await (await mirror.connection(0)).untilReceived('hello');
    await client.send('5\r\nworld\r\n0\r\n\r\n');
    assert.equal((await client.answer('POST')).status, 413);
    await (await mirror.connection(0)).untilEnded();
    await untilCopies(gateway, { dropped: 1 });
  });
});
