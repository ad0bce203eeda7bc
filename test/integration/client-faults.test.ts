import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { get, HOST, post } from '../conformance/case.ts';
import type { Answer } from '../support/answers.ts';
import { turns } from '../support/changes.ts';
import { startGatewayBefore } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { answer, type Script, ScriptedUpstream } from '../support/scripted-upstream.ts';

const SHORT = '200ms';

interface Scene {
  readonly client: RawClient;
  readonly upstream: ScriptedUpstream;
  readonly port: number;
}

async function play(
  script: Script,
  act: (scene: Scene) => Promise<void>,
  listener: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await using upstream = await ScriptedUpstream.start(script);
  await using gateway = await startGatewayBefore(upstream.url, listener);
  using client = await RawClient.connect({ port: gateway.port });
  await act({ client, upstream, port: gateway.port });
}

const neverAnswers: Script = async (connection) => {
  await connection.head();
  await connection.untilEnded();
};

const echoLength: Script = async (connection) => {
  while (!connection.gone) {
    const head = await connection.head();
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    await connection.octets(length);
    await connection.send(answer(200, `read ${length}`));
  }
};

function code(refusal: Answer): unknown {
  return (JSON.parse(refusal.body.toString()) as { code: unknown }).code;
}

suite('a client that is slow', () => {
  test('sends nothing: the connection is closed without an answer', async () => {
    await play(
      () => {},
      async ({ client }) => {
        await client.untilEnded();
        assert.equal(client.received.length, 0);
      },
      { timeouts: { head: SHORT, keepAlive: SHORT } },
    );
  });

  test('does not finish the head: 408, and the upstream hears nothing', async () => {
    await play(
      () => {},
      async ({ client, upstream }) => {
        await client.send(`GET /page HTTP/1.1\r\n${HOST}\r\nX:`);
        const [late, ...rest] = await client.answersUntilEnded();
        assert.deepEqual(
          [late?.status, late && code(late), late?.get('connection'), rest.length],
          [408, 'request_timeout', 'close', 0],
        );
        assert.equal(upstream.connections.length, 0);
      },
      { timeouts: { head: SHORT } },
    );
  });

  test('sends the head octet by octet for longer than is allowed: 408', async () => {
    await play(
      () => {},
      async ({ client }) => {
        await client.send('GET /page HTTP/1.1\r\n');
        while (!client.ended) {
          await client.send('X: y\r\n');
          await turns(20);
        }
        assert.equal((await client.answer()).status, 408);
      },
      { timeouts: { head: SHORT }, limits: { head: '100mb', fields: 10_000 } },
    );
  });

  test('stalls within the body: 408, and the upstream request is given up', async () => {
    await play(
      neverAnswers,
      async ({ client, upstream }) => {
        await client.send(post(['Content-Length: 10'], 'hello'));
        const [late] = await client.answersUntilEnded();
        assert.deepEqual([late?.status, late && code(late)], [408, 'request_timeout']);
        await (await upstream.connection(0)).untilEnded();
      },
      { timeouts: { bodyIdle: SHORT } },
    );
  });

  test('stays silent after an answer: the connection is closed without another one', async () => {
    await play(
      echoLength,
      async ({ client }) => {
        await client.send(get());
        assert.equal((await client.answer()).status, 200);
        await client.untilEnded();
        assert.equal(client.rest.length, 0);
      },
      { timeouts: { keepAlive: SHORT } },
    );
  });

  test('takes longer than a whole request may: 504 where the upstream is waited for', async () => {
    await play(
      neverAnswers,
      async ({ client }) => {
        await client.send(get());
        const [late] = await client.answersUntilEnded();
        assert.equal(late?.status, 504);
      },
      { timeouts: { request: SHORT } },
    );
  });

  test('does not read its answer: the connection is cut and the upstream request given up', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
        const piece = Buffer.alloc(1 << 20);
        while (!connection.gone) await Promise.race([connection.send(piece), connection.untilEnded()]);
      },
      async ({ client, upstream }) => {
        client.socket.pause();
        await client.send(get());
        await (await upstream.connection(0)).untilEnded();
        client.socket.resume();
        await client.untilEnded();
      },
      { timeouts: { write: SHORT } },
    );
  });
});

