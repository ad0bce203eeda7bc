import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { suite, test } from 'node:test';
import { get, HOST, post, request } from '../conformance/case.ts';
import { type Answer } from '../support/answers.ts';
import { startGatewayBefore } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { answer, type Script, ScriptedUpstream } from '../support/scripted-upstream.ts';

/** Short, so that a test of a timeout does not take long; far longer than anything within one process takes. */
const SHORT = '200ms';

/** One client, one gateway, one upstream that plays the script. */
async function play(
  script: Script,
  act: (client: RawClient, upstream: ScriptedUpstream, port: number) => Promise<void>,
  service: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await using upstream = await ScriptedUpstream.start(script);
  await using gateway = await startGatewayBefore(upstream.url, {}, service);
  using client = await RawClient.connect({ port: gateway.port });
  await act(client, upstream, gateway.port);
}

function code(failed: Answer): unknown {
  assert.equal(failed.get('content-type'), 'application/problem+json');
  return (JSON.parse(failed.body.toString()) as { code: unknown }).code;
}

/** The gateway gives the failure as its answer and goes on serving the connection. */
async function assertFailure(client: RawClient, status: number, failure: string): Promise<void> {
  await client.send(get());
  const failed = await client.answer();
  assert.deepEqual([failed.status, code(failed)], [status, failure]);
  assert.equal(failed.get('connection'), undefined);
}

suite('an upstream that cannot be asked', () => {
  test('refuses the connection: 502 upstream_refused', async () => {
    // A port that was free a moment ago: the system does not give it away again so soon.
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    await using gateway = await startGatewayBefore(`http://127.0.0.1:${port}`);
    using client = await RawClient.connect({ port: gateway.port });
    await assertFailure(client, 502, 'upstream_refused');
    await assertFailure(client, 502, 'upstream_refused');
  });

  test('closes at once: 502 upstream_reset', async () => {
    await play(
      (connection) => connection.close(),
      (client) => assertFailure(client, 502, 'upstream_reset'),
    );
  });

  test('resets a connection without a word: 502 upstream_reset', async () => {
    await play(
      async (connection) => {
        await connection.head();
        connection.reset();
      },
      (client) => assertFailure(client, 502, 'upstream_reset'),
    );
  });

  test('reads the request and closes: 502 upstream_reset, and the request is not sent again', async () => {
    await play(
      async (connection) => {
        await connection.head();
        connection.close();
      },
      async (client, upstream) => {
        await assertFailure(client, 502, 'upstream_reset');
        assert.equal(upstream.connections.length, 1);
      },
    );
  });

  test('reads the request and closes its sending side: 502 upstream_reset', async () => {
    await play(
      async (connection) => {
        await connection.head();
        connection.halfClose();
      },
      (client) => assertFailure(client, 502, 'upstream_reset'),
    );
  });

  for (const part of [
    'HTTP/1.1',
    'HTTP/1.1 200 OK\r\nContent-Le',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n',
  ]) {
    for (const how of ['close', 'reset', 'halfClose'] as const) {
      test(`breaks off (${how}) within the head, behind ${JSON.stringify(part)}: 502 upstream_reset`, async () => {
        await play(
          async (connection) => {
            await connection.head();
            await connection.send(part);
            connection[how]();
          },
          (client) => assertFailure(client, 502, 'upstream_reset'),
        );
      });
    }
  }

  test('takes the connection and says nothing: 504 upstream_timeout', async () => {
    await play(
      () => {},
      async (client, upstream) => {
        await assertFailure(client, 504, 'upstream_timeout');
        await (await upstream.connection(0)).untilEnded();
      },
      { timeouts: { firstByte: SHORT } },
    );
  });

  test('stalls within the head: 504 upstream_timeout', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\nX: ');
      },
      async (client, upstream) => {
        await assertFailure(client, 504, 'upstream_timeout');
        await (await upstream.connection(0)).untilEnded();
      },
      { timeouts: { firstByte: SHORT } },
    );
  });
});

