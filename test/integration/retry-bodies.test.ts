import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { get, HOST, request } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import { hooked } from '../support/hooked-policy.ts';
import {
  AT_ONCE,
  afterRequest,
  answering,
  ask,
  connectionsOf,
  got,
  playRetries,
  sentTo,
} from '../support/retry-play.ts';
import { answer, type Script } from '../support/scripted-upstream.ts';

const BODY = 'ten octets';

suite('an answer that is not used', () => {
  const RETRY = { retry: { on: [503], backOff: AT_ONCE } };

  test('is read to its end where that is near, and its connection used again', async () => {
    let answered = 0;
    const script: Script = async (connection) => {
      for (;;) {
        await connection.head();
        await connection.send(answer(answered++ === 0 ? 503 : 200, 'x'.repeat(20_000)));
      }
    };
    await playRetries({ scripts: [script, answering(200)], service: RETRY }, async (play) => {
      for (let i = 0; i < 4; i++) assert.equal((await ask(play.client)).status, 200);
      assert.deepEqual(connectionsOf(play), [1, 1]);
    });
  });

  test('is cut off where it is long', async () => {
    const endless: Script = async (connection) => {
      await connection.head();
      await connection.send('HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n');
      while (!connection.gone) await connection.send(`8000\r\n${'x'.repeat(0x8000)}\r\n`);
    };
    await playRetries({ scripts: [endless, answering(200)], service: RETRY }, async (play) => {
      assert.equal((await ask(play.client)).status, 200);
      await (await play.upstreams[0]?.connection(0))?.untilClosed();
    });
  });

  test('is cut off where it pauses', async () => {
    const pausing: Script = async (connection) => {
      await connection.head();
      await connection.send('HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nhello');
    };
    await playRetries({ scripts: [pausing, answering(200)], service: RETRY }, async (play) => {
      assert.equal((await ask(play.client)).status, 200);
      await (await play.upstreams[0]?.connection(0))?.untilEnded();
    });
  });

  test('tells the client nothing that the next one tells again', async () => {
    const hinting = (status: number): Script =>
      afterRequest('', async (connection) => {
        await connection.send('HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n');
        await connection.send(answer(status));
      });
    await playRetries({ scripts: [hinting(503), hinting(200)], service: RETRY }, async ({ client }) => {
      await client.send(get());
      assert.deepEqual([(await client.answer()).status, (await client.answer()).status], [103, 200]);
    });
  });
});

