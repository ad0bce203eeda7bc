import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { get } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import type { ScriptedUpstream } from '../support/scripted-upstream.ts';
import {
  Held,
  type Manner,
  mannered,
  playServices,
  refusal,
  requestsAt,
  told,
} from '../support/service-play.ts';

const FAILING: Manner = { status: 500, takesMs: 0 };
const WELL: Manner = { status: 200, takesMs: 0 };
const SOON = { openFor: '200ms', rampUp: '0s' } as const;

suite('the circuit breaker of a service', () => {
  test('opens when too many requests fail: 503 circuit_open with Retry-After, and the service is left alone', async () => {
    const main = { scripts: [mannered('a', FAILING)], breaker: { minRequests: 4, openFor: '5s' } };
    await playServices({ services: { main } }, async ({ ask, upstreams, gateway }) => {
      for (let i = 0; i < 4; i++) assert.deepEqual(told(await ask()), [500, 'a']);
      for (let i = 0; i < 3; i++) {
        const refused = await ask();
        assert.deepEqual(refusal(refused), [503, 'circuit_open']);
        assert.equal(refused.get('retry-after'), '5');
      }
      assert.equal(requestsAt(upstreams()[0]), 4);
      assert.deepEqual(
        gateway.log.filter((line) => line.includes('breaker')),
        ['warn: the circuit breaker of main is open, it was closed'],
      );
      await gateway.close();
      assert.deepEqual(
        gateway.requests.map(({ status, code, attempts }) => [status, code, attempts]).slice(-1),
        [[503, 'circuit_open', 0]],
      );
    });
  });

  test('opens when too many answers are slow', async () => {
    const slow: Manner = { status: 200, takesMs: 40 };
    const main = { scripts: [mannered('a', slow)], breaker: { slowAfter: '20ms', minRequests: 3 } };
    await playServices({ services: { main } }, async ({ ask, upstreams }) => {
      for (let i = 0; i < 3; i++) assert.deepEqual(told(await ask()), [200, 'a']);
      assert.deepEqual(refusal(await ask()), [503, 'circuit_open']);
      assert.equal(requestsAt(upstreams()[0]), 3);
    });
  });

  test('opens when clients do not wait for answers that are too slow', async () => {
    const main = { scripts: [() => {}], breaker: { slowAfter: '20ms', minRequests: 3 } };
    await playServices({ services: { main } }, async ({ ask, connect, upstreams }) => {
      const upstream = upstreams()[0] as ScriptedUpstream;
      for (let left = 1; left <= 3; left++) {
        const impatient = await connect();
        await impatient.send(get());
        await upstream.until(() => requestsAt(upstream) === left, 'the request');
        const sinceMs = performance.now();
        while (performance.now() < sinceMs + 25) await turns(1);
        impatient.close();
        const gone = () => upstream.connections.filter((connection) => connection.gone).length === left;
        await upstream.until(gone, 'the end of its connection');
      }
      assert.deepEqual(refusal(await ask()), [503, 'circuit_open']);
    });
  });

  test('opens when requests go over the time of their route, without an answer', async () => {
    const main = { scripts: [() => {}], breaker: { consecutive: 2 } };
    const stage = { services: { main }, route: { timeout: '50ms' } };
    await playServices(stage, async ({ ask, connect }) => {
      assert.deepEqual(refusal(await ask()), [504, 'request_expired']);
      const other = await connect();
      await other.send(get());
      assert.deepEqual(refusal(await other.answer()), [504, 'request_expired']);
      const third = await connect();
      await third.send(get());
      assert.deepEqual(refusal(await third.answer()), [503, 'circuit_open']);
    });
  });

  test('opens when the service cannot be reached', async () => {
    const main = { url: 'http://127.0.0.1:9', breaker: { consecutive: 2 } };
    await playServices({ services: { main } }, async ({ ask }) => {
      for (let i = 0; i < 2; i++) assert.deepEqual(refusal(await ask()), [502, 'upstream_refused']);
      assert.deepEqual(refusal(await ask()), [503, 'circuit_open']);
    });
  });

  test('counts a request by its last attempt: one that another target answered has not failed', async () => {
    const main = {
      scripts: [mannered('a', FAILING), mannered('b', WELL)],
      breaker: { consecutive: 1 },
      retry: { on: ['5xx' as const], backOff: { base: '0s', max: '0s' } },
    };
    await playServices({ services: { main } }, async ({ ask }) => {
      for (let i = 0; i < 6; i++) assert.deepEqual(told(await ask()), [200, 'b']);
    });
  });

  test('stays closed when clients are wrong', async () => {
    const main = { scripts: [mannered('a', { status: 404, takesMs: 0 })], breaker: { consecutive: 1 } };
    await playServices({ services: { main } }, async ({ ask }) => {
      for (let i = 0; i < 3; i++) assert.deepEqual(told(await ask()), [404, 'a']);
    });
  });

  test('lets probes through after its time, and closes when they succeed', async () => {
    const manner = { ...FAILING };
    const main = { scripts: [mannered('a', manner)], breaker: { consecutive: 1, closeAfter: 2, ...SOON } };
    await playServices({ services: { main } }, async ({ ask, askUntil, gateway }) => {
      assert.equal((await ask()).status, 500);
      assert.deepEqual(refusal(await ask()), [503, 'circuit_open']);
      manner.status = 200;
      await askUntil(({ status }) => status === 200);
      for (let i = 0; i < 5; i++) assert.deepEqual(told(await ask()), [200, 'a']);
      assert.deepEqual(
        gateway.log.filter((line) => line.includes('breaker')),
        [
          'warn: the circuit breaker of main is open, it was closed',
          'info: the circuit breaker of main is half-open, it was open',
          'info: the circuit breaker of main is closed, it was half-open',
        ],
      );
    });
  });

  test('opens again when a probe fails', async () => {
    const main = { scripts: [mannered('a', FAILING)], breaker: { consecutive: 1, ...SOON } };
    await playServices({ services: { main } }, async ({ ask, askUntil, upstreams }) => {
      assert.equal((await ask()).status, 500);
      await askUntil(({ status }) => status === 500);
      assert.deepEqual(refusal(await ask()), [503, 'circuit_open']);
      assert.equal(requestsAt(upstreams()[0]), 2);
    });
  });

  test('lets no more probes through at once than it may, and takes the place of one whose client left', async () => {
    const manner = { ...FAILING };
    const held = new Held('a');
    const first = mannered('a', manner);
    const main = {
      scripts: [(connection) => (connection.index === 0 ? first(connection) : held.script(connection))] as [
        typeof first,
      ],
      breaker: { consecutive: 1, probes: 1, closeAfter: 1, ...SOON },
      connections: { idle: 0 },
    };
    await playServices({ services: { main } }, async ({ ask, askUntil, connect, upstreams }) => {
      assert.equal((await ask()).status, 500);
      const prober = await connect();
      // Until the time is over it is refused, as the others are.
      for (;;) {
        await prober.send(get());
        while (held.waiting.length === 0 && prober.rest.length === 0) await turns(1);
        if (held.waiting.length > 0) break;
        assert.deepEqual(refusal(await prober.answer()), [503, 'circuit_open']);
      }
      for (let i = 0; i < 3; i++) assert.deepEqual(refusal(await ask()), [503, 'circuit_open']);
      prober.close();
      await (await upstreams()[0]?.connection(1))?.untilEnded();
      const asked = askUntil(({ status }) => status === 200);
      await held.untilWaiting(2);
      held.answerAll();
      assert.deepEqual(told(await asked), [200, 'a']);
    });
  });
});

