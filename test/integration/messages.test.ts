import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { get, HOST, post, request } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import { configBefore, startGatewayBefore, startGatewayWith } from '../support/gateway.ts';
import { hooked } from '../support/hooked-policy.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';
import { answer, type Script, ScriptedUpstream } from '../support/scripted-upstream.ts';

async function play(
  script: Script,
  act: (client: RawClient, upstream: ScriptedUpstream) => Promise<void>,
): Promise<void> {
  await using upstream = await ScriptedUpstream.start(script);
  await using gateway = await startGatewayBefore(upstream.url);
  using client = await RawClient.connect({ port: gateway.port });
  await act(client, upstream);
}

suite('requests one behind the other', () => {
  test('are answered in order, however the octets are cut', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(upstream.url);
    const bytes =
      get([], '/1') +
      post(['Content-Length: 5'], 'hello') +
      post(['Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n') +
      request(['HEAD /4 HTTP/1.1', HOST]) +
      get(['Connection: close'], '/5');
    for (const step of [bytes.length, 100, 7, 1]) {
      upstream.clear();
      using client = await RawClient.connect({ port: gateway.port });
      await client.sendSplit(
        bytes,
        Array.from({ length: Math.floor(bytes.length / step) }, (_, i) => (i + 1) * step),
      );
      const answers = await client.answersUntilEnded(['GET', 'POST', 'POST', 'HEAD', 'GET']);
      assert.deepEqual(
        answers.map((one) => one.get('x-number')),
        ['1', '2', '3', '4', '5'],
      );
      assert.deepEqual(
        upstream.requests.map(({ method, target, body }) => `${method} ${target} ${body.toString()}`),
        ['GET /1 ', 'POST /form hello', 'POST /form abc', 'HEAD /4 ', 'GET /5 '],
      );
    }
  });

  test('wait for each other: the second reaches the upstream when the first is answered', async () => {
    await play(
      async (connection) => {
        await connection.untilReceived('/1');
        await turns(4);
        assert.ok(!connection.text.includes('/2'));
        await connection.head();
        await connection.send(answer(200, 'one'));
        assert.ok((await connection.head()).startsWith('GET /2 '));
        await connection.send(answer(200, 'two'));
      },
      async (client, upstream) => {
        await client.send(get([], '/1') + get([], '/2'));
        assert.deepEqual(
          [(await client.answer()).body.toString(), (await client.answer()).body.toString()],
          ['one', 'two'],
        );
        assert.equal(upstream.connections.length, 1);
      },
    );
  });

  test('thousands of them at once', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayBefore(upstream.url);
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(get().repeat(2999) + get(['Connection: close']));
    const answers = await client.answersUntilEnded();
    assert.equal(answers.length, 3000);
    assert.ok(answers.every((one, i) => one.get('x-number') === String(i + 1)));
  });
});

