import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { PolicyUse } from '../../src/policies/use.ts';
import type { Answer, BodyBounds } from '../../src/policy/contract.ts';
import { get, HOST, post, request } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import { configBefore, startGatewayWith } from '../support/gateway.ts';
import { hooked } from '../support/hooked-policy.ts';
import { fine, playWithPolicies as play, startWithPolicies as startWith } from '../support/policy-play.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';
import { answer, type Script } from '../support/scripted-upstream.ts';

const REFUSAL: Answer = { status: 422, code: 'disliked' };

/** Remembers the bodies that it is shown, and refuses those with `bad` in them. */
function looking(seen: string[], bounds: BodyBounds = {}, name = 'looking'): PolicyUse {
  const look = (_: unknown, body: Buffer) => {
    seen.push(body.toString('latin1'));
    return body.includes('bad') ? REFUSAL : undefined;
  };
  return hooked(name, { onRequestBody: look, requestBodyBounds: bounds });
}

const withLength = (body: string, lines: readonly string[] = []) =>
  post([`Content-Length: ${Buffer.byteLength(body, 'latin1')}`, ...lines], body);
const chunked = (body: string, lines: readonly string[] = []) =>
  post(
    ['Transfer-Encoding: chunked', ...lines],
    `${body.length.toString(16)}\r\n${body}\r\n0\r\nX-T: 1\r\n\r\n`,
  );
const next = get(['Connection: close'], '/next');

