import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { PolicyUse } from '../../src/policies/use.ts';
import type { Answer } from '../../src/policy/contract.ts';
import { get, post } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import { hooked } from '../support/hooked-policy.ts';
import { fine, playWithPolicies as play, startWithPolicies as startWith } from '../support/policy-play.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';

/** A promise, and the functions that settle it. */
function gate<T>(): PromiseWithResolvers<T> & { readonly reached: PromiseWithResolvers<void> } {
  return { ...Promise.withResolvers<T>(), reached: Promise.withResolvers<void>() };
}

suite('hooks run in the order of the contract', () => {
  function telling(name: string, calls: string[]): PolicyUse {
    const tell = (hook: string) => void calls.push(`${hook} ${name}`);
    return hooked(name, {
      onRequest: () => tell('onRequest'),
      onAttempt: () => tell('onAttempt'),
      onUpstreamResponse: () => tell('onUpstreamResponse'),
      onResponse: () => tell('onResponse'),
      onEnd: () => tell('onEnd'),
      transformRequestBody: () => {
        tell('transformRequestBody');
        return undefined;
      },
      transformResponseBody: () => {
        tell('transformResponseBody');
        return undefined;
      },
    });
  }

  test('of the request forwards, of the answer backwards, the end last', async () => {
    const calls: string[] = [];
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startWith(upstream.url, [telling('a', calls), telling('b', calls)]);
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(post(['Content-Length: 2'], 'ab'));
    assert.equal((await client.answer()).status, 200);
    const names = (hook: string, ...order: string[]) => order.map((name) => `${hook} ${name}`);
    assert.deepEqual(calls, [
      ...names('onRequest', 'a', 'b'),
      ...names('onAttempt', 'a', 'b'),
      ...names('transformRequestBody', 'a', 'b'),
      ...names('onUpstreamResponse', 'b', 'a'),
      ...names('onResponse', 'b', 'a'),
      ...names('transformResponseBody', 'b', 'a'),
      ...names('onEnd', 'b', 'a'),
    ]);
  });

  test('an answer made by one skips the later ones and the upstream, not the hooks of answers', async () => {
    const calls: string[] = [];
    const answering = hooked('b', { onRequest: () => ({ status: 403, code: 'no' }) });
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startWith(upstream.url, [
      telling('a', calls),
      answering,
      telling('c', calls),
    ]);
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(get());
    assert.equal((await client.answer()).status, 403);
    assert.deepEqual(calls, ['onRequest a', 'onResponse c', 'onResponse a', 'onEnd c', 'onEnd a']);
    assert.equal(upstream.heads, 0);
  });

  test('a body that is not there is not transformed', async () => {
    const calls: string[] = [];
    await play(
      [telling('a', calls)],
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n');
      },
      async (client) => {
        await client.send(get());
        assert.equal((await client.answer()).status, 304);
      },
    );
    assert.deepEqual(calls, [
      'onRequest a',
      'onAttempt a',
      'onUpstreamResponse a',
      'onResponse a',
      'onEnd a',
    ]);
  });
});

suite('a request hook that waits', () => {
  function waiting(): { use: PolicyUse; door: ReturnType<typeof gate<Answer | undefined>> } {
    const door = gate<Answer | undefined>();
    const onRequest = () => {
      door.reached.resolve();
      return door.promise;
    };
    return { use: hooked('waiting', { onRequest }), door };
  }

  test('holds the request back, body and all, until it lets it pass', async () => {
    const { use, door } = waiting();
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startWith(upstream.url, [use]);
    using client = await RawClient.connect({ port: gateway.port });
    const body = 'x'.repeat(200_000);
    const sent = client.send(post([`Content-Length: ${body.length}`], body));
    await door.reached.promise;
    assert.equal(upstream.heads, 0);
    door.resolve(undefined);
    assert.equal((await client.answer()).status, 200);
    await sent;
    assert.equal(upstream.requests[0]?.body.toString(), body);
  });

  test('answers', async () => {
    const { use, door } = waiting();
    await play([use], fine, async (client, upstream) => {
      await client.send(get([], '/1') + get([], '/2'));
      await door.reached.promise;
      door.resolve({ status: 401, body: 'no' });
      for (let i = 0; i < 2; i++) {
        const made = await client.answer();
        assert.deepEqual([made.status, made.body.toString()], [401, 'no']);
      }
      assert.equal(upstream.connections.length, 0);
    });
  });

  test('rejects: 500 policy_failed, and the next request is served', async () => {
    let count = 0;
    const use = hooked('moody', {
      onRequest: () => (count++ === 0 ? Promise.reject(new Error('bad mood')) : undefined),
    });
    const gateway = await play([use], fine, async (client) => {
      await client.send(get() + get());
      assert.deepEqual([(await client.answer()).status, (await client.answer()).status], [500, 200]);
    });
    assert.equal(gateway.accessLog()[0]?.['error'], 'policy moody: bad mood');
  });

  test('the client leaves meanwhile: the upstream is not asked, the log says 499, once', async () => {
    const { use, door } = waiting();
    let ends = 0;
    const counting = hooked('counting', { onEnd: () => void ends++ });
    const gateway = await play([use, counting], fine, async (client, upstream, { dataPlane, port }) => {
      await client.send(get());
      await door.reached.promise;
      client.reset();
      while (dataPlane.stats().connections > 0) await new Promise(setImmediate);
      door.resolve(undefined);
      await door.promise;
      using other = await RawClient.connect({ port });
      await other.send(get(['Connection: close']));
      assert.equal((await other.answer()).status, 200);
      await other.untilEnded();
      assert.equal(upstream.connections.length, 1, 'the second request alone came');
    });
    assert.deepEqual(
      gateway.accessLog().map(({ status, code }) => [status, code]),
      [
        [499, 'client_closed'],
        [200, undefined],
      ],
    );
    assert.equal(ends, 2);
  });
});

