import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Exchange } from '../../src/policy/contract.ts';
import { get, post } from '../conformance/case.ts';
import { hooked } from '../support/hooked-policy.ts';
import {
  configWith,
  copies,
  play,
  readsBody,
  readsChunked,
  untilCopies,
  withoutMark,
} from '../support/mirror-play.ts';
import { fine } from '../support/policy-play.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

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
