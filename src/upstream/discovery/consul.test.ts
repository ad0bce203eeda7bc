import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { FakeTimers } from '../../lib/fake-timers.support.ts';
import { type ApiRequest, ApiServer } from './api-server.support.ts';
import { consulSource } from './consul.ts';
import { index, instance } from './consul-answers.support.ts';
import { RecordingObserver } from './recording-observer.support.ts';
import { discoverySchema } from './schema.ts';

async function stage(t: TestContext, more: Record<string, unknown> = {}) {
  const consul = await ApiServer.start();
  const settings = { address: consul.url, service: 'orders', ...more };
  const { consul: parsed } = discoverySchema.parse({ consul: settings });
  assert.ok(parsed);
  const timers = new FakeTimers();
  const observer = new RecordingObserver();
  const source = consulSource(parsed, observer, { timers, random: () => 1 });
  t.after(async () => {
    source.close();
    await consul.close();
  });
  /** The next query, a second after the one before. */
  const later = async (): Promise<ApiRequest> => {
    await timers.untilWaiting(1000);
    timers.advance(1000);
    return consul.next();
  };
  return { consul, timers, observer, source, later };
}

suite('Consul is asked', () => {
  test('at once at first, then with the index of the last answer and for as long as configured', async (t) => {
    const { consul, observer, source, later } = await stage(t, {
      wait: '90s',
      tag: 'v 2',
      datacenter: 'dc2',
      token: 't-1',
    });
    source.start();
    const first = await consul.next();
    assert.equal(first.path, '/v1/health/service/orders');
    assert.deepEqual(first.query, { passing: '1', tag: 'v 2', dc: 'dc2' });
    assert.equal(first.headers['x-consul-token'], 't-1');
    first.json([instance('10.0.0.1')], index(7));
    assert.deepEqual(await observer.list(), [{ url: 'http://10.0.0.1:8080', weight: 1 }]);
    const second = await later();
    assert.deepEqual(second.query, { passing: '1', tag: 'v 2', dc: 'dc2', index: '7', wait: '90000ms' });
    second.json([instance('10.0.0.2')], index(8));
    assert.deepEqual(await observer.urls(), ['http://10.0.0.2:8080']);
  });

  const indices: [title: string, given: (number | string)[], asked: (string | undefined)[]][] = [
    ['goes back: anew, without an index', [9, 3, 4], [undefined, '9', undefined]],
    ['stays: with the same one', [9, 9, 9], [undefined, '9', '9']],
    ['is 0: never with 0, which would not wait', [0, 0, 5], [undefined, '1', '1']],
    ['is no number: never with it', ['x&y', -1, 5], [undefined, '1', '1']],
    [
      'is larger than a double holds: exactly',
      ['18446744073709551614', '18446744073709551615', 1],
      [undefined, '18446744073709551614', '18446744073709551615'],
    ],
  ];
  for (const [title, given, asked] of indices) {
    test(`when the index ${title}`, async (t) => {
      const { consul, source, later } = await stage(t);
      source.start();
      const seen: (string | undefined)[] = [];
      for (const value of given) {
        const query = seen.length === 0 ? await consul.next() : await later();
        seen.push(query.query['index']);
        query.json([], index(value));
      }
      assert.deepEqual(seen, asked);
    });
  }

  test('once a second at most, and at once after a query that waited longer', async (t) => {
    const { consul, timers, source, later } = await stage(t);
    source.start();
    (await consul.next()).json([], index(1));
    const query = await later();
    timers.advance(30_000);
    query.json([], index(2));
    await timers.untilWaiting(0);
  });
});

suite('an instance in Consul', () => {
  const table: [title: string, entry: object, expected: object][] = [
    ['without an address is at its node’s', instance(''), { url: 'http://10.9.9.9:8080', weight: 1 }],
    ['may have an IPv6 address', instance('2001:db8::1'), { url: 'http://[2001:db8::1]:8080', weight: 1 }],
    [
      'has its weight while it passes',
      instance('10.0.0.1', 80, { Weights: { Passing: 10, Warning: 1 } }),
      { url: 'http://10.0.0.1', weight: 10 },
    ],
    [
      'with a large weight has a smaller one in proportion',
      instance('a', 1, { Weights: { Passing: 65_535 } }),
      { url: 'http://a:1', weight: 1000 },
    ],
    [
      'has the zone of its locality',
      instance('a', 1, { Locality: { Region: 'eu', Zone: 'eu-1' } }),
      { url: 'http://a:1', weight: 1, zone: 'eu-1' },
    ],
    [
      'or that of its node',
      instance('a', 1, { Tags: null }, { Locality: { Zone: 'eu-2' } }),
      { url: 'http://a:1', weight: 1, zone: 'eu-2' },
    ],
  ];
  for (const [title, entry, expected] of table) {
    test(title, async (t) => {
      const { consul, observer, source } = await stage(t);
      source.start();
      (await consul.next()).json([entry], index(1));
      assert.deepEqual(await observer.list(), [expected]);
    });
  }
});

suite('an answer of Consul that says the same', () => {
  test('in another order is not told again', async (t) => {
    const { consul, observer, source, later } = await stage(t);
    source.start();
    (await consul.next()).json([instance('a'), instance('b')], index(1));
    assert.deepEqual(await observer.urls(), ['http://a:8080', 'http://b:8080']);
    (await later()).json([instance('b'), instance('a')], index(2));
    (await later()).json([], index(3));
    assert.deepEqual(await observer.urls(), []);
    assert.deepEqual(observer.left, []);
  });
});

