import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { RunningCli, Workspace } from '../support/cli.ts';
import { NamedTarget, untilAnsweredBy, untilServed } from '../support/named-target.ts';
import { ordersConfig } from '../support/orders-config.ts';
import { RawClient } from '../support/raw-client.ts';
import { type Received, send } from '../support/send.ts';

const LIMIT = { timeout: 60_000 };
const CONFIG = { 'portcullis.yaml': ordersConfig('{ discovery: { registry: {} } }') };
const JSON_TYPE = { 'content-type': 'application/json' };

function call(admin: string, path: string, body: unknown): Promise<Received> {
  return send(`${admin}/registry/${path}`, {
    method: 'POST',
    headers: JSON_TYPE,
    body: JSON.stringify(body),
  });
}

async function called(admin: string, path: string, body: object): Promise<unknown> {
  const { status, body: text } = await call(admin, path, { service: 'orders', ...body });
  assert.equal(status, 200, text);
  return JSON.parse(text);
}

async function registered(admin: string): Promise<string[]> {
  const { body } = await send(`${admin}/registry?service=orders`);
  return (JSON.parse(body) as { targets: { url: string }[] }).targets.map(({ url }) => url);
}

suite('targets that register at the admin port', () => {
  test(
    'get requests, drain and leave without a reload, and no request under way is lost',
    LIMIT,
    async () => {
      await using a = await NamedTarget.start('a');
      await using b = await NamedTarget.start('b');
      using files = new Workspace(CONFIG);
      await using cli = new RunningCli(['serve'], files.directory);
      const { url, admin } = await cli.ready();
      const none = await send(url);
      assert.deepEqual([none.status, (JSON.parse(none.body) as { code: string }).code], [503, 'no_target']);

      await called(admin, 'register', { url: a.url });
      await untilServed(url);
      await untilAnsweredBy(url, ['a']);
      const { expiresInMs, ...entry } = (await called(admin, 'register', {
        url: b.url,
        weight: 1,
        zone: 'eu-1',
        tags: ['blue'],
        ttl: '1h',
      })) as { expiresInMs: number };
      assert.deepEqual(entry, {
        url: b.url,
        weight: 1,
        zone: 'eu-1',
        tags: ['blue'],
        service: 'orders',
        ttlMs: 3_600_000,
        state: 'active',
      });
      assert.ok(expiresInMs > 3_590_000 && expiresInMs <= 3_600_000, String(expiresInMs));
      await untilAnsweredBy(url, ['a', 'b']);

      const held = [send(`${url}/held`), send(`${url}/held`), send(`${url}/held`), send(`${url}/held`)];
      await Promise.all([a.untilHeld(), b.untilHeld()]);
      await called(admin, 'state', { url: a.url, state: 'inactive' });
      await untilAnsweredBy(url, ['b']);
      const { body } = await send(`${admin}/services?name=orders`);
      const { counts } = JSON.parse(body) as { counts: unknown };
      assert.deepEqual(counts, { targets: 2, usable: 1, down: 0, ejected: 0, draining: 1 });
      await called(admin, 'register', { url: a.url });
      await untilAnsweredBy(url, ['b']);
      await called(admin, 'state', { url: a.url, state: 'active' });
      await untilAnsweredBy(url, ['a', 'b']);

      await called(admin, 'deregister', { url: a.url });
      await untilAnsweredBy(url, ['b']);
      a.release();
      b.release();
      const late = await Promise.all(held);
      assert.deepEqual(
        new Set(late.map(({ status, body: name }) => `${status} ${name}`)),
        new Set(['200 a', '200 b']),
      );
      assert.deepEqual(await registered(admin), [b.url]);
      assert.deepEqual(
        cli.log.filter(({ message }) => message.startsWith('reload')),
        [],
      );
    },
  );

  test('are gone when they are not heard of for their time, and stay by heartbeats', LIMIT, async () => {
    await using a = await NamedTarget.start('a');
    await using b = await NamedTarget.start('b');
    using files = new Workspace(CONFIG);
    await using cli = new RunningCli(['serve'], files.directory);
    const { url, admin } = await cli.ready();
    await called(admin, 'register', { url: b.url, ttl: '1h' });
    // As long as a busy machine may leave this process without its turn.
    await called(admin, 'register', { url: a.url, ttl: '2s' });
    const beating = new AbortController();
    const beats = (async () => {
      // Each as soon as the one before is answered: far more often than has to be.
      while (!beating.signal.aborted) await called(admin, 'heartbeat', { url: a.url });
    })();
    await untilServed(url);
    const until = performance.now() + 2500;
    while (performance.now() < until) await untilAnsweredBy(url, ['a', 'b']);
    beating.abort();
    await beats;
    const gone = await cli.logged('service orders has 1 target now', cli.log.length);
    assert.deepEqual([gone['removed'], gone['added']], [a.url, '']);
    await untilAnsweredBy(url, ['b']);
    const late = await call(admin, 'heartbeat', { service: 'orders', url: a.url });
    assert.deepEqual(
      [late.status, (JSON.parse(late.body) as { code: string }).code],
      [404, 'target_unknown'],
    );
  });

  test('are still there after a crash of the gateway, as they were', LIMIT, async () => {
    await using a = await NamedTarget.start('a');
    await using b = await NamedTarget.start('b');
    using files = new Workspace(CONFIG);
    {
      await using cli = new RunningCli(['serve'], files.directory);
      const { admin } = await cli.ready();
      await called(admin, 'register', { url: a.url });
      await called(admin, 'register', { url: b.url });
      await called(admin, 'state', { url: b.url, state: 'inactive' });
    }
    await using again = new RunningCli(['serve'], files.directory);
    const { url, admin } = await again.ready();
    await untilAnsweredBy(url, ['a']);
    assert.deepEqual(await registered(admin), [a.url, b.url].sort());
  });
});

