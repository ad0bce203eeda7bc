import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { PolicyUse } from '../../src/policies/use.ts';
import type { Exchange, PolicyHooks } from '../../src/policy/contract.ts';
import { get, HOST, request } from '../conformance/case.ts';
import { hooked } from '../support/hooked-policy.ts';
import { fine, playWithPolicies as play } from '../support/policy-play.ts';
import type { Script } from '../support/scripted-upstream.ts';

/** Plain JavaScript knows no types: what a user's module returns may be anything. */
const untyped = (hooks: Readonly<Record<string, unknown>>): PolicyUse => hooked('careless', hooks);

suite('an answer of a policy that no message can be is 500 policy_failed, and the worker lives on', () => {
  for (const [title, answer] of [
    ['CR LF in a field value', { status: 200, headers: { 'X-A': 'a\r\nX-B: b' }, body: 'x' }],
    ['text beyond latin1 in a field value', { status: 302, headers: { Location: '/Ā' } }],
    ['a field name that is none', { status: 200, headers: { 'X A': 'a' }, body: 'x' }],
    ['a status below 200', { status: 100, body: 'x' }],
    ['a status above 599', { status: 600, body: 'x' }],
    ['a status that is no number', { status: Number.NaN, body: 'x' }],
    ['a body that is neither text nor octets', { status: 200, body: 5 }],
    ['null', null],
    ['a number', 5],
  ] as const) {
    for (const hook of ['onRequest', 'onUpstreamResponse'] as const) {
      for (const [how, wrap] of [
        ['at once', (value: unknown) => value],
        ['in a promise', (value: unknown) => Promise.resolve(value)],
      ] as const) {
        test(`${title}, ${hook}, ${how}`, async () => {
          const use = untyped({
            [hook]: ({ request: { path } }: Exchange) => (path === '/bad' ? wrap(answer) : undefined),
          });
          const gateway = await play([use], fine, async (client) => {
            await client.send(get([], '/bad') + get());
            assert.deepEqual([(await client.answer()).status, (await client.answer()).status], [500, 200]);
            assert.equal(client.rest.length, 0);
          });
          assert.match(String(gateway.accessLog()[0]?.['error']), /^policy careless: /);
        });
      }
    }
  }

  test('a thenable is waited for as a promise is', async () => {
    // Some libraries' promises are not the language's own.
    class Thenable {
      // oxlint-disable-next-line unicorn/no-thenable -- that it is one is what is tested
      then(resolve: (answer: unknown) => void): void {
        resolve({ status: 202, body: 'x' });
      }
    }
    const thenable = new Thenable();
    await play([untyped({ onRequest: () => thenable })], fine, async (client) => {
      await client.send(get());
      assert.equal((await client.answer()).status, 202);
    });
  });

  test('a transform that returns no octets breaks the answer off, and nothing else', async () => {
    const use = untyped({ transformResponseBody: () => ({ chunk: () => 'text' }) });
    await play([use], fine, async (client) => {
      await client.send(get());
      await client.untilEnded();
    });
  });
});

suite('answerFields', () => {
  const add = untyped({
    onRequest: ({ answerFields }: Exchange) => answerFields.append('X-Added', '1'),
  });
  const double = untyped({
    onResponse: ({ response: { fields } }: Exchange) => fields.set('X-Seen', String(fields.get('x-added'))),
  });
  for (const [title, script] of [
    ['the service’s', fine],
    ['one that is made because the service fails', async (connection) => connection.close()],
  ] satisfies [string, Script][]) {
    test(`are there for the hooks of every answer: ${title}`, async () => {
      await play([double, add], script, async (client) => {
        await client.send(get());
        const got = await client.answer();
        assert.deepEqual([got.get('x-added'), got.get('x-seen')], ['1', '1']);
      });
    });
  }
});