suite('an answer that breaks off', () => {
  const CASES: [title: string, head: string, how: 'close' | 'reset' | 'halfClose'][] = [
    ['closed before its length', 'Content-Length: 10\r\n\r\nhello', 'close'],
    ['half-closed before its length', 'Content-Length: 10\r\n\r\nhello', 'halfClose'],
    ['reset before its length', 'Content-Length: 10\r\n\r\nhello', 'reset'],
    ['closed within a chunk', 'Transfer-Encoding: chunked\r\n\r\n9\r\nhello', 'close'],
    ['closed between chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 'close'],
    ['closed before the trailers end', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n', 'close'],
    ['reset before its end, which was to be the close', '\r\nhello', 'reset'],
  ];
  for (const [title, head, how] of CASES) {
    test(`${title}: the client can tell that it is not whole`, async () => {
      const passedOn = Promise.withResolvers<void>();
      await play(
        async (connection) => {
          await connection.head();
          await connection.send(`HTTP/1.1 200 OK\r\n${head}`);
          // The gateway passes on what came before the end of it comes.
          await passedOn.promise;
          connection[how]();
        },
        async (client) => {
          await client.send(get());
          await client.until(() => client.received.includes('hello'), 'the first octets');
          passedOn.resolve();
          await client.untilEnded();
          await assert.rejects(client.answer(), /closed before an answer/);
        },
      );
    });
  }

  test('one that pauses for longer than is allowed is broken off', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
      },
      async (client, upstream) => {
        await client.send(get());
        await client.untilEnded();
        await assert.rejects(client.answer(), /closed before an answer/);
        await (await upstream.connection(0)).untilEnded();
      },
      { timeouts: { idle: SHORT } },
    );
  });

  test('one without length ends with the connection, and is chunked for the client', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\n\r\nhel');
        await connection.send('lo');
        connection.halfClose();
      },
      async (client) => {
        await client.send(get());
        const whole = await client.answer();
        assert.deepEqual(
          [whole.framing, whole.body.toString(), whole.get('connection')],
          ['chunked', 'hello', undefined],
        );
      },
    );
  });
});

suite('octets that no request asked for', () => {
  test('behind an answer: they are dropped with the connection', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(answer(200, `from ${connection.index}`) + answer(200, 'smuggled'));
      },
      async (client, upstream) => {
        for (const body of ['from 0', 'from 1']) {
          await client.send(get());
          assert.equal((await client.answer()).body.toString(), body);
        }
        assert.equal(upstream.connections.length, 2);
      },
    );
  });

  test('behind an answer that has no body: likewise', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(
          'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled',
        );
      },
      async (client, upstream) => {
        for (let i = 0; i < 2; i++) {
          await client.send(get());
          assert.equal((await client.answer()).status, 204);
        }
        assert.equal(upstream.connections.length, 2);
      },
    );
  });

  test('a body behind the answer to HEAD', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(answer(200, 'smuggled'));
      },
      async (client, upstream) => {
        for (let i = 0; i < 2; i++) {
          await client.send(request(['HEAD /page HTTP/1.1', HOST]));
          const head = await client.answer('HEAD');
          assert.deepEqual([head.status, head.get('content-length'), head.body.length], [200, '8', 0]);
        }
        assert.equal(upstream.connections.length, 2);
      },
    );
  });

  test('on an idle connection: it is not used again', async () => {
    const answered = Promise.withResolvers<void>();
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(answer(200, `from ${connection.index}`));
        if (connection.index > 0) return;
        await answered.promise;
        await connection.send(answer(200, 'smuggled'));
        await connection.untilEnded();
      },
      async (client, upstream) => {
        await client.send(get());
        assert.equal((await client.answer()).body.toString(), 'from 0');
        answered.resolve();
        await (await upstream.connection(0)).untilEnded();
        await client.send(get());
        assert.equal((await client.answer()).body.toString(), 'from 1');
      },
    );
  });
});

