import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { PolicyUse } from '../../src/policies/use.ts';
import type { Exchange } from '../../src/policy/contract.ts';
import { routeSchema } from '../../src/routing/schema.ts';
import type { DataPlaneConfig } from '../../src/server/config.ts';
import { get, HOST, post, request } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import { configBefore, startGatewayWith, type TestGateway } from '../support/gateway.ts';
import { hooked } from '../support/hooked-policy.ts';
import { fine, playWithPolicies as play, startWithPolicies as startWith } from '../support/policy-play.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';
import { answer, type Script, type ScriptedUpstream } from '../support/scripted-upstream.ts';

suite('a limit on the size of a request’s body', () => {
  const limit = (max: string): PolicyUse => ({ name: 'request-size', options: { max } });
  const codeOf = (body: Buffer) => (JSON.parse(body.toString()) as { code: unknown }).code;

  test('refuses a known length before an octet of it is read or the upstream is asked', async () => {
    await play([limit('10b')], fine, async (client, upstream) => {
      await client.send(post(['Content-Length: 11']));
      const refused = await client.answer('POST');
      assert.deepEqual([refused.status, codeOf(refused.body)], [413, 'body_too_large']);
      assert.equal(upstream.connections.length, 0);
      await client.send('hello world');
      await client.send(post(['Content-Length: 0']));
      assert.equal((await client.answer()).status, 200, 'a short rest is read, and the connection lives on');
    });
  });

  test('closes the connection where the rest is not worth reading', async () => {
    await play([limit('10b')], fine, async (client) => {
      await client.send(post(['Content-Length: 100000000']));
      const refused = await client.answer('POST');
      assert.deepEqual([refused.status, refused.get('connection')], [413, 'close']);
      await client.untilEnded();
    });
  });

  test('refuses before it asks for a body that the client holds back', async () => {
    await play([limit('10b')], fine, async (client) => {
      await client.send(post(['Content-Length: 11', 'Expect: 100-continue']));
      const refused = await client.answer('POST');
      assert.deepEqual([refused.status, refused.get('connection')], [413, 'close']);
    });
  });

  test('refuses a chunked body as soon as it is too long, and the upstream gets no end of it', async () => {
    const script: Script = async (connection) => {
      await connection.head();
      await connection.until(() => connection.gone, 'the gateway to give up');
      assert.ok(!connection.text.endsWith('0\r\n\r\n'));
    };
    const gateway = await play([limit('10b')], script, async (client, upstream) => {
      await client.send(post(['Transfer-Encoding: chunked'], 'a\r\n0123456789\r\n'));
      await (await upstream.connection(0)).untilReceived('0123456789');
      assert.equal(client.received.length, 0, 'ten are allowed');
      await client.send('1\r\nx\r\n');
      const refused = await client.answer('POST');
      assert.deepEqual(
        [refused.status, codeOf(refused.body), refused.get('connection')],
        [413, 'body_too_large', 'close'],
      );
      await client.untilEnded();
      await (await upstream.connection(0)).untilEnded();
    });
    assert.deepEqual(
      gateway.accessLog().map(({ status, code }) => [status, code]),
      [[413, 'body_too_large']],
    );
  });

  test('lets pass what is within, however it is framed', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startWith(upstream.url, [limit('10b')]);
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(
      post(['Transfer-Encoding: chunked'], '5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n') +
        post(['Content-Length: 10'], '0123456789'),
    );
    assert.deepEqual([(await client.answer()).status, (await client.answer()).status], [200, 200]);
    assert.deepEqual(
      upstream.requests.map(({ body }) => body.toString()),
      ['0123456789', '0123456789'],
    );
  });

  test('counts what the client sends, not what a transform makes of it', async () => {
    const doubling = hooked('doubling', {
      transformRequestBody: () => ({ chunk: (data) => Buffer.concat([data, data]) }),
    });
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startWith(upstream.url, [limit('10b'), doubling]);
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(post(['Transfer-Encoding: chunked'], 'a\r\n0123456789\r\n0\r\n\r\n'));
    assert.equal((await client.answer()).status, 200);
    assert.equal(upstream.requests[0]?.body.length, 20);
  });
});

