import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { get, HOST, post, request } from '../conformance/case.ts';
import { hooked } from '../support/hooked-policy.ts';
import { RawClient } from '../support/raw-client.ts';
import {
  AT_ONCE,
  afterRequest,
  answering,
  ask,
  connectionsOf,
  got,
  playRetries,
  type RetryPlay,
  sentTo,
} from '../support/retry-play.ts';
import { answer, type Script } from '../support/scripted-upstream.ts';

const BODY = 'ten octets';
const PUT = request(['PUT /page HTTP/1.1', HOST, `Content-Length: ${BODY.length}`], BODY);
const CHUNKED = request(
  ['PUT /page HTTP/1.1', HOST, 'Transfer-Encoding: chunked'],
  '3\r\nten\r\n7\r\n octets\r\n0\r\n\r\n',
);
const POST = post([`Content-Length: ${BODY.length}`], BODY);
const EMPTY_POST = post(['Content-Length: 0']);

const REQUESTS = { GET: get(), PUT, CHUNKED, POST, 'POST without body': EMPTY_POST } as const;
/** How the body ends on the wire. */
const END = { GET: '', PUT: BODY, CHUNKED: '0\r\n\r\n', POST: BODY, 'POST without body': '' } as const;

type Kind = keyof typeof REQUESTS;

/** What the first target does, having read a request whose body ends so. */
const FAULTS = {
  'resets before the answer': (end) => afterRequest(end, (connection) => connection.reset()),
  'closes before the answer': (end) => afterRequest(end, (connection) => connection.close()),
  'breaks off within the head': (end) =>
    afterRequest(end, async (connection) => {
      await connection.send('HTTP/1.1 200 OK\r\nContent-');
      connection.close();
    }),
  'breaks off within the body': (end) =>
    afterRequest(end, async (connection) => {
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel');
      connection.close();
    }),
  'answers with what is not HTTP': (end) =>
    afterRequest(end, (connection) => connection.send('SSH-2.0-OpenSSH\r\n\r\n')),
  'answers 500': (end) => afterRequest(end, (connection) => connection.send(answer(500, 'from a'))),
  'answers 503': (end) => afterRequest(end, (connection) => connection.send(answer(503, 'from a'))),
  'answers 429': (end) => afterRequest(end, (connection) => connection.send(answer(429, 'from a'))),
  'answers 200': (end) => afterRequest(end, (connection) => connection.send(answer(200, 'from a'))),
  'is silent': (end) => afterRequest(end, () => {}),
} satisfies Record<string, (end: string) => Script>;

interface Row {
  readonly fault: keyof typeof FAULTS;
  readonly request: Kind;
  readonly retry: Readonly<Record<string, unknown>>;
  /** Status for the client, 0 when the answer breaks off, and attempts that were made. */
  readonly expect: readonly [status: number, attempts: number];
}

const row = (
  fault: Row['fault'],
  kind: Kind,
  retry: Row['retry'],
  status: number,
  attempts: number,
): Row => ({ fault, request: kind, retry, expect: [status, attempts] });

const ON = (...on: (string | number)[]) => ({ on });
const ALL = (...on: (string | number)[]) => ({ on, methods: 'all' });
const TIMED = { on: ['timeout'], perTry: '100ms' };

const TABLE: readonly Row[] = [
  // Each condition is met by its own faults only.
  row('resets before the answer', 'GET', ON('reset'), 200, 2),
  row('closes before the answer', 'GET', ON('reset'), 200, 2),
  row('breaks off within the head', 'GET', ON('reset'), 200, 2),
  row('resets before the answer', 'GET', ON('connect', 'timeout', '5xx', 429), 502, 1),
  row('answers 500', 'GET', ON('5xx'), 200, 2),
  row('answers 500', 'GET', ON(500), 200, 2),
  row('answers 500', 'GET', ON('gateway-error', 'reset', 503), 500, 1),
  row('answers 503', 'GET', ON('gateway-error'), 200, 2),
  row('answers 503', 'GET', ON('5xx'), 200, 2),
  row('answers 503', 'GET', ON('reset', 'connect'), 503, 1),
  row('answers 429', 'GET', ON(429), 200, 2),
  row('answers 429', 'GET', ON('5xx'), 429, 1),
  row('is silent', 'GET', TIMED, 200, 2),
  row('is silent', 'PUT', TIMED, 200, 2),
  row('is silent', 'POST', TIMED, 504, 1),
  // What no condition is for.
  row('answers 200', 'GET', ON('5xx', 'reset'), 200, 1),
  row('answers with what is not HTTP', 'GET', ON('5xx', 'reset', 'connect', 'timeout'), 502, 1),
  row('breaks off within the body', 'GET', ON('reset', '5xx'), 0, 1),
  // Bodies go again, in their own framing.
  row('resets before the answer', 'PUT', ON('reset'), 200, 2),
  row('answers 503', 'PUT', ON(503), 200, 2),
  row('answers 503', 'CHUNKED', ON(503), 200, 2),
  row('answers 503', 'PUT', { ...ON(503), bodyLimit: '10b' }, 200, 2),
  row('answers 503', 'PUT', { ...ON(503), bodyLimit: '9b' }, 503, 1),
  row('answers 503', 'CHUNKED', { ...ON(503), bodyLimit: '9b' }, 503, 1),
  row('answers 503', 'GET', { ...ON(503), bodyLimit: '0b' }, 200, 2),
  // What may happen twice is not sent twice, unless that is wanted.
  row('resets before the answer', 'POST', ON('reset'), 502, 1),
  row('resets before the answer', 'POST without body', ON('reset'), 502, 1),
  row('answers 503', 'POST', ON(503), 503, 1),
  row('answers 503', 'POST', ALL(503), 200, 2),
  row('answers 503', 'POST without body', ALL(503), 200, 2),
  row('resets before the answer', 'POST', { ...ON('reset'), methods: ['POST'] }, 200, 2),
  row('resets before the answer', 'GET', { ...ON('reset'), methods: ['POST'] }, 502, 1),
];