suite('a hook on the upstream’s answer that waits', () => {
  const BODY = 'abcdefghij'.repeat(100_000);

  function waiting(): { use: PolicyUse; door: ReturnType<typeof gate<Answer | undefined>> } {
    const door = gate<Answer | undefined>();
    const onUpstreamResponse = () => {
      door.reached.resolve();
      return door.promise;
    };
    return { use: hooked('waiting', { onUpstreamResponse }), door };
  }

  for (const [title, framing, close] of [
    ['with a length', (body: string) => `Content-Length: ${body.length}\r\n\r\n${body}`, false],
    [
      'chunked, with trailers',
      (body: string) =>
        `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\nX-T: 1\r\n\r\n`,
      false,
    ],
    ['until the connection closes', (body: string) => `\r\n${body}`, true],
  ] as const) {
    for (const body of ['', 'short', BODY]) {
      if (body === '' && title.startsWith('chunked')) continue;
      test(`keeps every octet that comes meanwhile: ${body.length} octets ${title}`, async () => {
        const { use, door } = waiting();
        await play(
          [use],
          async (connection) => {
            await connection.head();
            const sent = connection.send(`HTTP/1.1 200 OK\r\n${framing(body)}`);
            if (close) connection.halfClose();
            await sent;
          },
          async (client) => {
            await client.send(get());
            await door.reached.promise;
            await turns(10);
            assert.equal(client.received.length, 0);
            door.resolve(undefined);
            const got = await client.answer();
            assert.equal(got.status, 200);
            assert.equal(got.body.toString() === body, true);
            assert.deepEqual(got.trailers, title.startsWith('chunked') ? [['X-T', '1']] : []);
          },
        );
      });
    }
  }

  test('does not take in a large body meanwhile', async () => {
    const { use, door } = waiting();
    const size = 64 << 20;
    let taken = false;
    await play(
      [use],
      async (connection) => {
        await connection.head();
        await connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
        const piece = Buffer.alloc(1 << 20);
        for (let sent = 0; sent < size; sent += piece.length) await connection.send(piece);
        taken = true;
      },
      async (client) => {
        await client.send(get());
        await door.reached.promise;
        await turns(200);
        assert.equal(taken, false);
        let received = 0;
        client.socket.removeAllListeners('data');
        const whole = new Promise<void>((resolve) => {
          client.socket.on('data', (data: Buffer) => {
            received += data.length;
            if (received > size) resolve();
          });
        });
        door.resolve(undefined);
        await whole;
      },
    );
  });

  test('replaces the answer: what came of the upstream’s is dropped', async () => {
    const { use, door } = waiting();
    await play(
      [use],
      async (connection) => {
        await connection.head();
        await connection.send(
          `HTTP/1.1 200 OK\r\nX-Secret: 1\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
        );
      },
      async (client) => {
        await client.send(get());
        await door.reached.promise;
        door.resolve({ status: 202, headers: { 'X-Mine': '1' }, body: 'mine' });
        const made = await client.answer();
        assert.deepEqual([made.status, made.body.toString()], [202, 'mine']);
        assert.deepEqual([made.get('x-secret'), made.get('x-mine')], [undefined, '1']);
        assert.equal(client.rest.length, 0);
      },
    );
  });

  test('of two that wait both are waited for', async () => {
    const first = waiting();
    const second = waiting();
    await play([first.use, second.use], fine, async (client) => {
      await client.send(get());
      await second.door.reached.promise;
      second.door.resolve(undefined);
      await first.door.reached.promise;
      first.door.resolve(undefined);
      assert.equal((await client.answer()).body.toString(), 'fine');
    });
  });

  test('the client leaves meanwhile: the upstream’s connection closes, the log says 499, once', async () => {
    const { use, door } = waiting();
    const gateway = await play(
      [use],
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
      },
      async (client, upstream) => {
        await client.send(get());
        await door.reached.promise;
        client.reset();
        await (await upstream.connection(0)).untilEnded();
        door.resolve(undefined);
        await door.promise;
      },
    );
    assert.deepEqual(
      gateway.accessLog().map(({ status, code }) => [status, code]),
      [[499, 'client_closed']],
    );
  });

  test('the upstream breaks off meanwhile: so does the answer', async () => {
    const { use, door } = waiting();
    const gateway = await play(
      [use],
      async (connection) => {
        await connection.head();
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
        await door.reached.promise;
        connection.reset();
      },
      async (client, upstream) => {
        await client.send(get());
        await (await upstream.connection(0)).untilClosed();
        door.resolve(undefined);
        await client.untilEnded();
        await assert.rejects(client.answer(), /closed before an answer/);
      },
    );
    const [logged] = gateway.accessLog();
    assert.equal(logged?.['code'], 'upstream_reset');
  });

  test('rejects: 500 policy_failed, and the next request is served', async () => {
    let count = 0;
    const use = hooked('moody', {
      onUpstreamResponse: () => (count++ === 0 ? Promise.reject(new Error('bad mood')) : undefined),
    });
    const gateway = await play([use], fine, async (client) => {
      await client.send(get() + get());
      assert.deepEqual([(await client.answer()).status, (await client.answer()).status], [500, 200]);
    });
    assert.equal(gateway.accessLog()[0]?.['error'], 'policy moody: bad mood');
  });
});
