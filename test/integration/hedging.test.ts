import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PAUSE_STEP_MS } from '../../src/upstream/retry/policy.ts';
import { get, HOST, post, request } from '../conformance/case.ts';
import { AT_ONCE, afterRequest, answering, ask, playRetries, sentTo } from '../support/retry-play.ts';
import { answer, type Script } from '../support/scripted-upstream.ts';

const HEDGE = { hedge: { after: '100ms' } };
const AFTER = 100 + PAUSE_STEP_MS;

const silent: Script = async (connection) => {
  await connection.head();
};

/** Answers when the promise is resolved. */
const answeringWhen = (told: Promise<void>, status: number, body: string): Script =>
  afterRequest('', async (connection) => {
    await told;
    await connection.send(answer(status, body));
  });

suite('a second attempt goes out when the first one is slow', () => {
  test('and its answer is used when it comes first: the first attempt is cancelled', async () => {
    await playRetries({ scripts: [silent, answering(200, 'b')], service: HEDGE }, async (play) => {
      const { client, upstreams, clock, gateway } = play;
      await client.send(get());
      await (await upstreams[0]?.connection(0))?.untilReceived('\r\n\r\n');
      clock.move(100);
      assert.equal(upstreams[1]?.connections.length, 0);
      clock.move(PAUSE_STEP_MS);
      const { status, body } = await client.answer();
      assert.deepEqual([status, body.toString()], [200, 'b']);
      await (await upstreams[0]?.connection(0))?.untilEnded();
      assert.equal(sentTo(upstreams[0]), sentTo(upstreams[1]));
      await gateway.close();
      assert.deepEqual(gateway.accessLog(), [
        { status: 200, target: `127.0.0.1:${upstreams[1]?.port}`, attempts: 2 },
      ]);
    });
  });

  test('and is cancelled when the first one has its answer after all', async () => {
    const told = Promise.withResolvers<void>();
    const scripts = [answeringWhen(told.promise, 200, 'a'), silent];
    await playRetries({ scripts, service: HEDGE }, async ({ client, upstreams, clock, gateway }) => {
      await client.send(get());
      await (await upstreams[0]?.connection(0))?.untilReceived('\r\n\r\n');
      clock.move(AFTER);
      await (await upstreams[1]?.connection(0))?.untilReceived('\r\n\r\n');
      told.resolve();
      assert.equal((await client.answer()).body.toString(), 'a');
      await (await upstreams[1]?.connection(0))?.untilEnded();
      await gateway.close();
      assert.deepEqual(gateway.accessLog(), [
        { status: 200, target: `127.0.0.1:${upstreams[0]?.port}`, attempts: 2 },
      ]);
    });
  });

  test('and a failure of either leaves the other one going', async () => {
    for (const failing of [0, 1]) {
      const told = Promise.withResolvers<void>();
      const breaks: Script = async (connection) => {
        await connection.head();
        await told.promise;
        connection.reset();
      };
      const later = Promise.withResolvers<void>();
      const lasts = answeringWhen(later.promise, 200, 'the other');
      const scripts = failing === 0 ? [breaks, lasts] : [lasts, breaks];
      await playRetries({ scripts, service: HEDGE }, async ({ client, upstreams, clock }) => {
        await client.send(get());
        await (await upstreams[0]?.connection(0))?.untilReceived('\r\n\r\n');
        clock.move(AFTER);
        await (await upstreams[1]?.connection(0))?.untilReceived('\r\n\r\n');
        told.resolve();
        await (await upstreams[failing]?.connection(0))?.untilClosed();
        later.resolve();
        assert.equal((await client.answer()).body.toString(), 'the other');
      });
    }
  });

  test('and what would be tried again is not used while the other one may be better', async () => {
    const told = Promise.withResolvers<void>();
    const later = Promise.withResolvers<void>();
    const scripts = [answeringWhen(told.promise, 503, 'a'), answeringWhen(later.promise, 200, 'b')];
    const service = { ...HEDGE, retry: { on: [503], backOff: AT_ONCE } };
    await playRetries({ scripts, service }, async ({ client, upstreams, clock }) => {
      await client.send(get());
      await (await upstreams[0]?.connection(0))?.untilReceived('\r\n\r\n');
      clock.move(AFTER);
      await (await upstreams[1]?.connection(0))?.untilReceived('\r\n\r\n');
      told.resolve();
      later.resolve();
      assert.equal((await client.answer()).body.toString(), 'b');
    });
  });

  test('with the body, once that is whole', async () => {
    const service = { ...HEDGE };
    const scripts = [silent, afterRequest('hello', (c) => c.send(answer(200, 'b')))];
    await playRetries({ scripts, service }, async ({ client, upstreams, clock }) => {
      await client.send(request(['PUT /page HTTP/1.1', HOST, 'Content-Length: 5'], 'hel'));
      await (await upstreams[0]?.connection(0))?.untilReceived('hel');
      clock.move(10 * AFTER);
      assert.equal(upstreams[1]?.connections.length, 0);
      await client.send('lo');
      await clock.untilAwaited();
      clock.move(AFTER);
      assert.equal((await client.answer()).body.toString(), 'b');
      assert.ok(sentTo(upstreams[1]).endsWith('\r\n\r\nhello'));
    });
  });
});

