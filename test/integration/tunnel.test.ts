import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { get, HOST, request } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import { startGatewayBefore } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import {
  answer,
  type Script,
  ScriptedUpstream,
  type UpstreamConnection,
} from '../support/scripted-upstream.ts';

const UPGRADE = get([
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: eA==',
]);
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n';

async function play(
  script: Script,
  act: (client: RawClient, upstream: ScriptedUpstream) => Promise<void>,
  service: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await using upstream = await ScriptedUpstream.start(script);
  await using gateway = await startGatewayBefore(upstream.url, {}, service);
  using client = await RawClient.connect({ port: gateway.port });
  await act(client, upstream);
}

/** A tunnel that is open in both directions. */
async function open(
  act: (client: RawClient, far: UpstreamConnection) => Promise<void>,
  service: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await play(
    async (connection) => {
      await connection.head();
      await connection.send(SWITCH);
    },
    async (client, upstream) => {
      await client.send(UPGRADE);
      assert.equal((await client.answer()).status, 101);
      await act(client, await upstream.connection(0));
    },
    service,
  );
}

suite('an upgrade', () => {
  test('is offered to the upstream and its agreement passed on', async () => {
    await play(
      async (connection) => {
        const head = await connection.head();
        assert.match(head, /\r\nConnection: upgrade(\r\n|$)/i);
        assert.match(head, /\r\nUpgrade: websocket(\r\n|$)/);
        assert.match(head, /\r\nSec-WebSocket-Key: eA==(\r\n|$)/);
        await connection.send(SWITCH);
      },
      async (client) => {
        await client.send(UPGRADE);
        const agreed = await client.answer();
        assert.deepEqual(
          [
            agreed.status,
            agreed.get('upgrade'),
            agreed.get('connection')?.toLowerCase(),
            agreed.get('sec-websocket-accept'),
          ],
          [101, 'websocket', 'upgrade', 'x'],
        );
      },
    );
  });

  test('that the upstream does not want is an ordinary exchange', async () => {
    await play(
      async (connection) => {
        for (;;) {
          await connection.head();
          await connection.send(answer(426, 'no'));
        }
      },
      async (client, upstream) => {
        for (let i = 0; i < 2; i++) {
          await client.send(UPGRADE);
          assert.deepEqual([(await client.answer()).status], [426]);
        }
        assert.equal(upstream.connections.length, 1);
      },
    );
  });

  for (const [offered, agreed, status] of [
    ['websocket', 'WebSocket', 101],
    ['a/1, b', 'B', 101],
    ['a/1', 'a/1 ,', 101],
    ['websocket', 'h2c', 502],
    ['websocket', 'websocket, h2c', 502],
    ['a/1', 'a', 502],
    ['websocket', ',', 502],
    ['websocket', '', 502],
  ] as const) {
    test(`to ${JSON.stringify(offered)} that is answered with ${JSON.stringify(agreed)}: ${status}`, async () => {
      await play(
        async (connection) => {
          await connection.head();
          await connection.send(`HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: ${agreed}\r\n\r\n`);
        },
        async (client) => {
          await client.send(get(['Connection: upgrade', `Upgrade: ${offered}`]));
          assert.equal((await client.answer()).status, status);
        },
      );
    });
  }

  test('with a body is not offered: the request is an ordinary one', async () => {
    await play(
      async (connection) => {
        assert.doesNotMatch(await connection.head(), /upgrade/i);
        await connection.octets(5);
        await connection.send(answer(200, 'plain'));
      },
      async (client) => {
        await client.send(
          request(
            ['POST /page HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 5'],
            'hello',
          ),
        );
        assert.equal((await client.answer()).body.toString(), 'plain');
      },
    );
  });

  test('octets that come with the agreement, on either side, are not lost', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(`${SWITCH}from upstream`);
        await connection.untilReceived('from client');
      },
      async (client, upstream) => {
        await client.send(`${UPGRADE}from client`);
        await client.answer();
        assert.equal((await client.octets(13)).toString(), 'from upstream');
        await (await upstream.connection(0)).untilReceived('from client');
      },
    );
  });

  test('an agreement to something else than HTTP is not read as HTTP', async () => {
    await open(async (client, far) => {
      await client.send('GET /smuggled HTTP/1.1\r\nHost: b\0\r\n\r\n');
      await far.untilReceived('GET /smuggled HTTP/1.1\r\nHost: b\0\r\n\r\n');
      await far.send('HTTP/1.1 999 Odd\n\n');
      assert.equal((await client.octets(18)).toString(), 'HTTP/1.1 999 Odd\n\n');
    });
  });
});

suite('a tunnel', () => {
  test('carries every octet in both directions', async () => {
    await open(async (client, far) => {
      const octets = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      for (let i = 0; i < 3; i++) {
        await client.send(octets);
        assert.deepEqual(await far.octets(256), octets);
        await far.send(octets);
        assert.deepEqual(await client.octets(256), octets);
      }
    });
  });

  test('carries much at once in both directions', async () => {
    await open(async (client, far) => {
      const much = Buffer.alloc(3_000_000, 'x');
      void client.send(much);
      void far.send(much);
      await Promise.all([client.octets(much.length), far.octets(much.length)]);
    });
  });

  test('half-closed by the client: the upstream sees it and can still answer', async () => {
    await open(async (client, far) => {
      await client.send('last words');
      client.halfClose();
      await far.untilEnded();
      assert.ok(far.text.endsWith('last words'));
      await far.send('farewell');
      far.halfClose();
      await client.untilEnded();
      assert.equal(client.rest.toString(), 'farewell');
    });
  });

  test('half-closed by the client before the upstream has agreed to it: the upstream sees it all the same', async () => {
    const { promise: halfClosed, resolve } = Promise.withResolvers<void>();
    const script: Script = async (connection) => {
      await connection.head();
      await halfClosed;
      await connection.send(SWITCH);
    };
    await play(script, async (client, upstream) => {
      await client.send(`${UPGRADE}last words`);
      client.halfClose();
      await turns(5);
      resolve();
      assert.equal((await client.answer()).status, 101);
      const far = await upstream.connection(0);
      await far.untilEnded();
      assert.ok(far.text.endsWith('last words'));
      await far.send('farewell');
      far.halfClose();
      await client.untilEnded();
      assert.equal(client.rest.toString(), 'farewell');
    });
  });

  test('half-closed by the upstream: the client sees it and can still answer', async () => {
    await open(async (client, far) => {
      await far.send('last words');
      far.halfClose();
      await client.untilEnded();
      assert.equal(client.rest.toString(), 'last words');
      await client.sendAfterEnd('farewell');
      await far.untilReceived('farewell');
      client.halfClose();
      await far.untilEnded();
    });
  });

  for (const how of ['close', 'reset'] as const) {
    test(`broken off by the client (${how}): the upstream's side ends`, async () => {
      await open(async (client, far) => {
        client[how]();
        await far.untilEnded();
      });
    });

    test(`broken off by the upstream (${how}): the client's side ends`, async () => {
      await open(async (client, far) => {
        far[how]();
        await client.untilEnded();
      });
    });
  }

  test('silent for longer than is allowed is closed on both sides', async () => {
    await open(
      async (client, far) => {
        await Promise.all([client.untilEnded(), far.untilEnded()]);
      },
      { timeouts: { tunnelIdle: '200ms' } },
    );
  });
});
