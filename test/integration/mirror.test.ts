import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PolicyUse } from '../../src/policies/use.ts';
import type { Exchange } from '../../src/policy/contract.ts';
import { routeSchema } from '../../src/routing/schema.ts';
import type { DataPlaneConfig } from '../../src/server/config.ts';
import { serviceSchema } from '../../src/upstream/schema.ts';
import { get, HOST, post, request } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import { configBefore, startGatewayWith, type TestGateway } from '../support/gateway.ts';
import { hooked } from '../support/hooked-policy.ts';
import { fine } from '../support/policy-play.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';
import { answer, type Script, ScriptedUpstream } from '../support/scripted-upstream.ts';

interface Options {
  readonly mirror?: object;
  readonly service?: object;
  readonly route?: object;
  readonly policies?: readonly PolicyUse[];
}

function configWith(url: string, mirrorUrl: string, options: Options = {}): DataPlaneConfig {
  const config = configBefore(url);
  const shadow = { ...serviceSchema.parse(options.service ?? {}), targets: [{ url: mirrorUrl, weight: 1 }] };
  const main = routeSchema.parse({
    match: { paths: ['/*'] },
    service: 'main',
    mirror: { service: 'shadow', ...options.mirror },
    ...options.route,
  });
  return {
    ...config,
    services: { ...config.services, shadow },
    routes: { main: { ...main, policies: options.policies ?? [] } },
  };
}

interface Stage {
  readonly client: RawClient;
  readonly gateway: TestGateway;
  readonly original: ScriptedUpstream;
  readonly mirror: ScriptedUpstream;
}

/** One client, one gateway, a service that plays `script` and a mirror that plays `shadow`. */
async function play(
  script: Script,
  shadow: Script,
  act: (stage: Stage) => Promise<void>,
  options: Options = {},
): Promise<void> {
  await using original = await ScriptedUpstream.start(script);
  await using mirror = await ScriptedUpstream.start(shadow);
  await using gateway = await startGatewayWith(configWith(original.url, mirror.url, options));
  using client = await RawClient.connect({ port: gateway.port });
  await act({ client, gateway, original, mirror });
}

type Copies = Readonly<Record<'sent' | 'failed' | 'dropped', number>>;

function copies(gateway: TestGateway): Copies {
  const count = (outcome: string): number => {
    const line = `portcullis_mirror_copies_total{service="shadow",outcome="${outcome}"} `;
    return Number(
      new RegExp(`^${line.replaceAll(/[{}]/g, '\\$&')}(\\d+)$`, 'm').exec(gateway.metrics())?.[1] ?? 0,
    );
  };
  return { sent: count('sent'), failed: count('failed'), dropped: count('dropped') };
}

/** Nothing tells when a counter changes, so it is looked at again whenever something may have. */
async function untilCopies(gateway: TestGateway, expected: Partial<Copies>): Promise<void> {
  const end = performance.now() + 10_000;
  const whole = { sent: 0, failed: 0, dropped: 0, ...expected };
  while (JSON.stringify(copies(gateway)) !== JSON.stringify(whole) && performance.now() < end) await turns();
  assert.deepEqual(copies(gateway), whole);
}

/** Reads a body of so many octets and answers. */
const readsBody =
  (length: number): Script =>
  async (connection) => {
    for (;;) {
      await connection.head();
      await connection.octets(length);
      await connection.send(answer(200, 'fine'));
    }
  };

/** Reads up to the end of a chunked body and answers. */
const readsChunked: Script = async (connection) => {
  await connection.head();
  await connection.untilReceived('\r\n0\r\n');
  await connection.send(answer(200, 'fine'));
};

/** Takes octets from nobody. */
const takesNothing: Script = (connection) => void connection.socket.pause();

const withoutMark = (text: string): string => text.replace('X-Mirrored: true\r\n', '');