suite('the registry refuses', () => {
  test('what is hostile or wrong, with a code, and is as it was', LIMIT, async () => {
    using files = new Workspace(CONFIG);
    await using cli = new RunningCli(['serve'], files.directory);
    const { admin } = await cli.ready();
    const target = { service: 'orders', url: 'http://127.0.0.1:1' };
    const one = JSON.stringify(target);
    const table: readonly (readonly [
      title: string,
      headers: Readonly<Record<string, string>>,
      body: string,
      status: number,
      code: string,
    ])[] = [
      ['another type than JSON', { 'content-type': 'text/plain' }, one, 415, 'json_expected'],
      ['no JSON', JSON_TYPE, '{"service":', 400, 'json_malformed'],
      ['null', JSON_TYPE, 'null', 422, 'registration_invalid'],
      ['a list', JSON_TYPE, `[${one}]`, 422, 'registration_invalid'],
      ['nothing of use', JSON_TYPE, '{}', 422, 'registration_invalid'],
      [
        'a service that is a number',
        JSON_TYPE,
        JSON.stringify({ ...target, service: 7 }),
        422,
        'registration_invalid',
      ],
      [
        'an address with a path',
        JSON_TYPE,
        JSON.stringify({ ...target, url: 'http://a/b' }),
        422,
        'registration_invalid',
      ],
      [
        'a scheme that is none',
        JSON_TYPE,
        JSON.stringify({ ...target, url: 'file:///etc' }),
        422,
        'registration_invalid',
      ],
      [
        'a weight below nothing',
        JSON_TYPE,
        JSON.stringify({ ...target, weight: -1 }),
        422,
        'registration_invalid',
      ],
      [
        'a weight that is a text',
        JSON_TYPE,
        JSON.stringify({ ...target, weight: '1' }),
        422,
        'registration_invalid',
      ],
      [
        'tags that are no list',
        JSON_TYPE,
        JSON.stringify({ ...target, tags: 'blue' }),
        422,
        'registration_invalid',
      ],
      [
        'a tag with a line end',
        JSON_TYPE,
        JSON.stringify({ ...target, tags: ['a\nb'] }),
        422,
        'registration_invalid',
      ],
      ['no time at all', JSON_TYPE, JSON.stringify({ ...target, ttl: '0s' }), 422, 'registration_invalid'],
      [
        'a key that is not known',
        JSON_TYPE,
        JSON.stringify({ ...target, admin: true }),
        422,
        'registration_invalid',
      ],
      [
        'a prototype',
        JSON_TYPE,
        `{"__proto__":{"service":"orders"},"url":"http://a"}`,
        422,
        'registration_invalid',
      ],
      [
        'a body that is too large',
        JSON_TYPE,
        JSON.stringify({ ...target, zone: 'z'.repeat(70_000) }),
        413,
        'body_too_large',
      ],
      [
        'a page of another site',
        { ...JSON_TYPE, origin: 'http://evil.example' },
        one,
        403,
        'cross_site_request',
      ],
      [
        'a page that hides its origin',
        { ...JSON_TYPE, 'sec-fetch-site': 'cross-site' },
        one,
        403,
        'cross_site_request',
      ],
      ['a name that resolves here', { ...JSON_TYPE, host: 'evil.example' }, one, 421, 'host_not_allowed'],
    ];
    for (const [title, headers, body, status, code] of table) {
      for (const path of ['register', 'heartbeat', 'state', 'deregister']) {
        const answer = await send(`${admin}/registry/${path}`, { method: 'POST', headers, body });
        const got = JSON.parse(answer.body) as { code: string };
        assert.deepEqual([answer.status, got.code], [status, code], `${path}: ${title}`);
      }
    }
    assert.equal((await send(`${admin}/registry/register`)).status, 405);
    assert.deepEqual(await registered(admin), []);
    assert.deepEqual(
      cli.log.filter(({ level }) => level === 'error' || level === 'warn'),
      [],
    );
  });

  test('a body without an end, and hangs up', LIMIT, async () => {
    using files = new Workspace(CONFIG);
    await using cli = new RunningCli(['serve'], files.directory);
    const { admin } = await cli.ready();
    using client = await RawClient.connect({ port: Number(new URL(admin).port) });
    const head = 'POST /registry/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json';
    await client.send(`${head}\r\nContent-Length: 1000000000\r\n\r\n${'x'.repeat(70_000)}`);
    assert.equal((await client.answer('POST')).status, 413);
    await client.untilEnded();
    assert.equal((await send(`${admin}/healthz`)).status, 200);
  });
});