suite('Consul fails', () => {
  const table: [title: string, fail: (query: ApiRequest) => void | Promise<void>, cause: RegExp][] = [
    ['with a status', (query) => query.text('rpc error', {}, 500), /answered 500 Internal Server Error$/],
    ['by refusing the token', (query) => query.text('ACL not found', {}, 403), /answered 403 Forbidden$/],
    [
      'with a redirect, which is not followed',
      (query) => query.text('', { location: 'http://127.0.0.1:1/' }, 302),
      /answered 302 Found$/,
    ],
    ['with what is no JSON', (query) => query.text('[{"Node":'), /answered with something that is not JSON$/],
    ['with what is no list', (query) => query.json({ Node: {} }), /not a list of instances$/],
    [
      'with an instance without a port',
      (query) => query.json([instance('a', 0)]),
      /cannot be used: "http:\/\/a:0" is not the address/,
    ],
    [
      'with an address that leads elsewhere',
      (query) => query.json([instance('a/b?c')]),
      /cannot be used: "http:\/\/a\/b\?c:8080" is not the address/,
    ],
    [
      'with more targets than there may be',
      (query) => query.json(Array.from({ length: 10_001 }, (_, i) => instance(`n${i}`))),
      /more than 10000 targets$/,
    ],
    [
      'by breaking off',
      async (query) => {
        await query.write('[{');
        query.cut();
      },
      /Consul at http:\/\/127\.0\.0\.1:\d+ (aborted|socket hang up)$/,
    ],
    ['with an answer that is too large', flood, /answered with more than 33554432 bytes$/],
  ];
  for (const [title, fail, cause] of table) {
    test(`${title}: told once, the targets stay, and the next good answer ends it`, async (t) => {
      const { consul, timers, observer, source, later } = await stage(t, { token: 'very-secret' });
      source.start();
      (await consul.next()).json([instance('a')], index(5));
      await observer.list();
      await fail(await later());
      const told = await observer.failure();
      assert.match(told, cause);
      assert.doesNotMatch(told, /very-secret/);
      (await later()).text('', {}, 500);
      await timers.untilWaiting(2000);
      timers.advance(2000);
      const query = await consul.next();
      assert.equal(
        query.query['index'],
        undefined,
        'the outage is over with the first answer, not with the first change',
      );
      query.json([instance('a')], index(5));
      assert.deepEqual(await observer.urls(), ['http://a:8080']);
      assert.deepEqual(observer.left, []);
    });
  }

  test('by never answering: the query is given up when Consul should have answered', async (t) => {
    const { consul, timers, observer, source, later } = await stage(t, { wait: '16s' });
    source.start();
    (await consul.next()).json([], index(1));
    await observer.list();
    const query = await later();
    timers.advance(16_000 + 1000 + 10_000 - 1);
    assert.equal(query.closed, false);
    timers.advance(1);
    assert.match(await observer.failure(), /gave no answer within 27000 ms$/);
    await query.untilClosed();
  });

  test('again and again: the pauses double up to a minute, and begin anew after a success', async (t) => {
    const { consul, timers, source } = await stage(t);
    source.start();
    for (const pause of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
      (await consul.next()).text('', {}, 503);
      await timers.untilWaiting(pause);
      timers.advance(pause);
    }
    (await consul.next()).json([], index(1));
    await timers.untilWaiting(1000);
    timers.advance(1000);
    (await consul.next()).text('', {}, 503);
    await timers.untilWaiting(1000);
  });

  test('by not being there', async (t) => {
    const { consul, observer, source } = await stage(t);
    await consul.close();
    source.start();
    assert.match(await observer.failure(), /ECONNREFUSED/);
  });
});

test('Consul by TLS is trusted by the authority that is configured', async (t) => {
  const authority = await TestAuthority.make();
  const consul = await ApiServer.start(await authority.issue('consul', ['127.0.0.1']));
  const { consul: settings } = discoverySchema.parse({
    consul: { address: consul.url, service: 'orders', ca: authority.cert },
  });
  assert.ok(settings);
  const observer = new RecordingObserver();
  const source = consulSource(settings, observer, { timers: new FakeTimers(), random: () => 1 });
  t.after(async () => {
    source.close();
    await consul.close();
  });
  source.start();
  (await consul.next()).json([instance('a')], index(1));
  assert.deepEqual(await observer.urls(), ['http://a:8080']);
});

suite('a source of Consul that is closed', () => {
  test('gives up its query, tells nothing more and leaves nothing behind', async (t) => {
    const { consul, timers, observer, source } = await stage(t);
    source.start();
    const query = await consul.next();
    source.close();
    source.close();
    await query.untilClosed();
    assert.deepEqual(timers.waiting, []);
    assert.deepEqual(observer.left, []);
  });

  test('while it pauses does not go on', async (t) => {
    const { consul, timers, observer, source } = await stage(t);
    source.start();
    (await consul.next()).json([], index(1));
    await observer.list();
    await timers.untilWaiting(1000);
    source.close();
    assert.deepEqual(timers.waiting, []);
    timers.advance(60_000);
    assert.equal(consul.waiting, 0);
  });

  test('before it was started never starts', async (t) => {
    const { consul, timers, source } = await stage(t);
    source.close();
    source.start();
    assert.deepEqual(timers.waiting, []);
    assert.equal(consul.waiting, 0);
  });
});

/** Sends until the client leaves. */
async function flood(query: ApiRequest): Promise<void> {
  const part = `[${' '.repeat(1024 * 1024)}`;
  while (!query.closed) await query.write(part);
}
