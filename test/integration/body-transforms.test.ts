import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { PolicyUse } from '../../src/policies/use.ts';
import type { BodyTransform } from '../../src/policy/contract.ts';
import { get, HOST, post, request } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import { hooked } from '../support/hooked-policy.ts';
import { playWithPolicies as play, startWithPolicies as startWith } from '../support/policy-play.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';
import { answer, type Script } from '../support/scripted-upstream.ts';

const EMPTY = Buffer.alloc(0);

/** Every piece in brackets, and an end. */
const bracketing = (): BodyTransform => ({
  chunk: (data) => Buffer.from(`[${data.toString('latin1')}]`, 'latin1'),
  end: () => Buffer.from('.'),
});
/** Every octet twice. */
const doubling = (): BodyTransform => ({ chunk: (data) => Buffer.concat([data, data]) });
const swallowing = (): BodyTransform => ({ chunk: () => EMPTY });
/** Nothing until all is there. */
function gathering(): BodyTransform {
  const pieces: Buffer[] = [];
  return {
    chunk(data) {
      pieces.push(data);
      return EMPTY;
    },
    end: () => Buffer.from(Buffer.concat(pieces).toString('latin1').toUpperCase(), 'latin1'),
  };
}

const ofRequest = (make: () => BodyTransform | undefined): PolicyUse =>
  hooked('changing', { transformRequestBody: make });
const ofAnswer = (make: () => BodyTransform | undefined): PolicyUse =>
  hooked('changing', { transformResponseBody: make });

