import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { PolicyUse } from '../../src/policies/use.ts';
import type { Exchange, PolicyHooks } from '../../src/policy/contract.ts';
import { get, HOST, post, request } from '../conformance/case.ts';
import type { Answer } from '../support/answers.ts';
import { hooked } from '../support/hooked-policy.ts';
import { fine, playWithPolicies as play } from '../support/policy-play.ts';
import { answer, type Script } from '../support/scripted-upstream.ts';

const FAILURE = 'bad mood at 10.1.2.3';

/** Without the stack. */
const firstLine = (text: string): string => text.split('\n', 1)[0] as string;

/** Hooks that throw for requests whose path is /bad. */
function throwing(hook: keyof PolicyHooks): PolicyUse {
  const fail = (exchange: Exchange): undefined => {
    if (exchange.request.path === '/bad') throw new Error(FAILURE);
  };
  return hooked('moody', { [hook]: fail });
}

/** Transforms that throw, for requests whose path is /bad, in one of their functions. */
function throwingTransform(
  hook: 'transformRequestBody' | 'transformResponseBody',
  where: 'chunk' | 'end',
): PolicyUse {
  const fail = (): Buffer => {
    throw new Error(FAILURE);
  };
  return hooked('moody', {
    [hook]: (exchange: Exchange) =>
      exchange.request.path === '/bad'
        ? {
            chunk: where === 'chunk' ? fail : (data: Buffer) => data,
            end: where === 'end' ? fail : undefined,
          }
        : undefined,
  });
}

/** Reads a body of 5 octets, chunked or not, and answers 200 `fine`. */
const readsAll: Script = async (connection) => {
  for (;;) {
    const head = await connection.head();
    if (/\r\nContent-Length: 5\r\n?/i.test(`${head}\r\n`)) await connection.octets(5);
    else if (/\r\nTransfer-Encoding/i.test(head)) await connection.octets('5\r\nhello\r\n0\r\n\r\n'.length);
    await connection.send(answer(200, 'fine'));
  }
};

function assertPolicyFailed(failed: Answer): void {
  assert.deepEqual([failed.status, failed.get('content-type')], [500, 'application/problem+json']);
  const { requestId, ...problem } = JSON.parse(failed.body.toString()) as Record<string, unknown>;
  assert.equal(typeof requestId, 'string');
  assert.deepEqual(problem, {
    type: 'urn:portcullis:problem:policy_failed',
    title: 'Internal Server Error',
    status: 500,
    detail: 'The request could not be processed.',
    code: 'policy_failed',
  });
}

suite('a policy that throws gives 500 policy_failed, and the next request on the connection is served', () => {
  const hello = ['Content-Length: 5'];
  const table: [title: string, use: PolicyUse][] = [
    ['in onRequest', throwing('onRequest')],
    ['in onAttempt', throwing('onAttempt')],
    ['in onUpstreamResponse', throwing('onUpstreamResponse')],
    ['in onResponse', throwing('onResponse')],
    ['in transformRequestBody', throwing('transformRequestBody')],
    ['in transformResponseBody', throwing('transformResponseBody')],
    ['in a transform of the request’s body', throwingTransform('transformRequestBody', 'chunk')],
    ['at the end of a transform of the request’s body', throwingTransform('transformRequestBody', 'end')],
  ];
  for (const [title, use] of table) {
    test(title, async () => {
      const gateway = await play([use], readsAll, async (client) => {
        const bad = post(hello, 'hello').replace('/form', '/bad');
        await client.send(bad + post(hello, 'hello'));
        assertPolicyFailed(await client.answer());
        const next = await client.answer();
        assert.deepEqual([next.status, next.body.toString()], [200, 'fine']);
        await client.send(bad);
        assertPolicyFailed(await client.answer());
      });
      assert.deepEqual(
        gateway.accessLog().map((entry) => [entry['status'], entry['code'], entry['error']]),
        [
          [500, 'policy_failed', `policy moody: ${FAILURE}`],
          [200, undefined, undefined],
          [500, 'policy_failed', `policy moody: ${FAILURE}`],
        ],
      );
      const warning = `policy moody failed on route main Error: ${FAILURE}`;
      assert.deepEqual(gateway.warnings.map(firstLine), [warning, warning]);
    });
  }

  test('without a body for HEAD', async () => {
    await play([throwing('onResponse')], fine, async (client) => {
      await client.send(request(['HEAD /bad HTTP/1.1', HOST]) + get());
      const failed = await client.answer('HEAD');
      assert.deepEqual([failed.status, failed.body.length], [500, 0]);
      assert.equal((await client.answer()).body.toString(), 'fine');
    });
  });

  test('to a client that waits to be asked for its body: the connection closes', async () => {
    await play([throwing('onRequest')], fine, async (client) => {
      await client.send(post(['Content-Length: 5', 'Expect: 100-continue']).replace('/form', '/bad'));
      const failed = await client.answer('POST');
      assertPolicyFailed(failed);
      assert.equal(failed.get('connection'), 'close');
      await client.untilEnded();
    });
  });

  test('also where something that is no Error is thrown', async () => {
    const use = hooked('odd', {
      onRequest() {
        // oxlint-disable-next-line typescript/only-throw-error
        throw 'a text';
      },
    });
    const gateway = await play([use], fine, async (client) => {
      await client.send(get());
      assertPolicyFailed(await client.answer());
    });
    assert.equal(gateway.accessLog()[0]?.['error'], 'policy odd: a text');
  });
});