suite('no second attempt goes out', () => {
  const table: [title: string, bytes: string][] = [
    ['for a request that may do something twice', post(['Content-Length: 0'])],
    ['for one that wants to switch protocols', get(['Connection: upgrade', 'Upgrade: echo'])],
    [
      'for a body that is longer than is kept',
      request(['PUT / HTTP/1.1', HOST, 'Content-Length: 6'], 'abcdef'),
    ],
  ];
  for (const [title, bytes] of table) {
    test(title, async () => {
      const told = Promise.withResolvers<void>();
      const end = bytes.endsWith('abcdef') ? 'abcdef' : '';
      const slow = afterRequest(end, async (connection) => {
        await told.promise;
        await connection.send(answer(200));
      });
      const service = { ...HEDGE, retry: { bodyLimit: '5b' } };
      await playRetries({ scripts: [slow, silent], service }, async ({ client, upstreams, clock }) => {
        await client.send(bytes);
        await (await upstreams[0]?.connection(0))?.untilReceived(`\r\n\r\n${end}`);
        clock.move(10 * AFTER);
        told.resolve();
        assert.equal((await client.answer()).status, 200);
        assert.equal(upstreams[1]?.connections.length, 0);
      });
    });
  }

  test('when the budget does not allow it', async () => {
    const told = Promise.withResolvers<void>();
    const scripts = [answeringWhen(told.promise, 200, 'a'), silent];
    const budget = { tryTake: () => false, giveBack: () => assert.fail('nothing was taken') };
    await playRetries({ scripts, service: HEDGE, retries: { budget } }, async (play) => {
      const { client, upstreams, clock } = play;
      await client.send(get());
      await (await upstreams[0]?.connection(0))?.untilReceived('\r\n\r\n');
      clock.move(AFTER);
      told.resolve();
      assert.equal((await client.answer()).body.toString(), 'a');
      assert.equal(upstreams[1]?.connections.length, 0);
    });
  });

  test('after an answer: nothing waits any more', async () => {
    await playRetries({ scripts: [answering(200, 'a'), silent], service: HEDGE }, async (play) => {
      const { client, upstreams, clock } = play;
      await ask(client);
      await clock.untilNothingAwaited();
      clock.move(AFTER);
      assert.equal(upstreams[1]?.connections.length, 0);
    });
  });
});

test('a client that leaves cancels both attempts, and the budget is given back', async () => {
  let taken = 0;
  const budget = { tryTake: () => ++taken > 0, giveBack: () => void taken-- };
  const stage = { scripts: [silent, silent], service: HEDGE, retries: { budget } };
  await playRetries(stage, async ({ client, upstreams, clock }) => {
    await client.send(get());
    await (await upstreams[0]?.connection(0))?.untilReceived('\r\n\r\n');
    clock.move(AFTER);
    await (await upstreams[1]?.connection(0))?.untilReceived('\r\n\r\n');
    assert.equal(taken, 1);
    client.close();
    for (const upstream of upstreams) await (await upstream.connection(0)).untilEnded();
    assert.equal(taken, 0);
  });
});