suite('a transform of the request’s body', () => {
  /** What the upstream received for these octets of a client. */
  async function received(policies: readonly PolicyUse[], octets: string, cuts: readonly number[] = []) {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startWith(upstream.url, policies);
    using client = await RawClient.connect({ port: gateway.port });
    await client.sendSplit(octets, cuts);
    const status = (await client.answer()).status;
    assert.deepEqual([status, upstream.refusals], [200, []]);
    const [one] = upstream.requests;
    const field = (name: string) => one?.fields.find(([key]) => key === name)?.[1];
    return {
      body: one?.body.toString('latin1'),
      length: field('content-length'),
      coding: field('transfer-encoding'),
      trailers: one?.trailers,
    };
  }
  const chunkedText = post(['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n');
  const lengthText = post(['Content-Length: 5'], 'hello');

  test('of known length makes it chunked', async () => {
    assert.deepEqual(await received([ofRequest(bracketing)], lengthText), {
      body: '[hello].',
      length: undefined,
      coding: 'chunked',
      trailers: [],
    });
  });

  test('of a chunked body keeps its trailers', async () => {
    assert.deepEqual(await received([ofRequest(bracketing)], chunkedText), {
      body: '[hello].',
      length: undefined,
      coding: 'chunked',
      trailers: [['x-t', '1']],
    });
  });

  test('may leave nothing', async () => {
    for (const text of [lengthText, chunkedText])
      assert.equal((await received([ofRequest(swallowing)], text)).body, '');
  });

  test('may wait until all is there', async () => {
    const cuts = Array.from({ length: 6 }, (_, i) => lengthText.length - i).toReversed();
    assert.equal((await received([ofRequest(gathering)], lengthText, cuts)).body, 'HELLO');
  });

  test('is followed by those of later policies, ends included', async () => {
    assert.equal(
      (await received([ofRequest(bracketing), ofRequest(doubling)], lengthText)).body,
      '[hello][hello]..',
    );
    assert.equal(
      (await received([ofRequest(gathering), ofRequest(bracketing)], lengthText)).body,
      '[HELLO].',
    );
  });

  test('that is not wanted leaves length and octets alone', async () => {
    assert.deepEqual(await received([ofRequest(() => undefined)], lengthText), {
      body: 'hello',
      length: '5',
      coding: undefined,
      trailers: [],
    });
  });

  test('sees pieces that it may keep', async () => {
    const body = Array.from({ length: 100_000 }, (_, i) => String(i % 10)).join('');
    const text = post([`Content-Length: ${body.length}`], body);
    assert.equal((await received([ofRequest(gathering)], text)).body, body);
  });

  test('changes a large body without holding more than a piece', async () => {
    const body = 'abcdefgh'.repeat(100_000);
    const text = post([`Content-Length: ${body.length}`], body);
    assert.equal((await received([ofRequest(doubling)], text)).body?.length, 2 * body.length);
  });
});

suite('a transform of the answer’s body', () => {
  const hello: Script = async (connection) => {
    for (;;) {
      const head = await connection.head();
      if (head.includes(' /length ')) await connection.send(answer(200, 'hello', { ETag: '"1"' }));
      else if (head.includes(' /chunked '))
        await connection.send(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
        );
      else if (head.startsWith('HEAD '))
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
      else if (head.includes(' /empty ')) await connection.send(answer(200));
      else if (head.includes(' /204 ')) await connection.send('HTTP/1.1 204 No Content\r\n\r\n');
      else {
        await connection.send('HTTP/1.1 200 OK\r\n\r\nhello');
        connection.halfClose();
      }
    }
  };

  for (const [target, trailers] of [
    ['/length', []],
    ['/chunked', [['X-T', '1']]],
    ['/close', []],
  ] as const) {
    test(`makes an answer chunked: ${target}`, async () => {
      await play([ofAnswer(bracketing)], hello, async (client) => {
        await client.send(get([], target) + get([], target));
        for (let i = 0; i < 2; i++) {
          const got = await client.answer();
          assert.deepEqual([got.framing, got.body.toString()], ['chunked', '[hello].']);
          assert.equal(got.get('content-length'), undefined);
          assert.deepEqual(got.trailers, trailers);
        }
      });
    });

    test(`ends with the connection for an HTTP/1.0 client: ${target}`, async () => {
      await play([ofAnswer(bracketing)], hello, async (client) => {
        await client.send(request([`GET ${target} HTTP/1.0`, HOST, 'Connection: keep-alive']));
        const [got] = await client.answersUntilEnded();
        assert.deepEqual([got?.framing, got?.body.toString()], ['close', '[hello].']);
        assert.deepEqual([got?.get('connection'), got?.get('transfer-encoding')], ['close', undefined]);
        assert.equal(client.error, undefined);
      });
    });
  }

  test('may leave nothing, and wait until all is there', async () => {
    for (const [make, body] of [
      [swallowing, ''],
      [gathering, 'HELLO'],
    ] as const) {
      await play([ofAnswer(make)], hello, async (client) => {
        await client.send(get([], '/length') + get([], '/chunked'));
        assert.equal((await client.answer()).body.toString(), body);
        assert.equal((await client.answer()).body.toString(), body);
      });
    }
  });

  test('comes before those of earlier policies, as the answer’s hooks do', async () => {
    await play([ofAnswer(doubling), ofAnswer(bracketing)], hello, async (client) => {
      await client.send(get([], '/length'));
      assert.equal((await client.answer()).body.toString(), '[hello][hello]..');
    });
  });

  test('is not asked for where there is no body', async () => {
    await play([ofAnswer(bracketing)], hello, async (client) => {
      await client.send(request(['HEAD /length-of-head HTTP/1.1', HOST]) + get([], '/204'));
      const head = await client.answer('HEAD');
      assert.deepEqual([head.get('content-length'), head.get('transfer-encoding')], ['5', undefined]);
      assert.equal((await client.answer()).status, 204);
    });
  });

  test('of an empty body can still say something', async () => {
    await play([ofAnswer(bracketing)], hello, async (client) => {
      await client.send(get([], '/empty'));
      assert.equal((await client.answer()).body.toString(), '.');
    });
  });

  test('that is not wanted leaves length and octets alone', async () => {
    await play([ofAnswer(() => undefined)], hello, async (client) => {
      await client.send(get([], '/length'));
      const got = await client.answer();
      assert.deepEqual([got.framing, got.body.toString()], ['length', 'hello']);
    });
  });

  test('waits for a client that is slow, piece by piece', async () => {
    const size = 32 << 20;
    let taken = false;
    await play(
      [ofAnswer(doubling)],
      async (connection) => {
        await connection.head();
        await connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
        for (let sent = 0; sent < size; sent += 1 << 20) await connection.send(Buffer.alloc(1 << 20));
        taken = true;
      },
      async (client) => {
        client.socket.pause();
        await client.send(get());
        await turns(300);
        assert.equal(taken, false);
        let octets = 0;
        client.socket.removeAllListeners('data');
        const whole = new Promise<void>((resolve) => {
          client.socket.on('data', (data: Buffer) => {
            octets += data.length;
            if (octets > 2 * size) resolve();
          });
        });
        client.socket.resume();
        await whole;
      },
    );
  });
});