suite('a client that leaves', () => {
  for (const how of ['reset', 'close'] as const) {
    test(`while the upstream is thinking (${how}): the upstream request is cancelled`, async () => {
      await play(
        neverAnswers,
        async ({ client, upstream }) => {
          await client.send(get());
          const connection = await upstream.connection(0);
          await connection.untilReceived('\r\n\r\n');
          client[how]();
          await connection.untilEnded();
        },
        { timeouts: { halfClose: '0s' } },
      );
    });

    test(`within its body (${how}): the upstream request is cancelled`, async () => {
      await play(neverAnswers, async ({ client, upstream }) => {
        await client.send(post(['Content-Length: 10'], 'hello'));
        const connection = await upstream.connection(0);
        await connection.untilReceived('hello');
        client[how]();
        await connection.untilEnded();
        assert.ok(!connection.text.includes('hellohello'));
      });
    });

    test(`within its answer (${how}): the upstream request is cancelled`, async () => {
      await play(
        async (connection) => {
          await connection.head();
          await connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
          await connection.untilEnded();
        },
        async ({ client, upstream }) => {
          await client.send(get());
          await client.until(() => client.received.includes('hello'), 'the first octets');
          client[how]();
          await (await upstream.connection(0)).untilEnded();
        },
        { timeouts: { halfClose: '0s' } },
      );
    });
  }

  test('by closing its sending side alone: it still gets its answer', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await turns(4);
        await connection.send(answer(200, 'late'));
      },
      async ({ client }) => {
        await client.send(get());
        client.halfClose();
        const answers = await client.answersUntilEnded();
        assert.deepEqual(
          answers.map(({ body }) => body.toString()),
          ['late'],
        );
      },
    );
  });

  test('by closing its sending side behind several requests: each is answered', async () => {
    await play(echoLength, async ({ client }) => {
      await client.send(get() + get() + get());
      client.halfClose();
      assert.deepEqual(
        (await client.answersUntilEnded()).map(({ status }) => status),
        [200, 200, 200],
      );
    });
  });

  test('by closing its sending side and waiting longer than is allowed: the upstream request is cancelled', async () => {
    await play(
      neverAnswers,
      async ({ client, upstream }) => {
        await client.send(get());
        client.halfClose();
        await (await upstream.connection(0)).untilEnded();
      },
      { timeouts: { halfClose: SHORT } },
    );
  });

  test('before it was accepted, by a reset: nobody could be told from it, so nothing of it is read', async () => {
    await using upstream = await ScriptedUpstream.start(echoLength);
    await using gateway = await startGatewayBefore(upstream.url);
    // While this thread waits for the process, nothing is accepted.
    const leave = `const socket = require('net').connect(${gateway.port}, '127.0.0.1', () => {
      socket.write(${JSON.stringify(get())});
      socket.resetAndDestroy();
    });`;
    assert.equal(spawnSync(process.execPath, ['-e', leave], { timeout: 10_000 }).status, 0);

    using next = await RawClient.connect({ port: gateway.port });
    await next.send(get([], '/next'));
    assert.equal((await next.answer()).status, 200);
    assert.deepEqual(
      upstream.connections.map(({ text }) => text.slice(0, 9)),
      ['GET /next'],
    );
    await gateway.close();
    assert.equal(gateway.accessLog().length, 1);
  });

  test('within its head: nothing happens', async () => {
    await play(echoLength, async ({ client, upstream }) => {
      await client.send('GET /page HTT');
      client.halfClose();
      await client.untilEnded();
      assert.equal(upstream.connections.length, 0);
    });
  });
});

suite('a client that sends more than is read', () => {
  test('a body that the gateway refuses unread, small enough to skip: the connection goes on', async () => {
    await play(
      echoLength,
      async ({ client }) => {
        await client.send(post(['Content-Length: 2000'], 'x'.repeat(2000)) + get());
        const refused = await client.answer();
        assert.equal(refused.status, 413);
        assert.equal((await client.answer()).status, 200);
      },
      { limits: { body: '1kb' } },
    );
  });

  test('a body that the gateway refuses unread, too large to skip: the answer arrives whole before the close', async () => {
    await play(
      echoLength,
      async ({ client }) => {
        void client.send(post(['Content-Length: 50000000'], 'x'.repeat(5_000_000)));
        const [refused, ...rest] = await client.answersUntilEnded();
        assert.deepEqual(
          [refused?.status, refused && code(refused), rest.length],
          [413, 'body_too_large', 0],
        );
      },
      { limits: { body: '1kb' } },
    );
  });
});