suite('the circuit breaker of a target', () => {
  const breaker = { scope: 'target' as const, consecutive: 2, openFor: '5s' };

  test('sends requests to the others while it is open', async () => {
    const scripts = [mannered('a', FAILING), mannered('b', WELL), mannered('c', WELL)];
    await playServices({ services: { main: { scripts, breaker } } }, async ({ ask, upstreams }) => {
      const failed = [];
      for (let i = 0; i < 30; i++) if ((await ask()).status === 500) failed.push(i);
      assert.equal(failed.length, 2);
      assert.ok((failed[1] as number) < 6, 'at its second turn');
      const [a, b, c] = upstreams().map(requestsAt);
      assert.equal(a, 2);
      assert.ok(Math.abs((b as number) - (c as number)) <= 2, `${b} and ${c}`);
    });
  });

  test('refuses only when those of all targets are open, for as long as the first of them', async () => {
    const scripts = [mannered('a', FAILING), mannered('b', FAILING)];
    await playServices({ services: { main: { scripts, breaker } } }, async ({ ask }) => {
      for (let i = 0; i < 4; i++) assert.equal((await ask()).status, 500);
      const refused = await ask();
      assert.deepEqual(refusal(refused), [503, 'circuit_open']);
      assert.equal(refused.get('retry-after'), '5');
    });
  });

  test('lets it be asked again after its time', async () => {
    const manner = { ...FAILING };
    const scripts = [mannered('a', manner), mannered('b', WELL)];
    const main = { scripts, breaker: { ...breaker, ...SOON, closeAfter: 1 } };
    await playServices({ services: { main } }, async ({ ask, askUntil }) => {
      for (let failed = 0; failed < 2; ) if ((await ask()).status === 500) failed++;
      manner.status = 200;
      assert.deepEqual(told(await askUntil(({ body }) => body.toString() === 'a')), [200, 'a']);
    });
  });
});