suite('an HTTP/1.0 client', () => {
  test('gets an answer of unknown length until the close, never chunked', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
      },
      async (client) => {
        await client.send(request(['GET /page HTTP/1.0', 'Connection: keep-alive']));
        const [only, ...rest] = await client.answersUntilEnded();
        assert.deepEqual(
          [only?.framing, only?.body.toString(), only?.get('connection'), rest.length],
          ['close', 'hello', 'close', 0],
        );
      },
    );
  });

  test('gets no interim answers', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer(200, 'hello')}`);
      },
      async (client) => {
        await client.send(request(['GET /page HTTP/1.0']));
        assert.deepEqual(
          (await client.answersUntilEnded()).map(({ status }) => status),
          [200],
        );
      },
    );
  });

  test('keeps its connection where it asked to and the length is known', async () => {
    await play(
      async (connection) => {
        for (;;) {
          await connection.head();
          await connection.send(answer(200, 'hello'));
        }
      },
      async (client) => {
        for (let i = 0; i < 2; i++) {
          await client.send(request(['GET /page HTTP/1.0', 'Connection: keep-alive']));
          assert.equal((await client.answer()).get('connection'), 'keep-alive');
        }
      },
    );
  });
});

suite('interim answers', () => {
  test('103 is passed on at once, several of them', async () => {
    const seen = Promise.withResolvers<void>();
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(
          'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 103 Early Hints\r\nSet-Cookie: a=b\r\nLink: </b.css>\r\n\r\n',
        );
        await seen.promise;
        await connection.send(answer(200, 'hello'));
      },
      async (client) => {
        await client.send(get());
        for (const link of ['</a.css>', '</b.css>']) {
          const hint = await client.answer();
          assert.deepEqual([hint.status, hint.get('link'), hint.get('set-cookie')], [103, link, undefined]);
        }
        seen.resolve();
        assert.equal((await client.answer()).body.toString(), 'hello');
      },
    );
  });

  test('100 Continue is the upstream’s to give: the body is read when it came', async () => {
    const wanted = Promise.withResolvers<void>();
    await play(
      async (connection) => {
        assert.match(await connection.head(), /\r\nExpect: 100-continue/i);
        await wanted.promise;
        await connection.send('HTTP/1.1 100 Continue\r\n\r\n');
        assert.equal((await connection.octets(5)).toString(), 'hello');
        await connection.send(answer(200, 'thanks'));
      },
      async (client, upstream) => {
        await client.send(post(['Content-Length: 5', 'Expect: 100-continue']));
        await (await upstream.connection(0)).untilReceived('\r\n\r\n');
        assert.equal(client.received.length, 0);
        wanted.resolve();
        assert.equal((await client.answer()).status, 100);
        await client.send('hello');
        const final = await client.answer();
        assert.deepEqual(
          [final.status, final.body.toString(), final.get('connection')],
          [200, 'thanks', undefined],
        );
      },
    );
  });

  test('an answer instead of 100 Continue closes the connection, since the body may follow or not', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(answer(401, 'who are you'));
      },
      async (client) => {
        await client.send(post(['Content-Length: 5', 'Expect: 100-continue']));
        const [only, ...rest] = await client.answersUntilEnded();
        assert.deepEqual([only?.status, only?.get('connection'), rest.length], [401, 'close', 0]);
      },
    );
  });

  test('a client that does not wait for 100 Continue has its body read all the same', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 100 Continue\r\n\r\n');
        await connection.octets(5);
        await connection.send(answer(200, 'thanks'));
      },
      async (client) => {
        await client.send(post(['Content-Length: 5', 'Expect: 100-continue'], 'hello'));
        const answers = [await client.answer(), await client.answer()];
        assert.deepEqual(
          answers.map(({ status }) => status),
          [100, 200],
        );
      },
    );
  });
});

suite('trailers', () => {
  test('of a request reach the upstream', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.untilReceived('0\r\nX-Sum: 7\r\n\r\n');
        await connection.send(answer(200, 'hello'));
      },
      async (client) => {
        await client.send(
          post(['Transfer-Encoding: chunked', 'Trailer: X-Sum'], '5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n'),
        );
        assert.equal((await client.answer()).status, 200);
      },
    );
  });

  test('of an answer reach a client that takes them', async () => {
    await play(
      async (connection) => {
        assert.match(await connection.head(), /\r\nTE: trailers/i);
        await connection.send(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n',
        );
      },
      async (client) => {
        await client.send(get(['TE: trailers', 'Connection: TE']));
        const whole = await client.answer();
        assert.deepEqual([whole.body.toString(), whole.trailers], ['hello', [['X-Sum', '7']]]);
      },
    );
  });
});

suite('what is asked of the gateway itself', () => {
  const OWN = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
  const TABLE: [lines: string[], status: number, body?: string][] = [
    [['OPTIONS * HTTP/1.1'], 204],
    [['OPTIONS http://a.example HTTP/1.1'], 204],
    [['OPTIONS /page HTTP/1.1', 'Max-Forwards: 0'], 204],
    [['TRACE /page HTTP/1.1', 'Max-Forwards: 0'], 405],
    // A service that echoes it would hand out what the gateway adds for the service alone (RFC 9110 section 9.3.8).
    [['TRACE /page HTTP/1.1', 'Max-Forwards: 7'], 405],
    [['TRACE /page HTTP/1.1'], 405],
    [['TRACE /page HTTP/1.1', 'Content-Length: 5'], 405, 'hello'],
  ];
  for (const [lines, status, body] of TABLE) {
    test(`${lines.join(', ')}: ${status}, behind the policies of every route`, async () => {
      const seen: string[] = [];
      await using upstream = await RecordingUpstream.start();
      const everywhere = hooked('everywhere', {
        onRequest: ({ request: asked }) => {
          seen.push(`${asked.method} ${asked.path}`);
          asked.upstreamHost = 'b.example';
        },
      });
      await using gateway = await startGatewayWith({ ...configBefore(upstream.url), policies: [everywhere] });
      using client = await RawClient.connect({ port: gateway.port });
      const [first = '', ...fields] = lines;
      await client.send(request([first, HOST, ...fields], body) + get());
      const own = await client.answer();
      assert.deepEqual([own.status, own.get('allow')], [status, OWN]);
      assert.equal((await client.answer()).status, 200);
      const [method = '', target = ''] = first.split(' ');
      assert.deepEqual(seen, [`${method} ${target.startsWith('/') ? target : '*'}`, 'GET /page']);
      assert.deepEqual(
        upstream.requests.map(({ target: asked }) => asked),
        ['/page'],
      );
    });
  }

  for (const [value, sent] of [
    ['1', '0'],
    ['010', '9'],
    ['x', 'x'],
    ['9999999999', '9999999999'],
  ] as const) {
    test(`OPTIONS with Max-Forwards: ${value} is passed on with ${sent}`, async () => {
      await using upstream = await RecordingUpstream.start();
      await using gateway = await startGatewayBefore(upstream.url);
      using client = await RawClient.connect({ port: gateway.port });
      await client.send(request(['OPTIONS /page HTTP/1.1', HOST, `Max-Forwards: ${value}`]));
      assert.equal((await client.answer()).status, 200);
      assert.deepEqual(
        upstream.requests[0]?.fields.filter(([name]) => name === 'max-forwards'),
        [['max-forwards', sent]],
      );
    });
  }

  test('OPTIONS that has one hop left and no route is one without a route', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayWith({ ...configBefore(upstream.url), routes: {} });
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(request(['OPTIONS /page HTTP/1.1', HOST, 'Max-Forwards: 1']));
    assert.equal((await client.answer()).status, 404);
  });
});

test('a redirect to another scheme of a request without a host is 400: there is nowhere to send it', async () => {
  const config = configBefore('http://127.0.0.1:1');
  const { service: _, ...route } = config.routes['main'] ?? assert.fail();
  const main = { ...route, redirect: { scheme: 'https' as const, status: 308 as const } };
  await using gateway = await startGatewayWith({ ...config, routes: { main } });
  for (const [line, status, location] of [
    ['GET /page HTTP/1.0', 400, undefined],
    ['GET /page HTTP/1.0\r\nHost: a.example', 308, 'https://a.example/page'],
  ] as const) {
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(request([line]));
    const redirected = await client.answer();
    assert.deepEqual([redirected.status, redirected.get('location')], [status, location]);
  }
});
