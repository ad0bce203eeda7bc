import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PAUSE_STEP_MS } from '../../src/upstream/retry/policy.ts';
import { get, HOST, request } from '../conformance/case.ts';
import { RawClient } from '../support/raw-client.ts';
import { AT_ONCE, answering, ask, connectionsOf, got, playRetries, sentTo } from '../support/retry-play.ts';
import { answer, type Script } from '../support/scripted-upstream.ts';

suite('the wait before another attempt', () => {
  const FAILS = { retry: { attempts: 4, on: [503], backOff: { base: '100ms', max: '300ms' } } };

  test('is half of a bound that doubles, where chance says so, and never beyond the maximum', async () => {
    await playRetries({ scripts: [answering(503, 'no')], service: FAILS }, async (play) => {
      const [upstream] = play.upstreams;
      const attempts = () => (sentTo(upstream).match(/GET/g) ?? []).length;
      await play.client.send(get());
      for (const [made, waitMs] of [
        [1, 50],
        [2, 100],
        [3, 150],
      ] as const) {
        await upstream?.until(() => attempts() === made, `attempt ${made}`);
        await play.clock.untilAwaited();
        play.clock.move(waitMs);
        assert.equal(attempts(), made);
        play.clock.move(PAUSE_STEP_MS);
      }
      assert.deepEqual(await got(play), [503, 'no']);
      assert.equal(attempts(), 4);
    });
  });

  test('ends with the client: nothing is sent any more', async () => {
    await playRetries({ scripts: [answering(503), answering(200)], service: FAILS }, async (play) => {
      await play.client.send(get());
      await play.clock.untilAwaited();
      play.client.close();
      await play.clock.untilNothingAwaited();
      play.clock.move(1000);
      await play.gateway.close();
      assert.deepEqual(connectionsOf(play), [1, 0]);
      assert.deepEqual(play.gateway.accessLog()[0]?.['status'], 499);
    });
  });

  test('ends with the time of the route: 504 request_expired', async () => {
    await playRetries(
      {
        scripts: [answering(503), answering(200)],
        service: { retry: { on: [503], backOff: { base: '400ms', max: '400ms' } } },
        timeoutMs: 300,
      },
      async (play) => {
        await play.client.send(get());
        const expired = await play.client.answer();
        assert.equal(expired.status, 504);
        assert.match(expired.body.toString(), /request_expired/);
        await play.clock.untilNothingAwaited();
        assert.deepEqual(connectionsOf(play), [1, 0]);
      },
    );
  });

  test('is not begun when it would outlast the route: the answer at hand is passed on', async () => {
    await playRetries(
      {
        scripts: [answering(503, 'now'), answering(200)],
        service: { retry: { on: [503], backOff: { base: '10s', max: '10s' } } },
        timeoutMs: 5000,
      },
      async (play) => {
        await play.client.send(get());
        assert.deepEqual(await got(play), [503, 'now']);
      },
    );
  });
});

suite('Retry-After', () => {
  const RETRY = { retry: { on: [503, 429, 502], backOff: AT_ONCE, retryAfter: '3s' } };
  const table: [title: string, status: number, value: string, waitMs: number | undefined][] = [
    ['is waited for', 503, '2', 2000],
    ['is waited for with 429', 429, '3', 3000],
    ['is not of 502', 502, '60', 0],
    ['of nothing is no wait', 503, '0', 0],
    ['that says nothing is no wait', 503, 'later', 0],
    ['beyond the bound is passed on', 503, '4', undefined],
    ['of a day beyond the bound is passed on', 503, 'Fri, 31 Dec 2100 23:59:59 GMT', undefined],
    ['of a day gone by is no wait', 503, 'Sat, 31 Dec 2022 23:59:59 GMT', 0],
  ];
  for (const [title, status, value, waitMs] of table) {
    test(`${status}, ${JSON.stringify(value)}: ${title}`, async () => {
      const first = answering(status, 'from a', { 'Retry-After': value });
      await playRetries({ scripts: [first, answering(200, 'from b')], service: RETRY }, async (play) => {
        await play.client.send(get());
        if (waitMs === undefined) {
          const passedOn = await play.client.answer();
          assert.deepEqual([passedOn.status, passedOn.get('retry-after')], [status, value]);
          return;
        }
        if (waitMs > 0) {
          await play.clock.untilAwaited();
          play.clock.move(waitMs);
          assert.deepEqual(connectionsOf(play), [1, 0]);
          play.clock.move(PAUSE_STEP_MS);
        }
        assert.deepEqual(await got(play), [200, 'from b']);
      });
    });
  }
});

suite('the time for one attempt', () => {
  const RETRY = { retry: { on: ['timeout'], perTry: '200ms', backOff: AT_ONCE } };

  test('bounds each: the second one fails as late as the first, with 504', async () => {
    await playRetries({ scripts: [() => {}, () => {}], service: RETRY }, async (play) => {
      assert.equal((await ask(play.client)).status, 504);
      assert.deepEqual(connectionsOf(play), [1, 1]);
      for (const upstream of play.upstreams) await (await upstream.connection(0)).untilEnded();
      await play.gateway.close();
      assert.deepEqual(play.gateway.accessLog()[0]?.['code'], 'upstream_timeout');
    });
  });

  test('does not count while the client sends its body, and begins anew with the end of it', async () => {
    const script: Script = async (connection) => {
      const head = await connection.head();
      if (!head.startsWith('PUT')) return;
      await connection.octets(5);
      await connection.send(answer(200));
    };
    await playRetries({ scripts: [script], service: RETRY }, async ({ client, gateway }) => {
      await client.send(request(['PUT /page HTTP/1.1', HOST, 'Content-Length: 5'], 'hel'));
      // By then the time of the other one is over, too.
      using other = await RawClient.connect({ port: gateway.port });
      assert.equal((await ask(other)).status, 504);
      await client.send('lo');
      assert.equal((await client.answer()).status, 200);
    });
  });
});