suite('a CORS preflight', () => {
  const cors = (origin: string): PolicyUse => ({
    name: 'cors',
    options: { origins: [origin], methods: ['GET', 'POST', 'PUT'] },
  });
  const PREFLIGHT = ['OPTIONS /page HTTP/1.1', HOST];

  async function started(url: string): Promise<TestGateway> {
    const config = configBefore(url);
    const route = (methods: string[], policies: readonly PolicyUse[]): DataPlaneConfig['routes'][string] => ({
      ...routeSchema.parse({ match: { paths: ['/page'], methods }, service: 'main' }),
      policies,
    });
    return startGatewayWith({
      ...config,
      routes: {
        read: route(['GET'], [cors('https://read.example')]),
        write: route(['POST'], [cors('https://write.example')]),
      },
    });
  }

  for (const [method, origin, allowed] of [
    ['GET', 'https://read.example', true],
    ['GET', 'https://write.example', false],
    ['POST', 'https://write.example', true],
    ['POST', 'https://read.example', false],
  ] as const) {
    test(`for ${method} is answered by the policies of the route of ${method}: ${origin}`, async () => {
      await using upstream = await RecordingUpstream.start();
      await using gateway = await started(upstream.url);
      using client = await RawClient.connect({ port: gateway.port });
      await client.send(
        request([...PREFLIGHT, `Origin: ${origin}`, `Access-Control-Request-Method: ${method}`]),
      );
      const got = await client.answer('OPTIONS');
      assert.equal(got.get('access-control-allow-origin'), allowed ? origin : undefined);
      assert.equal(upstream.heads, 0);
    });
  }

  for (const [title, fields] of [
    [
      'for a method that no route has',
      ['Origin: https://read.example', 'Access-Control-Request-Method: PUT'],
    ],
    ['without Origin', ['Access-Control-Request-Method: GET']],
    ['without the method that it asks for', ['Origin: https://read.example']],
  ] as const) {
    test(`${title} is an OPTIONS like any other: 405`, async () => {
      await using upstream = await RecordingUpstream.start();
      await using gateway = await started(upstream.url);
      using client = await RawClient.connect({ port: gateway.port });
      await client.send(request([...PREFLIGHT, ...fields]));
      const got = await client.answer('OPTIONS');
      assert.deepEqual([got.status, got.get('allow')], [405, 'GET, HEAD, POST']);
      assert.equal(upstream.heads, 0);
    });
  }
});

