import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PolicyUse } from '../../src/policies/use.ts';
import type { Answer } from '../../src/policy/contract.ts';
import { get, HOST, post, request } from '../conformance/case.ts';
import { hooked } from '../support/hooked-policy.ts';
import { ask, connectionsOf, got, type PauseClock, playRetries, sentTo } from '../support/retry-play.ts';
import { answer, type Script, type UpstreamConnection } from '../support/scripted-upstream.ts';

/** Puts a token into every attempt, a new one after an answer that its `verdict` does not like. */
class Renewal {
  readonly asked: number[] = [];
  readonly use: PolicyUse;
  #token = 'old';

  constructor(verdict: (status: number) => boolean | Promise<boolean> = (status) => status === 401) {
    this.use = hooked('renewal', {
      onAttempt: (_, fields) => fields.set('authorization', `Bearer ${this.#token}`),
      retryWith: (_, status) => {
        this.asked.push(status);
        const again = verdict(status);
        if (again !== false) this.#token = 'new';
        return again;
      },
    });
  }
}

/** A verdict that comes when it is told to. */
class Later {
  readonly reached = Promise.withResolvers<void>();
  readonly verdict = Promise.withResolvers<boolean>();
  readonly give = (status: number): boolean | Promise<boolean> => {
    if (status !== 401) return false;
    this.reached.resolve();
    return this.verdict.promise;
  };
}

async function wholeRequest(connection: UpstreamConnection): Promise<string> {
  const head = await connection.head();
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  if (/transfer-encoding/i.test(head))
    await connection.until(() => connection.rest.includes('0\r\n\r\n'), 'the last chunk');
  else await connection.until(() => connection.rest.length >= length, 'the body');
  const body = await connection.octets(connection.rest.length);
  return `${head}\r\n\r\n${body.toString('latin1')}`;
}

/** Takes the new token alone. */
const guarded =
  (refusal = answer(401, 'stale'), name = ''): Script =>
  async (connection) => {
    for (;;) {
      const text = await wholeRequest(connection);
      const body = text.slice(text.indexOf('\r\n\r\n') + 4);
      await connection.send(text.includes('Bearer new') ? answer(200, `${name}got ${body.length}`) : refusal);
    }
  };

/** Both ways in which a hook may say it. */
const VERDICTS = [
  ['at once', (status: number) => status === 401],
  ['later', (status: number) => Promise.resolve(status === 401)],
] as const;

const posting = (length: number) => post([`Content-Length: ${length}`], 'x'.repeat(length));