suite('an answer that is none resets the connection', () => {
  const half: Script = async (connection) => {
    await connection.head();
    await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine');
  };
  for (const hook of ['onRequest', 'onUpstreamResponse'] as const) {
    for (const [how, wrap] of [
      ['at once', (value: unknown) => value],
      ['in a promise', (value: unknown) => Promise.resolve(value)],
    ] as const) {
      test(`${hook}, ${how}, and the upstream is given up`, async () => {
        const use = untyped({ [hook]: () => wrap({ status: 444, code: 'gone', disconnect: true }) });
        const gateway = await play([use], half, async (client, upstream) => {
          await client.send(get() + get());
          await client.untilClosed();
          assert.deepEqual([client.error?.code, client.received.length], ['ECONNRESET', 0]);
          for (const connection of upstream.connections) await connection.untilEnded();
        });
        assert.deepEqual(
          gateway.accessLog().map(({ status, code }) => [status, code]),
          [[444, 'gone']],
        );
      });
    }
  }
});

suite('framing is the gateway’s own, whatever a policy says of it', () => {
  const lines = (hook: keyof PolicyHooks): [string, PolicyUse][] =>
    (
      [
        ['Content-Length', '100'],
        ['Transfer-Encoding', 'chunked'],
        ['Connection', 'close'],
      ] as const
    ).map(([name, value]) => [
      `${name} by ${hook}`,
      hook === 'onRequest'
        ? untyped({ onRequest: () => ({ status: 200, headers: { [name]: value }, body: 'fine' }) })
        : untyped({ onResponse: ({ response }: Exchange) => response.fields.set(name, value) }),
    ]);
  const added: typeof lines = () => [
    [
      'Content-Length among answerFields',
      untyped({ onRequest: ({ answerFields }: Exchange) => answerFields.append('Content-Length', '100') }),
    ],
  ];
  for (const [title, use] of [...lines('onRequest'), ...lines('onResponse'), ...added('onRequest')]) {
    test(`an answer with ${title} is read as one answer`, async () => {
      await play([use], fine, async (client) => {
        await client.send(get() + get());
        for (let i = 0; i < 2; i++) {
          const got = await client.answer();
          assert.deepEqual(
            [got.framing, got.body.toString(), got.get('connection')],
            ['length', 'fine', undefined],
          );
        }
        assert.equal(client.rest.length, 0);
      });
    });
  }

  for (const status of [101, 204, 304, 600]) {
    test(`an answer that onResponse makes ${status} is not followed by a body that belongs to nothing`, async () => {
      const use = untyped({ onResponse: ({ response }: Exchange) => void (response.status = status) });
      await play([use], fine, async (client) => {
        await client.send(get() + get());
        for (let i = 0; i < 2; i++) await client.answer();
        assert.equal(client.rest.length, 0);
      });
    });
  }

  for (const [name, value] of [
    ['Content-Length', '100'],
    ['Transfer-Encoding', 'chunked'],
    ['Host', 'evil.example'],
    ['Connection', 'close'],
  ] as const) {
    for (const hook of ['onRequest', 'onAttempt'] as const) {
      test(`a request whose ${name} is set by ${hook} reaches the upstream as one request`, async () => {
        const use = untyped({
          [hook]: ({ request: { fields } }: Exchange, own = fields) => own.set(name, value),
        });
        await play([use], fine, async (client, upstream) => {
          await client.send(get());
          await client.answer();
          const text = upstream.connections[0]?.text ?? '';
          assert.doesNotMatch(text, /\r\n(?:Content-Length|Transfer-Encoding|Connection):/i);
          assert.equal(text.match(/\r\nHost: /gi)?.length, 1);
        });
      });
    }
  }

  for (const hook of ['onAttempt', 'transformRequestBody'] as const) {
    test(`a request line that ${hook} breaks out of is refused`, async () => {
      const use = untyped({
        [hook]: ({ request: own }: Exchange) => {
          own.upstreamPath = '/x HTTP/1.1\r\nHost: a\r\n\r\nGET /smuggled';
        },
      });
      await play([use], fine, async (client, upstream) => {
        await client.send(request(['POST / HTTP/1.1', HOST, 'Content-Length: 1'], 'x'));
        assert.equal((await client.answer()).status, 500);
        assert.doesNotMatch(upstream.connections[0]?.text ?? '', /smuggled/);
      });
    });
  }
});