suite('when the first target fails', () => {
  for (const { fault, request: kind, retry, expect } of TABLE) {
    const [status, attempts] = expect;
    const what = status === 0 ? 'broken off' : String(status);
    test(`it ${fault}: ${kind}, retry ${JSON.stringify(retry)}: ${what} after ${attempts}`, async () => {
      const end = END[kind];
      await playRetries(
        {
          scripts: [FAULTS[fault](end), afterRequest(end, (c) => c.send(answer(200, 'from b')))],
          service: { retry: { backOff: AT_ONCE, ...retry } },
        },
        async (play) => {
          await play.client.send(REQUESTS[kind]);
          await assertOutcome(play, status, attempts);
        },
      );
    });
  }
});

async function assertOutcome(
  { client, gateway, upstreams }: RetryPlay,
  status: number,
  attempts: number,
): Promise<void> {
  if (status === 0) await assert.rejects(client.answer(), /closed before an answer/);
  else {
    const given = await client.answer();
    assert.equal(given.status, status);
    if (attempts === 2) assert.equal(given.body.toString(), 'from b');
  }
  const [first, second] = upstreams.map(sentTo);
  // What came in two chunks is kept as one.
  const again = first?.replace('3\r\nten\r\n7\r\n octets\r\n', 'a\r\nten octets\r\n');
  assert.equal(second, attempts === 2 ? again : '', 'the octets of both attempts');
  assert.equal(upstreams.flatMap(({ connections }) => connections).length, attempts);
  await gateway.close();
  assert.equal(gateway.accessLog()[0]?.['attempts'], attempts);
}

suite('a target that takes no connections', () => {
  /** Of a request to a target that is not there, and the same to another one. */
  async function refused(bytes: string, service: Readonly<Record<string, unknown>>, expect: number) {
    await playRetries({ scripts: [() => {}, answering(200, 'from b')], service }, async (play) => {
      await play.upstreams[0]?.stopListening();
      await play.client.send(bytes);
      assert.equal((await play.client.answer()).status, expect);
      await play.gateway.close();
      assert.equal(play.gateway.accessLog()[0]?.['attempts'], expect === 200 ? 2 : 1);
    });
  }

  for (const kind of ['GET', 'POST', 'CHUNKED'] as const) {
    test(`was sent nothing, so that ${kind} goes to another one, whatever its body`, () =>
      refused(REQUESTS[kind], { retry: { on: ['connect'], backOff: AT_ONCE, bodyLimit: '0b' } }, 200));
  }

  test('is an answer of its own without the condition', () =>
    refused(get(), { retry: { on: ['reset', '5xx'], backOff: AT_ONCE } }, 502));
});

