import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { get, HOST, request } from '../conformance/case.ts';
import { answer, type Script } from '../support/scripted-upstream.ts';
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
const RESPOND = { status: 200, headers: { 'X-From': 'the fallback' }, body: 'try later' };
/** After the first failure. */
const OPENS = { consecutive: 1, openFor: '5s' };

suite('a fallback', () => {
  test('answers in place of a service whose breaker is open', async () => {
    const main = { scripts: [mannered('a', FAILING)], breaker: OPENS, fallback: { respond: RESPOND } };
    await playServices({ services: { main } }, async ({ ask, gateway, upstreams }) => {
      assert.deepEqual(told(await ask()), [500, 'a']);
      const instead = await ask();
      assert.deepEqual(told(instead), [200, 'try later']);
      assert.deepEqual([instead.get('x-from'), instead.get('retry-after')], ['the fallback', undefined]);
      assert.equal(requestsAt(upstreams()[0]), 1);
      await gateway.close();
      assert.deepEqual(
        gateway.requests.map(({ status, code, service }) => [status, code, service]),
        [
          [500, undefined, 'main'],
          [200, 'circuit_open', 'main'],
        ],
      );
    });
  });

  test('answers in place of a service that has no target', async () => {
    const main = { discovery: { registry: {} }, fallback: { respond: RESPOND } };
    await playServices({ services: { main } }, async ({ ask, gateway }) => {
      assert.deepEqual(told(await ask()), [200, 'try later']);
      await gateway.close();
      assert.deepEqual(
        gateway.requests.map(({ code, error }) => [code, error]),
        [['no_target', 'main: no target is known']],
      );
    });
  });

  test('answers in place of a service that has as many requests as it may', async () => {
    const held = new Held('a');
    const main = { scripts: [held.script], limits: { requests: 1 }, fallback: { respond: RESPOND } };
    await playServices({ services: { main } }, async ({ ask, client, connect }) => {
      const other = await connect();
      await other.send(get());
      await held.untilWaiting(1);
      assert.deepEqual(told(await ask()), [200, 'try later']);
      held.answerAll();
      assert.deepEqual(told(await other.answer()), [200, 'a']);
      await client.send(get());
      await held.untilWaiting(1);
      held.answerAll();
      assert.deepEqual(told(await client.answer()), [200, 'a']);
    });
  });

  test('answers in place of a service where no further request may wait for a connection', async () => {
    const held = new Held('a');
    const main = {
      scripts: [held.script],
      connections: { max: 1, pending: 0 },
      fallback: { respond: RESPOND },
    };
    await playServices({ services: { main } }, async ({ ask, connect, gateway }) => {
      const other = await connect();
      await other.send(get());
      await held.untilWaiting(1);
      assert.deepEqual(told(await ask()), [200, 'try later']);
      held.answerAll();
      await other.answer();
      await gateway.close();
      assert.equal(gateway.requests[0]?.['code'], 'overloaded');
      assert.match(String(gateway.requests[0]?.['error']), /^127\.0\.0\.1:\d+: 0 requests already wait/);
    });
  });

  test('does not answer for a service that fails: its answers are passed on', async () => {
    const main = { scripts: [mannered('a', FAILING)], fallback: { respond: RESPOND } };
    await playServices({ services: { main } }, async ({ ask }) => {
      for (let i = 0; i < 3; i++) assert.deepEqual(told(await ask()), [500, 'a']);
    });
  });
});

