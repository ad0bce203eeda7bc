import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { get } from '../conformance/case.ts';
import type { RawClient } from '../support/raw-client.ts';
import { Held, playServices, refusal, type ServicePlay, told } from '../support/service-play.ts';

/** A client whose request is at the service, or waits for a connection to it. */
async function asking({ connect }: ServicePlay): Promise<RawClient> {
  const client = await connect();
  await client.send(get());
  return client;
}

suite('limits.requests', () => {
  test('refuses what goes beyond: 503 overloaded, and takes the next one when one is over', async () => {
    const held = new Held('a');
    const main = { scripts: [held.script], limits: { requests: 2 } };
    await playServices({ services: { main } }, async (play) => {
      const clients = [await asking(play), await asking(play)];
      await held.untilWaiting(2);
      assert.deepEqual(refusal(await play.ask()), [503, 'overloaded']);
      held.answerAll();
      for (const client of clients) assert.deepEqual(told(await client.answer()), [200, 'a']);
      await play.client.send(get());
      await held.untilWaiting(1);
      held.answerAll();
      assert.deepEqual(told(await play.client.answer()), [200, 'a']);
      await play.gateway.close();
      assert.deepEqual(play.gateway.requests.map(({ status, code, service }) => [status, code, service])[0], [
        503,
        'overloaded',
        'main',
      ]);
    });
  });

  test('has room again when a client leaves before its answer', async () => {
    const held = new Held('a');
    const main = { scripts: [held.script], limits: { requests: 1 } };
    await playServices({ services: { main } }, async (play) => {
      const leaving = await asking(play);
      await held.untilWaiting(1);
      leaving.close();
      await (await play.upstreams()[0]?.connection(0))?.untilEnded();
      await play.client.send(get());
      await held.untilWaiting(2);
      held.answerAll();
      assert.deepEqual(told(await play.client.answer()), [200, 'a']);
    });
  });

  test('counts a request once, however often it is tried', async () => {
    const main = {
      scripts: [() => {}, new Held('never').script],
      limits: { requests: 1 },
      retry: { on: ['timeout' as const], perTry: '50ms', attempts: 2, backOff: { base: '0s', max: '0s' } },
    };
    await playServices({ services: { main } }, async ({ ask, gateway }) => {
      for (let i = 0; i < 2; i++) assert.deepEqual(refusal(await ask()), [504, 'upstream_timeout']);
      await gateway.close();
      assert.deepEqual(
        gateway.requests.map(({ attempts }) => attempts),
        [2, 2],
      );
    });
  });
});

suite('limits.pending', () => {
  test('refuses what would wait for a connection beside too many, in front of all targets', async () => {
    const held = new Held('a');
    const main = {
      scripts: [held.script, held.script],
      connections: { max: 1 },
      limits: { pending: 1 },
    };
    await playServices({ services: { main } }, async (play) => {
      const clients = [await asking(play), await asking(play)];
      await held.untilWaiting(2);
      // Whichever comes first may wait.
      const others = [await asking(play), await asking(play)].map((client) => client.answer());
      assert.deepEqual(refusal(await Promise.race(others)), [503, 'overloaded']);
      held.answerAll();
      await held.untilWaiting(1);
      held.answerAll();
      for (const client of clients) assert.deepEqual(told(await client.answer()), [200, 'a']);
      assert.deepEqual(new Set((await Promise.all(others)).map(({ status }) => status)), new Set([200, 503]));
    });
  });
});

suite('limits.connections', () => {
  test('lets requests wait for a connection of the service', async () => {
    const held = new Held('a');
    const main = { scripts: [held.script], limits: { connections: 1 } };
    await playServices({ services: { main } }, async (play) => {
      const first = await asking(play);
      await held.untilWaiting(1);
      const second = await asking(play);
      held.answerAll();
      assert.deepEqual(told(await first.answer()), [200, 'a']);
      await held.untilWaiting(1);
      held.answerAll();
      assert.deepEqual(told(await second.answer()), [200, 'a']);
      assert.equal(play.upstreams()[0]?.connections.length, 1);
    });
  });
});