suite('the whole body of a request', () => {
  for (const [title, text, body] of [
    ['of known length goes on as it came', withLength('hello'), 'hello'],
    ['that was chunked goes on with its length, without trailers', chunked('hello'), 'hello'],
    ['that was chunked and is empty goes on as none', post(['Transfer-Encoding: chunked'], '0\r\n\r\n'), ''],
    ['is collected from single octets', withLength('a'.repeat(40)), 'a'.repeat(40)],
  ] as const) {
    test(title, async () => {
      const seen: string[] = [];
      await using upstream = await RecordingUpstream.start();
      await using gateway = await startWith(upstream.url, [looking(seen)]);
      using client = await RawClient.connect({ port: gateway.port });
      await client.sendSplit(text, [text.length - 20, text.length - 10, text.length - 5, text.length - 1]);
      assert.equal((await client.answer()).status, 200);
      const [one] = upstream.requests;
      assert.deepEqual(seen, [body]);
      assert.equal(one?.body.toString(), body);
      assert.deepEqual(
        one?.fields.filter(([name]) => name === 'content-length' || name === 'transfer-encoding'),
        [['content-length', String(body.length)]],
      );
    });
  }

  test('is not collected where no policy looks at it, nor where there is none', async () => {
    const seen: string[] = [];
    await play([looking(seen)], fine, async (client) => {
      await client.send(get());
      assert.equal((await client.answer()).status, 200);
    });
    assert.deepEqual(seen, []);
  });

  test('is asked for by the gateway itself when the client waits to be asked', async () => {
    const seen: string[] = [];
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startWith(upstream.url, [looking(seen)]);
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(post(['Content-Length: 5', 'Expect: 100-continue']));
    assert.equal((await client.answer()).status, 100);
    assert.equal(upstream.requests.length, 0);
    await client.send('hello');
    assert.equal((await client.answer()).status, 200);
    assert.deepEqual(seen, ['hello']);
    assert.equal(
      upstream.requests[0]?.fields.some(([name]) => name === 'expect'),
      false,
    );
  });

  test('is not asked for when it is too large', async () => {
    await play([looking([], { maxBytes: 4 })], fine, async (client) => {
      await client.send(post(['Content-Length: 5', 'Expect: 100-continue']));
      assert.deepEqual(await statusAndCode(client), [413, 'body_too_large']);
    });
  });

  for (const [title, text] of [
    ['of known length', withLength('hello')],
    ['that is chunked', chunked('hello')],
  ] as const) {
    test(`${title} is refused beyond its bound, and no upstream sees it`, async () => {
      await using upstream = await RecordingUpstream.start();
      await using gateway = await startWith(upstream.url, [looking([], { maxBytes: 4 })]);
      using client = await RawClient.connect({ port: gateway.port });
      await client.send(text);
      assert.deepEqual(await statusAndCode(client), [413, 'body_too_large']);
      assert.equal(upstream.requests.length, 0);
    });
  }

  test('that is refused leaves the connection for the next request, also one that was sent already', async () => {
    for (const text of [withLength('bad'), chunked('bad')]) {
      await play([looking([])], fine, async (client) => {
        await client.send(text + next);
        assert.deepEqual(await statusAndCode(client), [422, 'disliked']);
        assert.equal(String((await client.answer()).body), 'fine');
      });
    }
  });

  test('that is refused for its size is read over where its rest is short, else the connection ends', async () => {
    const bounds = { maxBytes: 4 };
    await play([looking([], bounds)], fine, async (client) => {
      await client.send(withLength('hello') + next);
      assert.equal((await client.answer()).status, 413);
      assert.equal(String((await client.answer()).body), 'fine');
    });
    await play([looking([], bounds)], fine, async (client) => {
      await client.send(chunked('hello'.repeat(100_000)) + next);
      const answers = await client.answersUntilEnded();
      assert.deepEqual(
        answers.map(({ status }) => status),
        [413],
      );
    });
  });

  test('is shown when the policies of earlier stages agree, and before later ones see the request', async () => {
    const order: string[] = [];
    const telling = (name: string, look: boolean): PolicyUse =>
      hooked(name, {
        onRequest: () => void order.push(`${name} request`),
        ...(look && { onRequestBody: () => void order.push(`${name} body`) }),
      });
    await play([telling('a', true), telling('b', true), telling('c', false)], fine, async (client) => {
      await client.send(withLength('hello'));
      await client.answer();
    });
    assert.deepEqual(order, ['a request', 'b request', 'a body', 'b body', 'c request']);
  });

  test('is shown after a policy that had to be waited for', async () => {
    const seen: string[] = [];
    const waiting = hooked('waiting', { onRequest: () => Promise.resolve(undefined) });
    await play([waiting, looking(seen), waiting], fine, async (client) => {
      await client.send(withLength('hello'));
      assert.equal((await client.answer()).status, 200);
    });
    assert.deepEqual(seen, ['hello']);
  });

  test('whose hook throws is answered with 500, and the log says why', async () => {
    const failing = hooked('failing', {
      onRequestBody: () => {
        throw new Error('on purpose');
      },
    });
    const gateway = await play([failing], fine, async (client) => {
      await client.send(withLength('hello'));
      assert.deepEqual(await statusAndCode(client), [500, 'policy_failed']);
    });
    assert.match(gateway.warnings.join('\n'), /policy failing failed on route main .*on purpose/s);
  });

  test('whose client stalls within it is answered with 408 after the time for that', async () => {
    await using upstream = await RecordingUpstream.start();
    const config = configBefore(upstream.url, { timeouts: { bodyIdle: '200ms' } });
    await using gateway = await startGatewayWith({ ...config, policies: [looking([])] });
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(post(['Content-Length: 5'], 'he'));
    assert.deepEqual(await statusAndCode(client), [408, 'request_timeout']);
    assert.equal(upstream.requests.length, 0);
  });

  test('whose client leaves within it ends the request without an upstream', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startWith(upstream.url, [looking([])]);
    const client = await RawClient.connect({ port: gateway.port });
    await client.send(post(['Content-Length: 5'], 'he'));
    await turns();
    client.close();
    await turns();
    await gateway.close();
    assert.deepEqual(
      gateway.accessLog().map(({ status, code }) => [status, code]),
      [[499, 'client_closed']],
    );
    assert.equal(upstream.requests.length, 0);
  });
});