suite('a policy that throws when the head of the answer was sent', () => {
  const chunks: Script = async (connection) => {
    await connection.head();
    await connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await connection.send('0\r\n\r\n');
  };
  for (const where of ['chunk', 'end'] as const) {
    test(`in the transform’s ${where}: the answer is broken off`, async () => {
      const gateway = await play(
        [throwingTransform('transformResponseBody', where)],
        chunks,
        async (client, upstream) => {
          await client.send(get([], '/bad'));
          await client.untilEnded();
          assert.doesNotMatch(client.received.toString('latin1'), /\r\n0\r\n\r\n$/);
          await assert.rejects(client.answer(), /closed before an answer/);
          if (where === 'chunk') await (await upstream.connection(0)).untilEnded();
        },
      );
      assert.deepEqual(
        gateway.accessLog().map((entry) => [entry['code'], entry['error']]),
        [['policy_failed', `policy moody: ${FAILURE}`]],
      );
    });

    test(`in the transform’s ${where}, to an HTTP/1.0 client: the connection is reset`, async () => {
      await play([throwingTransform('transformResponseBody', where)], chunks, async (client) => {
        await client.send(request(['GET /bad HTTP/1.0', HOST]));
        await client.until(() => client.closed, 'the reset');
        assert.equal(client.error?.code, 'ECONNRESET');
        assert.equal(client.ended, false);
      });
    });
  }
});

suite('a policy that throws after the request', () => {
  test('spoils neither the answer nor the onEnd of others, and is told of in the gateway’s log', async () => {
    const ends: string[] = [];
    const uses = [
      hooked('first', { onEnd: () => void ends.push('first') }),
      throwing('onEnd'),
      hooked('last', { onEnd: () => void ends.push('last') }),
    ];
    const gateway = await play(uses, fine, async (client) => {
      await client.send(get([], '/bad') + get());
      assert.equal((await client.answer()).body.toString(), 'fine');
      assert.equal((await client.answer()).body.toString(), 'fine');
    });
    assert.deepEqual(ends, ['last', 'first', 'last', 'first']);
    assert.deepEqual(gateway.warnings.map(firstLine), [
      `policy moody failed after a request on route main Error: ${FAILURE}`,
    ]);
    assert.deepEqual(
      gateway.accessLog().map(({ status, code }) => [status, code]),
      [
        [200, undefined],
        [200, undefined],
      ],
    );
  });
});

suite('what a policy leaves that no message can have is refused', () => {
  const SMUGGLED = ' HTTP/1.1\r\nHost: a\r\n\r\nGET /smuggled';
  const change = (hook: keyof PolicyHooks, parts: Partial<Exchange['request']>): PolicyUse =>
    hooked('careless', { [hook]: (exchange: Exchange) => void Object.assign(exchange.request, parts) });

  const table: [title: string, use: PolicyUse][] = [
    ['CR LF in upstreamPath', change('onRequest', { upstreamPath: `/x${SMUGGLED}` })],
    ['a space in upstreamPath', change('onRequest', { upstreamPath: '/x y' })],
    ['no slash at the beginning of upstreamPath', change('onRequest', { upstreamPath: 'x' })],
    ['CR LF in upstreamSearch', change('onRequest', { upstreamSearch: `?x${SMUGGLED}` })],
    ['CR LF in upstreamMethod', change('onRequest', { upstreamMethod: `GET /x${SMUGGLED}` })],
    ['upstreamMethod CONNECT', change('onRequest', { upstreamMethod: 'CONNECT' })],
    ['upstreamMethod HEAD for a GET', change('onRequest', { upstreamMethod: 'HEAD' })],
    ['an empty upstreamMethod', change('onRequest', { upstreamMethod: '' })],
    ['CR LF in upstreamHost', change('onRequest', { upstreamHost: 'a\r\nX-Smuggled: 1' })],
  ];
  for (const [title, use] of table) {
    test(title, async () => {
      const gateway = await play([use], fine, async (client, upstream) => {
        await client.send(get());
        assertPolicyFailed(await client.answer());
        assert.equal(upstream.connections.length, 0);
        await client.send(get());
        assertPolicyFailed(await client.answer());
      });
      assert.deepEqual(gateway.accessLog()[0]?.['code'], 'policy_failed');
    });
  }
});