suite('onEnd runs exactly once, and there is one line in the log', () => {
  interface End {
    readonly status: number;
    readonly count: number;
  }

  /** A policy that counts the ends of each exchange, by the exchange itself. */
  function counting(): { use: PolicyUse; ends: Map<Exchange, End> } {
    const ends = new Map<Exchange, End>();
    const onEnd = (exchange: Exchange): void => {
      ends.set(exchange, { status: exchange.response.status, count: (ends.get(exchange)?.count ?? 0) + 1 });
    };
    return { use: hooked('counting', { onEnd }), ends };
  }

  type Act = (client: RawClient, gateway: TestGateway, upstream: ScriptedUpstream) => Promise<void>;
  const gone = async ({ dataPlane }: TestGateway): Promise<void> => {
    while (dataPlane.stats().requestsInFlight > 0) await turns(1);
  };
  const quiet: Script = () => {};

  const table: [title: string, status: number, code: string | undefined, script: Script, act: Act][] = [
    [
      'proxied',
      200,
      undefined,
      fine,
      async (client) => {
        await client.send(get());
        await client.answer();
      },
    ],
    [
      'answered here',
      403,
      'no',
      quiet,
      async (client) => {
        await client.send(get([], '/answer'));
        await client.answer();
      },
    ],
    [
      'refused by a policy that throws',
      500,
      'policy_failed',
      quiet,
      async (client) => {
        await client.send(get([], '/throw'));
        await client.answer();
      },
    ],
    [
      'broken off by the upstream before its answer',
      502,
      'upstream_reset',
      async (connection) => {
        await connection.head();
        connection.reset();
      },
      async (client) => {
        await client.send(get());
        await client.answer();
      },
    ],
    [
      'broken off by the upstream within its answer',
      200,
      'upstream_reset',
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
        connection.close();
      },
      async (client) => {
        await client.send(get());
        await client.untilEnded();
      },
    ],
    [
      'not understood: the upstream does not speak HTTP',
      502,
      'upstream_invalid',
      async (connection) => {
        await connection.head();
        await connection.send('SSH-2.0\r\n');
      },
      async (client) => {
        await client.send(get());
        await client.answer();
      },
    ],
    [
      'given up by the client before the answer',
      499,
      'client_closed',
      quiet,
      async (client, gateway, upstream) => {
        await client.send(get());
        await (await upstream.connection(0)).head();
        client.reset();
        await gone(gateway);
      },
    ],
    [
      'given up by the client within the answer',
      200,
      'client_closed',
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
      },
      async (client, gateway) => {
        await client.send(get());
        await client.until(() => client.received.includes('hello'), 'the beginning');
        client.reset();
        await gone(gateway);
      },
    ],
    [
      'given up by the client within its body',
      499,
      'client_closed',
      quiet,
      async (client, gateway, upstream) => {
        await client.send(post(['Content-Length: 10'], 'hello'));
        await (await upstream.connection(0)).head();
        client.halfClose();
        await gone(gateway);
      },
    ],
    [
      'spoilt by the framing of its body',
      400,
      'bad_request',
      quiet,
      async (client) => {
        await client.send(post(['Transfer-Encoding: chunked'], '1\r\nx\r\nz\r\n'));
        await client.answer();
      },
    ],
    [
      'answered early, the rest of its body dropped',
      200,
      undefined,
      fine,
      async (client) => {
        await client.send(post(['Content-Length: 10'], 'hello'));
        await client.answer();
        await client.send('world');
        await client.send(request(['GET /answer HTTP/1.1', HOST, 'X-Uncounted: 1']));
        await client.answer();
      },
    ],
    [
      'ended with the gateway',
      499,
      'client_closed',
      quiet,
      async (client, gateway, upstream) => {
        await client.send(get());
        await (await upstream.connection(0)).head();
        await gateway.close();
        await client.untilEnded();
        await gone(gateway);
      },
    ],
  ];
  for (const [title, status, code, script, act] of table) {
    test(title, async () => {
      const { use, ends } = counting();
      const deciding = hooked('deciding', {
        onRequest({ request: { path } }) {
          if (path === '/throw') throw new Error('bad mood');
          return path === '/answer' ? { status: 403, code: 'no' } : undefined;
        },
      });
      const gateway = await play([use, deciding], script, (client, upstream, running) =>
        act(client, running, upstream),
      );
      const counted = [...ends].filter(([exchange]) => !exchange.request.fields.has('x-uncounted'));
      assert.deepEqual(
        counted.map(([, end]) => end),
        [{ status, count: 1 }],
      );
      const [first, ...others] = gateway.accessLog();
      assert.deepEqual([first?.['status'], first?.['code']], [status, code]);
      assert.equal(others.length, ends.size - 1);
    });
  }

  test('a tunnel, when both sides are done', async () => {
    const { use, ends } = counting();
    const gateway = await play(
      [use],
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
        await connection.untilReceived('hello');
        await connection.send('hello');
        connection.halfClose();
      },
      async (client, _upstream, running) => {
        await client.send(get(['Connection: upgrade', 'Upgrade: echo']));
        await client.answer();
        await client.send('hello');
        await client.untilEnded();
        assert.equal(ends.size, 0, 'one side is not done');
        client.halfClose();
        await gone(running);
      },
    );
    assert.deepEqual([...ends.values()], [{ status: 101, count: 1 }]);
    assert.equal(gateway.accessLog().length, 1);
  });
});

suite('an answer from a policy', () => {
  test('in the upstream’s place is all that the client gets', async () => {
    const use = hooked('replacing', { onUpstreamResponse: () => ({ status: 202, body: 'mine' }) });
    const script: Script = async (connection) => {
      for (;;) {
        await connection.head();
        await connection.send(answer(200, 'theirs'));
      }
    };
    await play([use], script, async (client) => {
      await client.send(get() + get());
      for (let i = 0; i < 2; i++) {
        const got = await client.answer();
        assert.deepEqual([got.status, got.body.toString()], [202, 'mine']);
      }
      assert.equal(client.rest.length, 0);
    });
  });
});