suite('the whole body of a request with a Content-Encoding', () => {
  const plain = 'hello '.repeat(100);
  for (const [coding, compressed] of [
    ['gzip', gzipSync(plain)],
    ['X-GZIP', gzipSync(plain)],
    ['deflate', deflateSync(plain)],
    ['br', brotliCompressSync(plain)],
    ['zstd', zstdCompressSync(plain)],
    ['identity', Buffer.from(plain)],
  ] as const) {
    test(`${coding} is shown as plain octets and goes on as it came`, async () => {
      const seen: string[] = [];
      await using upstream = await RecordingUpstream.start();
      await using gateway = await startWith(upstream.url, [looking(seen)]);
      using client = await RawClient.connect({ port: gateway.port });
      const fields = [`Content-Encoding: ${coding}`, `Content-Length: ${compressed.length}`];
      await client.send(Buffer.concat([Buffer.from(post(fields)), compressed]));
      assert.equal((await client.answer()).status, 200);
      assert.deepEqual(seen, [plain]);
      assert.deepEqual(upstream.requests[0]?.body, compressed);
    });
  }

  for (const [title, coding, body, bounds, expected] of [
    [
      'that grows beyond the bound',
      'gzip',
      gzipSync('x'.repeat(5000)),
      { maxBytes: 4000 },
      [413, 'body_too_large'],
    ],
    ['that grows beyond the ratio', 'gzip', gzipSync('x'.repeat(500_000)), {}, [413, 'body_too_large']],
    ['that is not what it says', 'gzip', Buffer.from('hello'), {}, [400, 'bad_request']],
    ['that is cut off', 'gzip', gzipSync('hello').subarray(0, 12), {}, [400, 'bad_request']],
    ['of an unknown coding', 'compress', Buffer.from('hello'), {}, [415, 'unsupported_media_type']],
    ['of two codings', 'gzip, br', Buffer.from('hello'), {}, [415, 'unsupported_media_type']],
    [
      'with a window that zstd may not have here',
      'zstd',
      Buffer.from('28b52ffd007030000068656c6c6f20290000776f726c64', 'hex'),
      {},
      [400, 'bad_request'],
    ],
    [
      'of two codings in two fields',
      'identity\r\nContent-Encoding: br',
      Buffer.from('hello'),
      {},
      [415, 'unsupported_media_type'],
    ],
  ] as const) {
    test(`${title} is refused`, async () => {
      await play([looking([], bounds)], fine, async (client) => {
        const fields = [`Content-Encoding: ${coding}`, `Content-Length: ${body.length}`];
        await client.send(Buffer.concat([Buffer.from(post(fields)), body]));
        assert.deepEqual(await statusAndCode(client), [...expected]);
      });
    });
  }

  for (const [coding, compressed] of [
    ['gzip', gzipSync('hello')],
    ['deflate', deflateSync('hello')],
    ['br', brotliCompressSync('hello')],
    ['zstd', zstdCompressSync('hello')],
  ] as const) {
    for (const [title, surplus] of [
      ['any octet', Buffer.from('x')],
      ['a zero', Buffer.from([0])],
      ['more of its kind', compressed],
    ] as const) {
      test(`${coding} with ${title} behind its end is refused, also before the rest of the body came`, async () => {
        await using upstream = await RecordingUpstream.start();
        await using gateway = await startWith(upstream.url, [looking([])]);
        for (const missing of [0, 20]) {
          using client = await RawClient.connect({ port: gateway.port });
          const length = compressed.length + surplus.length + missing;
          const fields = [`Content-Encoding: ${coding}`, `Content-Length: ${length}`];
          await client.send(Buffer.concat([Buffer.from(post(fields)), compressed, surplus]));
          assert.deepEqual(await statusAndCode(client), [400, 'bad_request']);
        }
        assert.equal(upstream.requests.length, 0);
      });
    }
  }

  test('that is a bomb is refused before all of it came', async () => {
    await play([looking([], { maxBytes: 2_000_000 })], fine, async (client) => {
      const bomb = gzipSync(Buffer.alloc(200_000_000), { level: 9 });
      await client.send(post(['Content-Encoding: gzip', 'Content-Length: 1999999']));
      await client.send(bomb.subarray(0, 100_000));
      assert.deepEqual(await statusAndCode(client), [413, 'body_too_large']);
    });
  });
});