describe('What the mirror gets', () => {
  it('is what the service gets, with a mark', async () => {
    await play(fine, fine, async ({ client, gateway, original, mirror }) => {
      await client.send(
        get(['X-A: 1', 'Connection: close, x-b', 'X-B: 2', 'Keep-Alive: 5', 'Accept: */*'], '/p?q=1'),
      );
      assert.equal((await client.answer()).body.toString(), 'fine');
      await untilCopies(gateway, { sent: 1 });
      const [sent, copied] = [await original.connection(0), await mirror.connection(0)];
      assert.match(
        copied.text,
        /^GET \/p\?q=1 HTTP\/1\.1\r\nHost: a\.example\r\nX-A: 1\r\nAccept: \*\/\*\r\n/,
      );
      assert.match(copied.text, /\r\nX-Mirrored: true\r\n\r\n$/);
      assert.equal(withoutMark(copied.text), sent.text);
      assert.match(copied.text, /\r\nX-Forwarded-For: 127\.0\.0\.1\r\n/);
    });
  });

  it('has the path, host, method and fields that the route and its policies made', async () => {
    const policies = [
      hooked('changes', {
        onRequest({ request: changed }) {
          changed.upstreamMethod = 'PUT';
          changed.fields.set('x-a', 'changed');
          changed.fields.append('Transfer-Encoding', 'chunked');
        },
      }),
    ];
    const route = { match: { paths: ['/a/*'] }, rewrite: { path: '/b/*', host: 'inner.example' } };
    await play(
      fine,
      fine,
      async ({ client, gateway, original, mirror }) => {
        await client.send(get(['X-A: 1'], '/a/x'));
        await client.answer();
        await untilCopies(gateway, { sent: 1 });
        const copied = await mirror.connection(0);
        assert.match(copied.text, /^PUT \/b\/x HTTP\/1\.1\r\nHost: inner\.example\r\nX-A: changed\r\n/i);
        assert.doesNotMatch(copied.text, /transfer-encoding/i);
        assert.equal(withoutMark(copied.text), (await original.connection(0)).text);
      },
      { route, policies },
    );
  });

  it('goes under the host that the mirror’s service says', async () => {
    await play(
      fine,
      fine,
      async ({ client, gateway, mirror }) => {
        await client.send(get());
        await client.answer();
        await untilCopies(gateway, { sent: 1 });
        assert.match((await mirror.connection(0)).text, /\r\nHost: shadow\.example\r\n/);
      },
      { service: { host: 'shadow.example' } },
    );
  });

  it('has the body, with its length', async () => {
    await play(readsBody(11), readsBody(11), async ({ client, gateway, original, mirror }) => {
      await client.sendSplit(post(['Content-Length: 11'], 'hello world'), [80, 85]);
      await client.answer();
      await untilCopies(gateway, { sent: 1 });
      const copied = await mirror.connection(0);
      assert.match(copied.text, /\r\nContent-Length: 11\r\nX-Mirrored: true\r\n\r\nhello world$/);
      assert.equal(withoutMark(copied.text), (await original.connection(0)).text);
    });
  });

  it('has a chunked body with its trailers', async () => {
    await play(readsChunked, readsChunked, async ({ client, gateway, mirror }) => {
      await client.send(post(['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n'));
      await client.answer();
      await untilCopies(gateway, { sent: 1 });
      assert.match(
        (await mirror.connection(0)).text,
        /X-Mirrored: true\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n$/,
      );
    });
  });

  it('has the body that transforms made', async () => {
    const upper = {
      chunk: (data: Buffer) => Buffer.from(data.toString().toUpperCase()),
      end: () => Buffer.from('!'),
    };
    const policies = [hooked('louder', { transformRequestBody: () => ({ ...upper }) })];
    await play(
      readsChunked,
      readsChunked,
      async ({ client, gateway, mirror }) => {
        await client.send(post(['Content-Length: 5'], 'hello'));
        await client.answer();
        await untilCopies(gateway, { sent: 1 });
        const body = (await mirror.connection(0)).text.split('\r\n\r\n').slice(1).join('\r\n\r\n');
        assert.equal(body.replaceAll(/\d\r\n|\r\n/g, ''), 'HELLO!');
      },
      { policies },
    );
  });

  it('comes on a connection that is kept', async () => {
    await play(fine, fine, async ({ client, gateway, mirror }) => {
      for (let i = 1; i <= 3; i++) {
        await client.send(get());
        await client.answer();
        await untilCopies(gateway, { sent: i });
      }
      assert.equal(mirror.connections.length, 1);
    });
  });

  for (const [title, fields] of [
    ['a switch of protocols', ['Connection: upgrade', 'Upgrade: websocket']],
    ['a request that is a copy already', ['X-Mirrored: true']],
  ] as const) {
    it(`is nothing for ${title}`, async () => {
      await play(fine, fine, async ({ client, gateway, mirror }) => {
        await client.send(get(fields));
        assert.equal((await client.answer()).status, 200);
        await client.send(get());
        await client.answer();
        await untilCopies(gateway, { sent: 1 });
        assert.equal((await mirror.connection(0)).text.match(/GET /g)?.length, 1);
      });
    });
  }

  it('is nothing for a request that a policy answers, and nothing at 0 per cent', async () => {
    const policies = [hooked('refuses', { onRequest: () => ({ status: 403 }) })];
    for (const options of [{ policies }, { mirror: { percent: 0 } }]) {
      await play(
        fine,
        fine,
        async ({ client, gateway, mirror }) => {
          await client.send(get() + get());
          await client.answer();
          await client.answer();
          assert.deepEqual(
            [copies(gateway), mirror.connections.length],
            [{ sent: 0, failed: 0, dropped: 0 }, 0],
          );
        },
        options,
      );
    }
  });

  it('is nothing of a request line that a policy broke out of', async () => {
    const breakOut = ({ request: own }: Exchange): void => {
      if (own.path === '/bad') own.upstreamPath = '/x HTTP/1.1\r\nHost: a\r\n\r\nGET /smuggled';
    };
    for (const hook of ['onRequest', 'onAttempt'] as const) {
      await play(
        fine,
        fine,
        async ({ client, gateway, mirror }) => {
          // The first one leaves a connection behind, so that the second one is sent at once.
          await client.send(get());
          await client.answer();
          await untilCopies(gateway, { sent: 1 });
          await client.send(get([], '/bad'));
          assert.equal((await client.answer()).status, 500);
          await client.send(get());
          await client.answer();
          await untilCopies(gateway, { sent: 2, dropped: hook === 'onAttempt' ? 1 : 0 });
          assert.doesNotMatch(mirror.connections.map(({ text }) => text).join(), /smuggled/);
        },
        { policies: [hooked('careless', { [hook]: breakOut })] },
      );
    }
  });

  it('goes to the new target after a reload', async () => {
    await using elsewhere = await ScriptedUpstream.start(fine);
    await play(fine, fine, async ({ client, gateway, original, mirror }) => {
      const { dataPlane } = gateway;
      dataPlane.commit(await dataPlane.prepare(configWith(original.url, elsewhere.url)));
      await client.send(get());
      await client.answer();
      await untilCopies(gateway, { sent: 1 });
      assert.deepEqual([mirror.connections.length, elsewhere.connections.length], [0, 1]);
    });
  });
});

describe('The original is answered as without a mirror', () => {
  const BODY = 'x'.repeat(10_000);
  const upload = post([`Content-Length: ${BODY.length}`, 'Expect: 100-continue']);

  /** Says everything that an upstream may say before its answer. */
  const talkative: Script = async (connection) => {
    await connection.head();
    await connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
    await connection.send('HTTP/1.1 100 Continue\r\n\r\n');
    await connection.octets(BODY.length);
    await connection.send(
      'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n4\r\nfine\r\n0\r\nX-T: u\r\n\r\n',
    );
    await fine(connection);
  };

  /** What the client gets, octet for octet but for the date. */
  async function received({ client }: Pick<Stage, 'client'>): Promise<string> {
    await client.send(upload);
    await client.until(() => client.received.includes('100 Continue'), 'the word to go on');
    await client.send(BODY + get());
    await client.until(
      () => /fine\r\n0\r\n[^]*\r\n\r\nfine$/.test(client.received.toString('latin1')),
      'both answers',
    );
    return client.received.toString('latin1').replaceAll(/^Date: .*\r\n/gm, '');
  }

  const EXPECTED =
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n' +
    'HTTP/1.1 100 Continue\r\n\r\n' +
    'HTTP/1.1 201 Created\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\nX-T: u\r\n\r\n' +
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine';

  const resets: Script = (connection) => void connection.socket.resetAndDestroy();
  const saying =
    (text: string): Script =>
    async (connection) => {
      await connection.head();
      await connection.send(text);
    };

  const table: readonly (readonly [title: string, shadow: Script, copies: Partial<Copies>])[] = [
    ['answers', readsBody(BODY.length), {}],
    ['never answers', async (connection) => void (await connection.head()), {}],
    ['takes nothing', takesNothing, {}],
    ['resets every connection', resets, { failed: 2 }],
    ['closes every connection', (connection) => connection.close(), { failed: 2 }],
    ['answers with garbage', saying('SSH-2.0-OpenSSH_9.2\r\n\r\n'), { failed: 2 }],
    [
      'answers with two lengths',
      saying('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
      { failed: 2 },
    ],
    [
      'switches protocols unasked',
      saying('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      { failed: 2 },
    ],
    ['answers 500 before it has the body', saying(answer(500, 'no')), { sent: 2 }],
    [
      'answers and then resets',
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
        connection.socket.resetAndDestroy();
      },
      { sent: 2 },
    ],
  ];
  for (const [title, shadow, expected] of table) {
    it(`that ${title}`, async () => {
      await play(talkative, shadow, async (stage) => {
        assert.equal(await received(stage), EXPECTED);
        if (Object.keys(expected).length > 0) await untilCopies(stage.gateway, expected);
        const entries = stage.gateway.accessLog();
        assert.deepEqual(
          entries.filter((entry) => entry['error'] !== undefined),
          [],
        );
      });
    });
  }

  it('that nobody listens for', async () => {
    await using gone = await ScriptedUpstream.start(fine);
    const { url } = gone;
    await gone.close();
    await using original = await ScriptedUpstream.start(talkative);
    await using gateway = await startGatewayWith(configWith(original.url, url));
    using client = await RawClient.connect({ port: gateway.port });
    assert.equal(await received({ client }), EXPECTED);
    await untilCopies(gateway, { failed: 2 });
    const target = url.slice('http://'.length);
    assert.deepEqual(gateway.warnings, [
      `a copy for the mirror shadow of route main was lost: ${target}: ECONNREFUSED`,
    ]);
  });
});

describe('A copy is bounded', () => {
  const LARGE = Buffer.alloc(4 * 1024 * 1024, 'abcdefghij');
  const upload = post([`Content-Length: ${LARGE.length}`]);

  it('a large upload arrives whole at a mirror that takes it', async () => {
    await play(
      readsBody(LARGE.length),
      readsBody(LARGE.length),
      async ({ client, gateway, mirror }) => {
        await client.send(upload);
        await client.send(LARGE);
        assert.equal((await client.answer('POST')).body.toString(), 'fine');
        await untilCopies(gateway, { sent: 1 });
        const { received } = await mirror.connection(0);
        assert.ok(received.subarray(received.length - LARGE.length).equals(LARGE));
      },
      { mirror: { buffer: '16mb' } },
    );
  });

  it('a mirror that takes nothing of a large upload loses it, and the service has all of it', async () => {
    // More than the system keeps for a socket that is not read.
    const huge = Buffer.alloc(16 * 1024 * 1024, 'abcdefghij');
    await using original = await RecordingUpstream.start();
    await using mirror = await ScriptedUpstream.start(takesNothing);
    const config = configWith(original.url, mirror.url, { mirror: { buffer: '64kb' } });
    await using gateway = await startGatewayWith(config);
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(post([`Content-Length: ${huge.length}`]));
    await client.send(huge);
    assert.equal((await client.answer('POST')).body.toString(), 'request 1');
    assert.ok(original.requests[0]?.body.equals(huge));
    await untilCopies(gateway, { dropped: 1 });
    const copied = await mirror.connection(0);
    copied.socket.resume();
    await copied.untilEnded();
    assert.ok(copied.received.length < huge.length);
    assert.match(
      gateway.warnings.join(),
      /its body comes faster than it is taken: more than 65536 octets wait$/,
    );
  });

  it('copies beyond the limit are not made', async () => {
    const silent: Script = async (connection) => void (await connection.head());
    await play(
      fine,
      silent,
      async ({ client, gateway, mirror }) => {
        await client.send(get() + get() + get());
        for (let i = 0; i < 3; i++) assert.equal((await client.answer()).body.toString(), 'fine');
        await untilCopies(gateway, { dropped: 1 });
        await mirror.connection(1);
        // One that is answered makes room for the next.
        await (await mirror.connection(0)).untilReceived('\r\n\r\n');
        await (await mirror.connection(0)).send(answer(200));
        await untilCopies(gateway, { dropped: 1, sent: 1 });
        await client.send(get());
        await client.answer();
        await (await mirror.connection(0)).until(
          () => mirror.connections[0]?.text.match(/GET /g)?.length === 2,
          'it',
        );
        assert.deepEqual(gateway.warnings, [
          'a copy for the mirror shadow of route main was lost: 2 under way are as many as may be',
        ]);
      },
      { mirror: { concurrency: 2 } },
    );
  });

  it('a mirror without a free connection loses copies', async () => {
    const silent: Script = async (connection) => void (await connection.head());
    await play(
      fine,
      silent,
      async ({ client, gateway }) => {
        await client.send(get() + get());
        await client.answer();
        await client.answer();
        await untilCopies(gateway, { dropped: 1 });
      },
      { service: { connections: { max: 1, pending: 0 } } },
    );
  });

  it('the timeouts of the mirror’s service end a copy that is not answered', async () => {
    const silent: Script = async (connection) => void (await connection.head());
    await play(
      fine,
      silent,
      async ({ client, gateway, mirror }) => {
        await client.send(get());
        assert.equal((await client.answer()).body.toString(), 'fine');
        await (await mirror.connection(0)).untilEnded();
        await untilCopies(gateway, { failed: 1 });
        assert.match(gateway.warnings.join(), /127\.0\.0\.1:\d+: no answer within 50 ms$/);
      },
      { service: { timeouts: { firstByte: '50ms' } } },
    );
  });

  it('an answer without end is not read on', async () => {
    const endless: Script = async (connection) => {
      await connection.head();
      await connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
      while (!connection.closed && !connection.socket.destroyed) await connection.send(chunk);
    };
    await play(fine, endless, async ({ client, gateway, mirror }) => {
      await client.send(get());
      assert.equal((await client.answer()).body.toString(), 'fine');
      await mirror.until(() => mirror.connections[0]?.closed === true, 'the end of the copy');
      await untilCopies(gateway, { sent: 1 });
    });
  });

  it('a client that leaves within its body ends the copy', async () => {
    await play(readsBody(100), readsBody(100), async ({ client, gateway, mirror }) => {
      await client.send(post(['Content-Length: 100'], 'half'));
      await (await mirror.connection(0)).untilReceived('half');
      client.close();
      await (await mirror.connection(0)).untilEnded();
      await untilCopies(gateway, { dropped: 1 });
      assert.match(gateway.warnings.join(), /the original ended within its body$/);
    });
  });

  it('a body that is too large ends the copy with the original', async () => {
    const config = (url: string, shadow: string): DataPlaneConfig => {
      const plain = configWith(url, shadow);
      const main = plain.listeners['main'] as DataPlaneConfig['listeners'][string];
      return { ...plain, listeners: { main: { ...main, limits: { ...main.limits, body: 8 } } } };
    };
    await using original = await ScriptedUpstream.start(readsChunked);
    await using mirror = await ScriptedUpstream.start(readsChunked);
    await using gateway = await startGatewayWith(config(original.url, mirror.url));
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(request(['POST / HTTP/1.1', HOST, 'Transfer-Encoding: chunked'], '5\r\nhello\r\n'));
    await (await mirror.connection(0)).untilReceived('hello');
    await client.send('5\r\nworld\r\n0\r\n\r\n');
    assert.equal((await client.answer('POST')).status, 413);
    await (await mirror.connection(0)).untilEnded();
    await untilCopies(gateway, { dropped: 1 });
  });
});