suite('a request whose answer a policy does not want is sent again', () => {
  for (const [when, verdict] of VERDICTS) {
    for (const [title, text, expected] of [
      ['without a body', get(), 'got 0'],
      ['with a body', posting(10), 'got 10'],
      ['with a body of 64 KiB', posting(65_536), 'got 65536'],
      ['with a chunked body', post(['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n'), 'got 15'],
    ] as const) {
      test(`${title}, ${when}`, async () => {
        const renewal = new Renewal(verdict);
        const scripts = [guarded()];
        await playRetries({ scripts, service: {}, policies: [renewal.use] }, async (play) => {
          await play.client.send(text);
          assert.deepEqual(await got(play), [200, expected]);
          assert.deepEqual(renewal.asked, [401]);
          assert.equal((await ask(play.client)).status, 200);
          await play.gateway.close();
          assert.deepEqual(
            play.gateway.accessLog().map(({ status, attempts }) => [status, attempts]),
            [
              [200, 2],
              [200, 1],
            ],
          );
        });
      });
    }
  }

  test('with a body of a megabyte that was collected for a policy', async () => {
    const renewal = new Renewal();
    const policies = [hooked('looking', { onRequestBody: () => undefined }), renewal.use];
    await playRetries({ scripts: [guarded()], service: {}, policies }, async (play) => {
      await play.client.send(posting(1024 * 1024));
      assert.deepEqual(await got(play), [200, `got ${1024 * 1024}`]);
    });
  });

  test('with what a transform made of its body', async () => {
    const renewal = new Renewal();
    const doubled = hooked('doubled', {
      transformRequestBody: () => ({ chunk: (data) => Buffer.concat([data, data]) }),
    });
    await playRetries(
      { scripts: [guarded()], service: {}, policies: [doubled, renewal.use] },
      async (play) => {
        await play.client.send(posting(5));
        // In one chunk.
        assert.deepEqual(await got(play), [200, `got ${'a\r\nxxxxxxxxxx\r\n0\r\n\r\n'.length}`]);
      },
    );
  });

  test('and its connection used again where the refusal is short', async () => {
    for (const [, verdict] of VERDICTS) {
      const renewal = new Renewal(verdict);
      await playRetries({ scripts: [guarded()], service: {}, policies: [renewal.use] }, async (play) => {
        assert.equal((await ask(play.client)).status, 200);
        for (let i = 0; i < 3; i++) assert.equal((await ask(play.client)).status, 200);
        await play.upstreams[0]?.until(() => sentTo(play.upstreams[0]).split('GET ').length === 6, 'six');
        assert.ok((connectionsOf(play)[0] ?? 0) <= 2);
        assert.equal(play.upstreams[0]?.connections.filter(({ gone }) => gone).length, 0);
      });
    }
  });

  test('to a service with retries, which count apart from it', async () => {
    const renewal = new Renewal();
    let busy = 0;
    const script: Script = async (connection) => {
      for (;;) {
        const text = await wholeRequest(connection);
        if (!text.includes('Bearer new')) await connection.send(answer(401));
        else await connection.send(answer(busy++ === 0 ? 503 : 200));
      }
    };
    const service = { retry: { attempts: 2, on: [503], backOff: { base: '0s', max: '0s' } } };
    await playRetries({ scripts: [script], service, policies: [renewal.use] }, async (play) => {
      await play.client.send(get());
      await next(play.clock);
      assert.equal((await got(play))[0], 200);
      await play.gateway.close();
      assert.equal(play.gateway.accessLog()[0]?.['attempts'], 3);
    });
  });

  test('a breaker that opens at one failure stays closed', async () => {
    const renewal = new Renewal();
    const service = { breaker: { scope: 'both', consecutive: 1 } };
    await playRetries({ scripts: [guarded()], service, policies: [renewal.use] }, async (play) => {
      for (let i = 0; i < 3; i++) assert.equal((await ask(play.client)).status, 200);
    });
  });

  test('in place of two attempts, of which the one that is not answered ends', async () => {
    const renewal = new Renewal((status) => Promise.resolve(status === 401));
    const answers = Promise.withResolvers<void>();
    const first: Script = async (connection) => {
      await connection.head();
      await answers.promise;
      await connection.send(answer(401));
      await guarded()(connection);
    };
    const silent: Script = async (connection) => {
      if (connection.index === 0) await connection.head();
      else await guarded()(connection);
    };
    const service = { hedge: { after: '100ms' } };
    await playRetries({ scripts: [first, silent], service, policies: [renewal.use] }, async (play) => {
      await play.client.send(get());
      await (await play.upstreams[0]?.connection(0))?.untilReceived('\r\n\r\n');
      play.clock.move(110);
      await (await play.upstreams[1]?.connection(0))?.untilReceived('\r\n\r\n');
      answers.resolve();
      assert.deepEqual(await got(play), [200, 'got 0']);
      await (await play.upstreams[1]?.connection(0))?.untilEnded();
      assert.deepEqual(renewal.asked, [401]);
    });
  });
});

/** Passes a wait of no time. */
async function next(clock: PauseClock): Promise<void> {
  await clock.untilAwaited();
  clock.move(5);
}

suite('an answer that a policy does not want goes on all the same', () => {
  test('when it comes a second time', async () => {
    const renewal = new Renewal();
    const never: Script = async (connection) => {
      for (;;) {
        await connection.head();
        await connection.send(answer(401, 'never'));
      }
    };
    await playRetries({ scripts: [never], service: {}, policies: [renewal.use] }, async (play) => {
      await play.client.send(get());
      assert.deepEqual(await got(play), [401, 'never']);
      assert.deepEqual(renewal.asked, [401]);
      await play.gateway.close();
      assert.equal(play.gateway.accessLog()[0]?.['attempts'], 2);
    });
  });

  for (const [title, text, service] of [
    ['when the body is too long to be kept', posting(65_537), {}],
    ['when the body is longer than the retries keep', posting(11), { retry: { bodyLimit: '10b' } }],
    ['when the request asks for another protocol', get(['Connection: upgrade', 'Upgrade: websocket']), {}],
  ] as const) {
    test(title, async () => {
      const renewal = new Renewal();
      await playRetries({ scripts: [guarded()], service, policies: [renewal.use] }, async (play) => {
        await play.client.send(text);
        assert.deepEqual(await got(play), [401, 'stale']);
        assert.deepEqual(renewal.asked, []);
      });
    });
  }

  for (const [when, verdict] of [
    ['at once', () => false],
    ['later', () => Promise.resolve(false)],
  ] as const) {
    test(`when the policy says so ${when}, whole and octet by octet`, async () => {
      const renewal = new Renewal(verdict);
      const long = 'y'.repeat(200_000);
      await playRetries(
        { scripts: [guarded(answer(401, long))], service: {}, policies: [renewal.use] },
        async (play) => {
          for (let i = 0; i < 2; i++) {
            await play.client.send(get());
            // The token is not asked for anew where the answer is no at once.
            const expected = i === 0 || when === 'at once' ? [401, long] : [200, 'got 0'];
            assert.deepEqual(await got(play), expected);
          }
        },
      );
    });
  }

  test('when it broke off while the policy made up its mind: broken off', async () => {
    const later = new Later();
    const renewal = new Renewal(later.give);
    const broken: Script = async (connection) => {
      await connection.head();
      await connection.send('HTTP/1.1 401 No\r\nContent-Length: 10\r\n\r\nhell');
      await later.reached.promise;
      connection.close();
    };
    await playRetries({ scripts: [broken], service: {}, policies: [renewal.use] }, async (play) => {
      await play.client.send(get());
      await later.reached.promise;
      await (await play.upstreams[0]?.connection(0))?.untilClosed();
      later.verdict.resolve(false);
      await play.client.untilEnded();
    });
  });

  test('a connection that broke while the request was still sent is one failure', async () => {
    const later = new Later();
    const renewal = new Renewal(later.give);
    const broken: Script = async (connection) => {
      await connection.untilReceived('abc');
      await connection.send('HTTP/1.1 401 No\r\nContent-Length: 10\r\n\r\nhell');
      await later.reached.promise;
      connection.close();
    };
    await playRetries({ scripts: [broken], service: {}, policies: [renewal.use] }, async (play) => {
      await play.client.send(request(['POST /page HTTP/1.1', HOST, 'Content-Length: 900'], 'abc'));
      await (await play.upstreams[0]?.connection(0))?.untilClosed();
      // Whoever does not read learns of it by what cannot be written: the second piece at the earliest.
      for (let i = 0; i < 100; i++) {
        await play.client.send('def');
        await nextTurn();
      }
      later.verdict.resolve(false);
      await play.client.untilEnded();
      await play.gateway.close();
      const failures = play.gateway.metrics().match(/^portcullis_upstream_failures_total\{.*$/gm);
      assert.deepEqual(failures, ['portcullis_upstream_failures_total{service="main",kind="reset"} 1']);
    });
  });

  test('when another policy answers in its place, once', async () => {
    for (const instead of [
      () => ({ status: 418, body: 'instead' }),
      () => Promise.resolve({ status: 418, body: 'instead' }),
    ]) {
      const renewal = new Renewal(() => Promise.resolve(false));
      const policies = [hooked('instead', { onUpstreamResponse: instead }), renewal.use];
      await playRetries({ scripts: [guarded()], service: {}, policies }, async (play) => {
        await play.client.send(get() + get());
        assert.deepEqual(await got(play), [418, 'instead']);
        assert.deepEqual(await got(play), [418, 'instead']);
      });
    }
  });
});

suite('while a policy makes up its mind', () => {
  test('the client may leave, and nothing is sent again', async () => {
    const later = new Later();
    const renewal = new Renewal(later.give);
    const begun = 'HTTP/1.1 401 No\r\nContent-Length: 10\r\n\r\nhell';
    await playRetries({ scripts: [guarded(begun)], service: {}, policies: [renewal.use] }, async (play) => {
      await play.client.send(get());
      await later.reached.promise;
      play.client.close();
      await (await play.upstreams[0]?.connection(0))?.untilEnded();
      later.verdict.resolve(true);
      await later.verdict.promise;
      await play.gateway.close();
      assert.deepEqual(
        play.gateway.accessLog().map(({ code, attempts }) => [code, attempts]),
        [['client_closed', 1]],
      );
    });
  });

  test('the time for the request may end', async () => {
    const later = new Later();
    const renewal = new Renewal(later.give);
    const stage = { scripts: [guarded()], service: {}, policies: [renewal.use], timeoutMs: 50 };
    await playRetries(stage, async (play) => {
      await play.client.send(get());
      await later.reached.promise;
      assert.equal((await got(play))[0], 504);
      later.verdict.resolve(true);
      await later.verdict.promise;
      assert.equal(sentTo(play.upstreams[0]).split('GET ').length, 2);
    });
  });

  test('the rest of the body comes in, and is sent with the rest', async () => {
    const later = new Later();
    const renewal = new Renewal(later.give);
    const early: Script = async (connection) => {
      if (connection.index > 0) return guarded()(connection);
      await connection.untilReceived('abc');
      await connection.send(answer(401, 'too early'));
    };
    await playRetries({ scripts: [early], service: {}, policies: [renewal.use] }, async (play) => {
      await play.client.send(request(['POST /page HTTP/1.1', HOST, 'Content-Length: 9'], 'abc'));
      await later.reached.promise;
      // A connection whose answer is complete before its request is closed.
      await (await play.upstreams[0]?.connection(0))?.untilEnded();
      await play.client.send('def');
      later.verdict.resolve(true);
      await play.client.send('ghi');
      assert.deepEqual(await got(play), [200, 'got 9']);
      assert.ok(sentTo(play.upstreams[0]).endsWith('\r\n\r\nabcdefghi'));
    });
  });

  test('a failure of its own is that of the policy', async () => {
    for (const fail of [
      () => {
        throw new Error('at once');
      },
      () => Promise.reject(new Error('later')),
    ]) {
      const renewal = new Renewal(fail);
      await playRetries({ scripts: [guarded()], service: {}, policies: [renewal.use] }, async (play) => {
        await play.client.send(get());
        const { status, body } = await play.client.answer();
        assert.deepEqual([status, JSON.parse(body.toString()).code], [500, 'policy_failed']);
      });
    }
  });
});

test('the first policy that wants it is enough, and the last one is asked first', async () => {
  const asked: string[] = [];
  const saying = (name: string, again: boolean): PolicyUse =>
    hooked(name, {
      retryWith: (_, status) => {
        asked.push(`${name} ${status}`);
        return again && status === 401;
      },
    });
  const policies = [saying('a', true), saying('b', true), saying('c', false)];
  await playRetries({ scripts: [guarded()], service: {}, policies }, async (play) => {
    assert.equal((await ask(play.client)).status, 401);
    assert.deepEqual(asked, ['c 401', 'b 401']);
  });
});

suite('a policy may answer in place of an answer that it does not like', () => {
  const refusal: Answer = { status: 503, code: 'provider_unavailable', headers: { 'Retry-After': '1' } };
  for (const [when, verdict] of [
    ['at once', () => refusal],
    ['later', () => Promise.resolve(refusal)],
  ] as const) {
    test(`${when}: the client gets no octet of the other, and both connections serve on`, async () => {
      const use = hooked('refusing', {
        retryWith: (_, status) => (status === 401 ? verdict() : false),
        onResponse: ({ response }) => response.fields.set('x-seen', String(response.status)),
      });
      const service = { breaker: { scope: 'both', consecutive: 1 } };
      await playRetries({ scripts: [refusingFirst], service, policies: [use] }, async (play) => {
        await play.client.send(posting(10));
        const { status, fields, body } = await play.client.answer();
        const named = Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]));
        assert.deepEqual(
          [status, JSON.parse(body.toString()).code, named['retry-after'], named['x-seen']],
          [503, 'provider_unavailable', '1', '503'],
        );
        assert.equal((await ask(play.client)).status, 200);
        assert.deepEqual(connectionsOf(play), [1]);
        await play.gateway.close();
        const [first] = play.gateway.accessLog();
        assert.deepEqual([first?.['code'], first?.['attempts']], ['provider_unavailable', 1]);
      });
    });
  }

  test('and what is no answer is a failure of the policy', async () => {
    const use = hooked('refusing', { retryWith: () => ({ status: 99 }) });
    await playRetries({ scripts: [guarded()], service: {}, policies: [use] }, async (play) => {
      await play.client.send(get());
      const { status, body } = await play.client.answer();
      assert.deepEqual([status, JSON.parse(body.toString()).code], [500, 'policy_failed']);
    });
  });
});

/** Refuses the first request of a connection alone. */
const refusingFirst: Script = async (connection) => {
  for (let i = 0; ; i++) {
    await wholeRequest(connection);
    await connection.send(i === 0 ? answer(401, 'stale') : answer(200));
  }
};