suite('a body that the client still sends', () => {
  const RETRY = { retry: { on: [503, 'reset'], backOff: { base: '100ms', max: '100ms' } } };
  const HEAD = request(['PUT /page HTTP/1.1', HOST, 'Content-Length: 10']);

  test('goes to the next attempt from its beginning, what came meanwhile included', async () => {
    const early: Script = async (connection) => {
      await connection.untilReceived('abc');
      await connection.send(answer(503, 'too early'));
    };
    await playRetries(
      { scripts: [early, afterRequest('abcdefghij', (c) => c.send(answer(200)))], service: RETRY },
      async (play) => {
        await play.client.send(`${HEAD}abc`);
        await play.clock.untilAwaited();
        await play.client.send('def');
        play.clock.move(100);
        await (await play.upstreams[1]?.connection(0))?.untilReceived('abcdef');
        await play.client.send('ghij');
        assert.equal((await got(play))[0], 200);
        assert.ok(sentTo(play.upstreams[1]).endsWith('\r\n\r\nabcdefghij'));
      },
    );
  });

  test('is not kept once it is too long: the answer at hand is passed on', async () => {
    const early: Script = async (connection) => {
      await connection.untilReceived('abcdef');
      await connection.send(answer(503, 'too early'));
    };
    const service = { retry: { ...RETRY.retry, bodyLimit: '5b' } };
    await playRetries({ scripts: [early, answering(200)], service }, async (play) => {
      await play.client.send(`${HEAD}abcdef`);
      assert.deepEqual(await got(play), [503, 'too early']);
    });
  });

  test('is not read between two attempts beyond what is at hand', async () => {
    const early: Script = async (connection) => {
      await connection.head();
      await connection.send(answer(503));
    };
    const length = 4 * 1024 * 1024;
    const service = { retry: { ...RETRY.retry, bodyLimit: '1mb' } };
    await playRetries({ scripts: [early, answering(200, 'b')], service }, async (play) => {
      const { client } = play;
      await client.send(request(['PUT /page HTTP/1.1', HOST, `Content-Length: ${length}`]));
      await play.clock.untilAwaited();
      const sent = client.send(Buffer.alloc(length));
      await turns(50);
      assert.ok(client.socket.writableLength > 0, 'the gateway reads no more');
      play.clock.move(100);
      assert.equal((await client.answer()).status, 200);
      client.close();
      await sent.catch(() => {});
    });
  });

  test('goes again as transforms left it, which see it once', async () => {
    let asked = 0;
    const shouting = {
      chunk: (data: Buffer) => Buffer.from(data.toString('latin1').toUpperCase(), 'latin1'),
      end: () => Buffer.from('!'),
    };
    const policies = [hooked('shouting', { transformRequestBody: () => (asked++, shouting) })];
    const service = { retry: { ...RETRY.retry, backOff: AT_ONCE } };
    const scripts = [503, 200].map((status) => afterRequest('0\r\n\r\n', (c) => c.send(answer(status))));
    await playRetries({ scripts, service, policies }, async (play) => {
      await play.client.send(`${HEAD}abcdefghij`);
      assert.equal((await got(play))[0], 200);
      const [first, second] = play.upstreams.map(sentTo);
      assert.ok(first?.endsWith('a\r\nABCDEFGHIJ\r\n1\r\n!\r\n0\r\n\r\n'), first);
      assert.ok(second?.endsWith('b\r\nABCDEFGHIJ!\r\n0\r\n\r\n'), second);
      assert.equal(asked, 1);
    });
  });

  test('goes again with its trailers', async () => {
    const service = { retry: { ...RETRY.retry, backOff: AT_ONCE } };
    const end = '0\r\nX-Sum: 9\r\n\r\n';
    const scripts = [503, 200].map((status) => afterRequest(end, (c) => c.send(answer(status))));
    await playRetries({ scripts, service }, async (play) => {
      const head = request(['PUT /page HTTP/1.1', HOST, 'Transfer-Encoding: chunked', 'Trailer: X-Sum']);
      await play.client.send(`${head}3\r\nabc\r\n${end}`);
      assert.equal((await got(play))[0], 200);
      const [first, second] = play.upstreams.map(sentTo);
      assert.equal(second, first);
    });
  });

  const EXPECTING = request(['PUT /page HTTP/1.1', HOST, 'Content-Length: 10', 'Expect: 100-continue']);

  test('and was not asked for is asked for by the attempt that wants it', async () => {
    const wanting: Script = async (connection) => {
      assert.match(await connection.head(), /\r\nExpect: 100-continue/);
      await connection.send('HTTP/1.1 100 Continue\r\n\r\n');
      await connection.octets(10);
      await connection.send(answer(200));
    };
    const service = { retry: { ...RETRY.retry, backOff: AT_ONCE } };
    await playRetries({ scripts: [answering(503), wanting], service }, async ({ client, upstreams }) => {
      await client.send(EXPECTING);
      assert.equal((await client.answer()).status, 100);
      await client.send(BODY);
      assert.equal((await client.answer()).status, 200);
      assert.match(sentTo(upstreams[0]), /\r\nExpect: 100-continue\r\n\r\n$/);
    });
  });

  test('and was asked for once is there for the next attempt, which does not ask', async () => {
    const asking: Script = async (connection) => {
      await connection.head();
      await connection.send('HTTP/1.1 100 Continue\r\n\r\n');
      await connection.octets(10);
      connection.reset();
    };
    const service = { retry: { ...RETRY.retry, backOff: AT_ONCE } };
    await playRetries(
      { scripts: [asking, afterRequest(BODY, (c) => c.send(answer(200)))], service },
      async ({ client, upstreams }) => {
        await client.send(EXPECTING);
        assert.equal((await client.answer()).status, 100);
        await client.send(BODY);
        assert.equal((await client.answer()).status, 200);
        assert.doesNotMatch(sentTo(upstreams[1]), /Expect/);
      },
    );
  });
});