suite('each attempt', () => {
  test('goes to a target that was not asked, and when all were, to the next in turn', async () => {
    const service = { retry: { attempts: 4, on: [503], backOff: AT_ONCE } };
    const scripts = ['a', 'b', 'c'].map((name) => answering(503, name));
    await playRetries({ scripts, service }, async (play) => {
      await play.client.send(get());
      assert.equal((await play.client.answer()).status, 503);
      const asked = play.upstreams.map((upstream) => sentTo(upstream).match(/GET/g)?.length ?? 0);
      assert.deepEqual(
        asked.toSorted((a, b) => a - b),
        [1, 1, 2],
      );
    });
  });

  test('goes to the only target where there is no other, on the connection that is kept', async () => {
    const script: Script = async (connection) => {
      for (const status of [503, 200]) {
        await connection.head();
        await connection.send(answer(status, `${status}`));
      }
    };
    await playRetries(
      { scripts: [script], service: { retry: { on: [503], backOff: AT_ONCE } } },
      async (play) => {
        await play.client.send(get());
        assert.deepEqual(await got(play), [200, '200']);
        assert.deepEqual(connectionsOf(play), [1]);
      },
    );
  });

  test('is seen by onAttempt, and only the answer that is used by onUpstreamResponse', async () => {
    const seen: string[] = [];
    const policies = [
      hooked('watching', {
        onAttempt: (_exchange, fields) => {
          seen.push(`attempt ${fields.get('x-attempt') ?? 'fresh'}`);
          fields.set('X-Attempt', 'mine');
        },
        onUpstreamResponse: ({ response }) => void seen.push(`upstream ${response.status}`),
        onResponse: ({ response }) => void seen.push(`answer ${response.status}`),
      }),
    ];
    const service = { retry: { on: [503], backOff: AT_ONCE } };
    await playRetries({ scripts: [answering(503), answering(201)], service, policies }, async (play) => {
      await ask(play.client);
      assert.deepEqual(seen, ['attempt fresh', 'attempt fresh', 'upstream 201', 'answer 201']);
    });
  });

  test('is made only as far as the budget goes: the answer at hand is passed on', async () => {
    const calls: string[] = [];
    const budget = { tryTake: () => calls.push('asked') < 2, giveBack: () => void calls.push('given back') };
    const service = { retry: { attempts: 3, on: [503], backOff: AT_ONCE } };
    await playRetries(
      { scripts: ['a', 'b', 'c'].map((name) => answering(503, name)), service, retries: { budget } },
      async (play) => {
        await play.client.send(get());
        assert.deepEqual(await got(play), [503, 'b']);
        assert.deepEqual(calls, ['asked', 'given back', 'asked']);
      },
    );
  });
});

suite('an upgrade', () => {
  const UPGRADE = get(['Connection: upgrade', 'Upgrade: echo']);
  const switching: Script = async (connection) => {
    await connection.head();
    await connection.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
    await connection.send(await connection.octets(4));
    connection.reset();
  };

  test('that is refused is tried again, and one that was agreed to is not', async () => {
    const service = { retry: { on: [503, 'reset'], backOff: AT_ONCE } };
    await playRetries({ scripts: [answering(503), switching], service }, async (play) => {
      await play.client.send(UPGRADE);
      assert.equal((await play.client.answer()).status, 101);
      await play.client.send('ping');
      await play.client.untilEnded();
      assert.equal(play.client.rest.toString(), 'ping');
      assert.deepEqual(connectionsOf(play), [1, 1]);
    });
  });
});

suite('a kept connection that was closed', () => {
  const closesUnderTheSecond: Script = async (connection) => {
    await connection.head();
    await connection.send(answer(200, 'first'));
    if (connection.index > 0) return;
    await connection.untilReceived('PUT');
    connection.reset();
  };

  test('is mended at once and at the same target, with the body that was kept', async () => {
    const service = { retry: { on: [503], backOff: { base: '1h', max: '1h' } } };
    await playRetries({ scripts: [closesUnderTheSecond], service }, async (play) => {
      await ask(play.client);
      await play.client.send(PUT);
      assert.equal((await got(play))[0], 200);
      assert.ok(sentTo(play.upstreams[0]).endsWith(BODY));
    });
  });

  test('is mended by an attempt that does not count as one of those there may be', async () => {
    const script: Script = async (connection) => {
      const statuses = connection.index === 0 ? [200] : [503, 200];
      for (const status of statuses) {
        await connection.head();
        await connection.send(answer(status));
      }
      await connection.head();
      connection.reset();
    };
    const service = { retry: { attempts: 2, on: [503], backOff: AT_ONCE } };
    await playRetries({ scripts: [script], service }, async (play) => {
      await ask(play.client);
      assert.equal((await ask(play.client)).status, 200);
      await play.gateway.close();
      assert.equal(play.gateway.accessLog()[1]?.['attempts'], 3);
    });
  });
});

suite('with every request failing', () => {
  test('a budget of a fifth keeps the load of the upstream within 1.2 times what is offered', async () => {
    const CLIENTS = 40;
    const EACH = 15;
    let underway = 0;
    let gateway: RetryPlay['gateway'] | undefined;
    const budget = {
      tryTake: () => {
        const requests = gateway?.dataPlane.stats().requestsInFlight ?? 0;
        if (underway >= Math.floor((requests - underway) * 0.2)) return false;
        underway++;
        return true;
      },
      giveBack: () => void underway--,
    };
    const service = { retry: { attempts: 5, on: ['5xx'], backOff: AT_ONCE } };
    const scripts = [answering(503), answering(503), answering(503)];
    await playRetries({ scripts, service, retries: { budget } }, async (play) => {
      gateway = play.gateway;
      await Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          using client = await RawClient.connect({ port: play.gateway.port });
          for (let i = 0; i < EACH; i++) assert.equal((await ask(client)).status, 503);
        }),
      );
      const load = play.upstreams.map(sentTo).join('').match(/GET/g)?.length ?? 0;
      const offered = CLIENTS * EACH;
      assert.ok(load > offered, `${load} attempts for ${offered} requests: some were tried again`);
      assert.ok(load <= 1.2 * offered, `${load} attempts for ${offered} requests`);
      assert.equal(underway, 0, 'all of the budget is given back');
    });
  });
});