suite('a kept connection that the upstream closed while it was idle', () => {
  /** Answers the first request of its first connection, then closes as soon as a second one is on its way. */
  const closesUnderTheRequest: Script = async (connection) => {
    const head = await connection.head();
    await connection.send(answer(200, `from ${connection.index}`));
    if (connection.index > 0) return;
    await connection.untilReceived('/second');
    assert.ok(head.startsWith('GET /first'));
    connection.reset();
  };

  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
    test(`${method} is sent again, once, on a fresh connection`, async () => {
      await play(closesUnderTheRequest, async (client, upstream) => {
        await client.send(get([], '/first'));
        assert.equal((await client.answer()).body.toString(), 'from 0');
        await client.send(request([`${method} /second HTTP/1.1`, HOST]));
        const second = await client.answer(method);
        assert.equal(second.status, 200);
        assert.equal(upstream.connections.length, 2);
        assert.ok((await upstream.connection(1)).text.startsWith(`${method} /second HTTP/1.1\r\n`));
      });
    });
  }

  for (const [title, bytes] of [
    ['POST', request(['POST /second HTTP/1.1', HOST, 'Content-Length: 0'])],
    ['PATCH', request(['PATCH /second HTTP/1.1', HOST, 'Content-Length: 0'])],
    ['a POST with a body', request(['POST /second HTTP/1.1', HOST, 'Content-Length: 2'], 'ab')],
    ['a method that nobody knows', request(['FROB /second HTTP/1.1', HOST])],
  ] as const) {
    test(`${title} is not: 502 upstream_reset`, async () => {
      await play(closesUnderTheRequest, async (client, upstream) => {
        await client.send(get([], '/first'));
        await client.answer();
        await client.send(bytes);
        const failed = await client.answer('POST');
        assert.deepEqual([failed.status, code(failed)], [502, 'upstream_reset']);
        assert.equal(upstream.connections.length, 1);
      });
    });
  }

  test('is sent again once only', async () => {
    await play(
      async (connection) => {
        if (connection.index === 0) {
          await connection.head();
          await connection.send(answer(200, 'first'));
          await connection.head();
        } else {
          await connection.head();
        }
        connection.reset();
      },
      async (client, upstream) => {
        await client.send(get());
        await client.answer();
        await assertFailure(client, 502, 'upstream_reset');
        assert.equal(upstream.connections.length, 2);
      },
    );
  });

  test('is noticed before the next request, where the close arrives first', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(answer(200, `from ${connection.index}`));
        if (connection.index === 0) connection.halfClose();
      },
      async (client, upstream) => {
        await client.send(get());
        await client.answer();
        await (await upstream.connection(0)).untilEnded();
        await client.send(post(['Content-Length: 2'], 'ab'));
        assert.equal((await client.answer()).body.toString(), 'from 1');
      },
    );
  });

  test('an answer that began is not asked for again', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(answer(200, 'first'));
        await connection.head();
        await connection.send('HTTP/1.1 200');
        connection.reset();
      },
      async (client, upstream) => {
        await client.send(get());
        await client.answer();
        await assertFailure(client, 502, 'upstream_reset');
        assert.equal(upstream.connections.length, 1);
      },
    );
  });
});

suite('an answer that comes before the request is whole', () => {
  test('it is passed on, and the connection to the upstream is not used again', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(answer(403, `early ${connection.index}`));
      },
      async (client, upstream) => {
        for (const body of ['early 0', 'early 1']) {
          await client.send(post(['Content-Length: 10'], 'hello'));
          const early = await client.answer();
          assert.deepEqual([early.status, early.body.toString()], [403, body]);
          await client.send('world');
        }
        await (await upstream.connection(0)).untilEnded();
        assert.equal(upstream.connections.length, 2);
      },
    );
  });

  test('while a large body is coming: the client gets the answer, then the close', async () => {
    await play(
      async (connection) => {
        await connection.head();
        await connection.send(answer(413, 'too much'));
      },
      async (client) => {
        await client.send(post(['Content-Length: 100000000'], 'x'.repeat(10_000)));
        const early = await client.answer();
        assert.deepEqual([early.status, early.body.toString()], [413, 'too much']);
        void client.send('x'.repeat(10_000_000));
        await client.untilEnded();
      },
    );
  });
});