suite('the whole body of an answer', () => {
  const answering =
    (text: string): Script =>
    async (connection) => {
      for (;;) {
        await connection.head();
        await connection.send(text);
      }
    };
  const hello = answering(answer(200, 'hello', { ETag: '"1"' }));
  const showing = (seen: string[], bounds: BodyBounds = {}): PolicyUse =>
    hooked('showing', {
      onResponseBody: (_, body) => {
        seen.push(body.toString('latin1'));
        return body.includes('bad') ? { status: 502, code: 'disliked' } : undefined;
      },
      responseBodyBounds: bounds,
    });

  test('is shown before the client gets it, and passed on as it came', async () => {
    const seen: string[] = [];
    await play([showing(seen)], hello, async (client) => {
      for (let i = 0; i < 2; i++) {
        await client.send(get());
        const got = await client.answer();
        assert.deepEqual([got.status, String(got.body), got.get('content-length')], [200, 'hello', '5']);
      }
    });
    assert.deepEqual(seen, ['hello', 'hello']);
  });

  test('that was chunked gets a length', async () => {
    const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
    await play([showing([])], answering(text), async (client) => {
      await client.send(get());
      const got = await client.answer();
      assert.deepEqual([String(got.body), got.get('content-length')], ['hello', '5']);
    });
  });

  test('may be replaced, on a connection that goes on', async () => {
    await play([showing([])], answering(answer(200, 'bad')), async (client) => {
      for (let i = 0; i < 2; i++) {
        await client.send(get());
        assert.deepEqual(await statusAndCode(client), [502, 'disliked']);
      }
    });
  });

  test('with a Content-Encoding is shown as plain octets', async () => {
    const seen: string[] = [];
    const body = gzipSync('hello').toString('latin1');
    const withBody: Script = async (connection) => {
      await connection.head();
      await connection.send(
        Buffer.from(
          `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
          'latin1',
        ),
      );
    };
    await play([showing(seen)], withBody, async (client) => {
      await client.send(get());
      assert.deepEqual((await client.answer()).body.toString('latin1'), body);
    });
    assert.deepEqual(seen, ['hello']);
  });

  for (const [title, body, expected] of [
    ['may be replaced when it is compressed too', gzipSync('bad'), [502, 'disliked']],
    [
      'is refused when it is not what its Content-Encoding says',
      Buffer.from('bad'),
      [502, 'upstream_invalid'],
    ],
  ] as const) {
    test(title, async () => {
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
      const withBody: Script = async (connection) => {
        await connection.head();
        await connection.send(Buffer.concat([Buffer.from(head), body]));
      };
      await play([showing([])], withBody, async (client) => {
        await client.send(get());
        assert.deepEqual(await statusAndCode(client), [...expected]);
      });
    });
  }

  for (const [title, text] of [
    ['of known length', answer(200, 'hello')],
    [
      'that is chunked',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
    ],
    ['of an unknown coding', answer(200, 'hello', { 'Content-Encoding': 'compress' })],
  ] as const) {
    test(`${title} that cannot be checked is refused with 502, or passed on if the policy says so`, async () => {
      const seen: string[] = [];
      await play([showing(seen, { maxBytes: 4 })], answering(text), async (client) => {
        await client.send(get());
        assert.deepEqual(await statusAndCode(client), [502, 'upstream_invalid']);
      });
      await play([showing(seen, { maxBytes: 4, unchecked: 'pass' })], answering(text), async (client) => {
        await client.send(get());
        assert.equal(String((await client.answer()).body), 'hello');
      });
      assert.deepEqual(seen, []);
    });
  }

  test('that cannot be checked is refused where one policy would pass it on and another says nothing', async () => {
    const silent = hooked('silent', { onResponseBody: () => {} });
    const passing = showing([], { maxBytes: 4, unchecked: 'pass' });
    await play([silent, passing], hello, async (client) => {
      await client.send(get());
      assert.deepEqual(await statusAndCode(client), [502, 'upstream_invalid']);
    });
  });

  test('is shown after a policy on the head that had to be waited for', async () => {
    const seen: string[] = [];
    const waiting = hooked('waiting', { onUpstreamResponse: () => Promise.resolve(undefined) });
    await play([waiting, showing(seen)], hello, async (client) => {
      await client.send(get());
      assert.equal(String((await client.answer()).body), 'hello');
    });
    assert.deepEqual(seen, ['hello']);
  });

  test('is not there for HEAD and 204', async () => {
    const seen: string[] = [];
    await play([showing(seen)], answering('HTTP/1.1 204 No Content\r\n\r\n'), async (client) => {
      await client.send(get());
      assert.equal((await client.answer()).status, 204);
    });
    await play([showing(seen)], answering('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'), async (client) => {
      await client.send(request(['HEAD / HTTP/1.1', HOST]));
      assert.equal((await client.answer('HEAD')).get('content-length'), '5');
    });
    assert.deepEqual(seen, []);
  });

  test('that breaks off is a failure of the upstream', async () => {
    const seen: string[] = [];
    const broken: Script = async (connection) => {
      await connection.head();
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe');
      connection.close();
    };
    await play([showing(seen)], broken, async (client) => {
      await client.send(get());
      assert.deepEqual(await statusAndCode(client), [502, 'upstream_reset']);
    });
    assert.deepEqual(seen, []);
  });
});

async function statusAndCode(client: RawClient): Promise<[number, unknown]> {
  const got = await client.answer();
  return [got.status, (JSON.parse(String(got.body)) as { code?: unknown }).code];
}