suite('a fallback to another service', () => {
  const main = (fallback: string) => ({
    scripts: [mannered('main', FAILING)],
    breaker: OPENS,
    fallback: { service: fallback },
  });

  test('sends it the request, as if the route led there', async () => {
    const services = { main: main('other'), other: { scripts: [mannered('other', WELL)] } };
    await playServices({ services }, async ({ ask, gateway, upstreams }) => {
      assert.deepEqual(told(await ask()), [500, 'main']);
      assert.deepEqual(told(await ask('X-Own: kept')), [200, 'other']);
      const [sent = ''] = upstreams('other')[0]?.connections.map(({ text }) => text) ?? [];
      assert.match(sent, /^GET \/page HTTP\/1\.1\r\n/);
      assert.match(sent, /\r\nX-Own: kept\r\n/);
      assert.equal(sent.match(/x-forwarded-for/gi)?.length, 1);
      await gateway.close();
      const { service, target, code, attempts } = gateway.requests[1] ?? {};
      assert.deepEqual(
        [service, target, code, attempts],
        ['other', `127.0.0.1:${upstreams('other')[0]?.port}`, undefined, 1],
      );
    });
  });

  test('has all its attempts, whatever was tried before it', async () => {
    const held = new Held('main');
    const services = {
      main: {
        scripts: [held.script],
        connections: { max: 1, pending: 0 },
        fallback: { service: 'other' },
      },
      other: {
        scripts: [mannered('a', { status: 503, takesMs: 0 }), mannered('b', WELL)],
        retry: { attempts: 2, backOff: { base: '0s' } },
      },
    };
    await playServices({ services }, async ({ ask, connect }) => {
      const busy = await connect();
      await busy.send(get());
      await held.untilWaiting(1);
      for (let i = 0; i < 2; i++) assert.deepEqual(told(await ask()), [200, 'b']);
      held.answerAll();
      await busy.answer();
    });
  });

  for (const [framing, fields, wire] of [
    ['a length', ['Content-Length: 10'], 'ten octets'],
    ['chunks', ['Transfer-Encoding: chunked'], '3\r\nten\r\n7\r\n octets\r\n0\r\n\r\n'],
  ] as const) {
    test(`sends it the whole body, with ${framing}`, async () => {
      const echo: Script = async (connection) => {
        await connection.head();
        await connection.until(() => connection.text.includes('octets'), 'the body');
        await connection.send(answer(200, connection.text.includes('ten') ? 'whole' : 'broken'));
      };
      const services = { main: main('other'), other: { scripts: [echo] } };
      await playServices({ services }, async ({ ask, client }) => {
        await ask();
        await client.send(request(['POST /form HTTP/1.1', HOST, ...fields], wire));
        assert.deepEqual(told(await client.answer()), [200, 'whole']);
      });
    });
  }

  test('goes one step and no further: what that service does not take is refused', async () => {
    const services = {
      main: main('other'),
      other: { ...main('third'), scripts: [mannered('other', FAILING)] },
      third: { scripts: [mannered('third', WELL)] },
    };
    await playServices({ services }, async ({ ask, upstreams, gateway }) => {
      assert.deepEqual(told(await ask()), [500, 'main']);
      assert.deepEqual(told(await ask()), [500, 'other']);
      const refused = await ask();
      assert.deepEqual(refusal(refused), [503, 'circuit_open']);
      assert.equal(refused.get('retry-after'), '5');
      assert.equal(requestsAt(upstreams('third')[0]), 0);
      await gateway.close();
      assert.equal(gateway.requests[2]?.['service'], 'other');
    });
  });

  test('leaves two services that stand in for each other in peace', async () => {
    const services = {
      main: main('other'),
      other: { ...main('main'), scripts: [mannered('other', FAILING)] },
    };
    await playServices({ services }, async ({ ask }) => {
      assert.deepEqual([(await ask()).status, (await ask()).status], [500, 500]);
      for (let i = 0; i < 3; i++) assert.deepEqual(refusal(await ask()), [503, 'circuit_open']);
    });
  });

  test('gives back what the first service has admitted', async () => {
    const services = {
      main: { discovery: { registry: {} }, limits: { requests: 1 }, fallback: { service: 'other' } },
      other: { scripts: [mannered('other', WELL)], limits: { requests: 1 } },
    };
    await playServices({ services }, async ({ ask, gateway }) => {
      for (let i = 0; i < 5; i++) assert.deepEqual(told(await ask()), [200, 'other']);
      await gateway.close();
      const { status, service, error } = gateway.requests[0] ?? {};
      assert.deepEqual([status, service, error], [200, 'other', 'main: no target is known']);
    });
  });
});

suite('a retry that finds no target left', () => {
  const settings = {
    scripts: [mannered('main', FAILING)],
    breaker: { ...OPENS, scope: 'target' as const },
    retry: { on: ['5xx' as const], backOff: { base: '0s', max: '0s' } },
  };
  const PUT = request(['PUT /page HTTP/1.1', HOST, 'Content-Length: 4'], 'body');

  test('leaves the request to the fallback', async () => {
    const services = {
      main: { ...settings, fallback: { service: 'other' } },
      other: { scripts: [mannered('other', WELL)] },
    };
    await playServices({ services }, async ({ ask, gateway }) => {
      assert.deepEqual(told(await ask()), [200, 'other']);
      await gateway.close();
      assert.deepEqual(
        gateway.requests.map(({ service, attempts }) => [service, attempts]),
        [['other', 2]],
      );
    });
  });

  test('is refused where the body is not there any more for another service', async () => {
    const echo: Script = async (connection) => {
      await connection.head();
      await connection.octets(4);
      await connection.send(answer(500, 'main'));
    };
    const services = {
      main: { ...settings, scripts: [echo], fallback: { service: 'other' } },
      other: { scripts: [mannered('other', WELL)] },
    };
    await playServices({ services }, async ({ client, upstreams }) => {
      await client.send(PUT);
      const refused = await client.answer();
      assert.deepEqual(refusal(refused), [503, 'circuit_open']);
      assert.equal(refused.get('retry-after'), '5');
      assert.equal(requestsAt(upstreams('other')[0]), 0);
    });
  });

  test('counts against the service: its own breaker learns of the failure', async () => {
    const main = { ...settings, breaker: { ...OPENS, scope: 'both' as const, consecutive: 1 } };
    await playServices({ services: { main } }, async ({ ask, gateway }) => {
      assert.deepEqual(refusal(await ask()), [503, 'circuit_open']);
      assert.ok(gateway.log.includes('warn: the circuit breaker of main is open, it was closed'));
    });
  });
});
