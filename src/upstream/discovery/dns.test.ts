import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { FakeTimers } from '../../lib/fake-timers.support.ts';
import { dnsSource } from './dns.ts';
import { type DnsAnswer, DnsServer } from './dns-server.support.ts';
import { RecordingObserver } from './recording-observer.support.ts';
import { discoverySchema } from './schema.ts';

async function stage(
  t: TestContext,
  zone: Readonly<Record<string, DnsAnswer>>,
  more: Record<string, unknown> = {},
) {
  const server = await DnsServer.start();
  for (const [question, answer] of Object.entries(zone)) server.zone.set(question, answer);
  const { dns } = discoverySchema.parse({
    dns: {
      name: 'orders.internal',
      servers: [server.address],
      ...(more['type'] === 'srv' ? {} : { port: 8080 }),
      ...more,
    },
  });
  assert.ok(dns);
  const timers = new FakeTimers();
  const observer = new RecordingObserver();
  const source = dnsSource(dns, observer, { timers, random: () => 1 });
  t.after(async () => {
    source.close();
    await server.close();
  });
  return { server, timers, observer, source };
}

const a = (data: string, ttl = 60) => ({ ttl, data });

suite('a name in DNS', () => {
  test('has a target for each IPv4 address, in one order', async (t) => {
    const { observer, source } = await stage(t, { 'A orders.internal': [a('10.0.0.2'), a('10.0.0.1')] });
    source.start();
    assert.deepEqual(await observer.list(), [
      { url: 'http://10.0.0.1:8080', weight: 1 },
      { url: 'http://10.0.0.2:8080', weight: 1 },
    ]);
  });

  test('has a target for each IPv6 address when these are asked for', async (t) => {
    const zone = { 'AAAA orders.internal': [a('2001:db8:0:0:0:0:0:1')] };
    const { observer, source } = await stage(t, zone, { type: 'aaaa', scheme: 'https' });
    source.start();
    assert.deepEqual(await observer.urls(), ['https://[2001:db8::1]:8080']);
  });

  const waits: [title: string, ttls: number[], refresh: string, waitMs: number][] = [
    ['when its TTL is over', [12], '30s', 12_000],
    ['when the shortest of its TTLs is over', [20, 5, 9], '30s', 5000],
    ['at the latest after `refresh`', [3600], '30s', 30_000],
    ['not before a second is over', [0], '30s', 1000],
  ];
  for (const [title, ttls, refresh, waitMs] of waits) {
    test(`is looked up again ${title}`, async (t) => {
      const records = ttls.map((ttl, i) => a(`10.0.0.${i}`, ttl));
      const { server, timers, observer, source } = await stage(
        t,
        { 'A orders.internal': records },
        { refresh },
      );
      source.start();
      await observer.list();
      await timers.untilWaiting(waitMs);
      server.zone.set('A orders.internal', [a('10.0.0.99')]);
      timers.advance(waitMs);
      assert.deepEqual(await observer.urls(), ['http://10.0.0.99:8080']);
    });
  }

  test('with the same addresses in another order is not told again', async (t) => {
    const { server, timers, observer, source } = await stage(t, {
      'A orders.internal': [a('10.0.0.1', 5), a('10.0.0.2', 5)],
    });
    source.start();
    await observer.list();
    await timers.untilWaiting(5000);
    server.zone.set('A orders.internal', [a('10.0.0.2', 7), a('10.0.0.1', 7)]);
    timers.advance(5000);
    await timers.untilWaiting(7000);
    assert.deepEqual(observer.left, []);
  });
});

suite('SRV records', () => {
  const names = {
    'A a.internal': [a('10.0.0.1', 9)],
    'A b.internal': [a('10.0.0.2', 30)],
    'A c.internal': [a('10.0.0.3')],
  };
  const table: [title: string, records: string[], expected: string[]][] = [
    [
      'give addresses, ports and weights',
      ['1 10 80 a.internal', '1 30 8080 b.internal'],
      ['http://10.0.0.1 10', 'http://10.0.0.2:8080 30'],
    ],
    [
      'of the lowest priority number are used',
      ['20 1 81 a.internal', '10 1 82 b.internal', '10 2 83 c.internal'],
      ['http://10.0.0.2:82 1', 'http://10.0.0.3:83 2'],
    ],
    [
      'that all have weight 0 are alike',
      ['1 0 81 a.internal', '1 0 82 b.internal'],
      ['http://10.0.0.1:81 1', 'http://10.0.0.2:82 1'],
    ],
    [
      'with weight 0 beside others get a very small share',
      ['1 0 81 a.internal', '1 5 82 b.internal'],
      ['http://10.0.0.1:81 1', 'http://10.0.0.2:82 1000'],
    ],
    [
      'with large weights keep their proportion',
      ['1 60000 81 a.internal', '1 15000 82 b.internal'],
      ['http://10.0.0.1:81 1000', 'http://10.0.0.2:82 250'],
    ],
    [
      'whose name is gone are left out',
      ['1 1 81 a.internal', '1 1 82 gone.internal'],
      ['http://10.0.0.1:81 1'],
    ],
    [
      'of the next priority number are used where the names of the lowest are gone',
      ['1 1 81 gone.internal', '2 1 82 b.internal'],
      ['http://10.0.0.2:82 1'],
    ],
    [
      'of one name with two ports are two targets',
      ['1 1 81 a.internal', '1 1 82 a.internal'],
      ['http://10.0.0.1:81 1', 'http://10.0.0.1:82 1'],
    ],
    ['with the target "." say that the service is not there', ['0 0 0 .'], []],
  ];
  for (const [title, records, expected] of table) {
    test(title, async (t) => {
      const zone = { ...names, 'SRV _http._tcp.orders.internal': records.map((data) => a(data)) };
      const { observer, source } = await stage(t, zone, { type: 'srv', name: '_http._tcp.orders.internal' });
      source.start();
      assert.deepEqual(
        (await observer.list()).map(({ url, weight }) => `${url} ${weight}`),
        expected,
      );
    });
  }

  test('share their weight among the addresses of their name', async (t) => {
    const zone = {
      'SRV s.internal': [a('1 10 80 a.internal'), a('1 20 80 b.internal')],
      'A a.internal': [a('10.0.0.1'), a('10.0.0.2')],
      'A b.internal': [a('10.0.0.3')],
    };
    const { observer, source } = await stage(t, zone, { type: 'srv', name: 's.internal' });
    source.start();
    assert.deepEqual(
      (await observer.list()).map(({ weight }) => weight),
      [5, 5, 20],
    );
  });

  test('may lead to names that have IPv6 addresses only', async (t) => {
    const zone = {
      'SRV s.internal': [a('1 1 80 a.internal')],
      'A a.internal': [],
      'AAAA a.internal': [a('2001:db8:0:0:0:0:0:1')],
    };
    const { observer, source } = await stage(t, zone, { type: 'srv', name: 's.internal' });
    source.start();
    assert.deepEqual(await observer.urls(), ['http://[2001:db8::1]']);
  });

  test('are looked up again after the shortest TTL of their addresses', async (t) => {
    const zone = { ...names, 'SRV s.internal': [a('1 1 80 a.internal'), a('1 1 80 b.internal')] };
    const { timers, source } = await stage(t, zone, { type: 'srv', name: 's.internal' });
    source.start();
    await timers.untilWaiting(9000);
  });

  test('one of whose names is not answered for are no list', async (t) => {
    const zone = {
      ...names,
      'SRV s.internal': [a('1 1 80 a.internal'), a('1 1 80 d.internal')],
      'A d.internal': 'SERVFAIL' as const,
    };
    const { observer, source } = await stage(t, zone, { type: 'srv', name: 's.internal' });
    source.start();
    assert.match(await observer.failure(), /ESERVFAIL d\.internal/);
  });

  test('whose names are all gone are no list', async (t) => {
    const { observer, source } = await stage(
      t,
      { 'SRV s.internal': [a('1 1 80 x.internal')] },
      { type: 'srv', name: 's.internal' },
    );
    source.start();
    assert.match(await observer.failure(), /none of the names that its records lead to exists$/);
  });
});

suite('DNS fails', () => {
  const table: [title: string, answer: DnsAnswer, cause: RegExp][] = [
    [
      'with NXDOMAIN',
      'NXDOMAIN',
      /^the name orders\.internal was not resolved: queryA ENOTFOUND orders\.internal$/,
    ],
    ['with SERVFAIL', 'SERVFAIL', /ESERVFAIL/],
    ['with a name that has no such record', [], /ENODATA/],
  ];
  for (const [title, answer, cause] of table) {
    test(`${title}: told once, the targets stay, and the next good answer ends it`, async (t) => {
      const { server, timers, observer, source } = await stage(t, {
        'A orders.internal': [a('10.0.0.1', 5)],
      });
      source.start();
      await observer.list();
      await timers.untilWaiting(5000);
      server.zone.set('A orders.internal', answer);
      timers.advance(5000);
      assert.match(await observer.failure(), cause);
      await timers.untilWaiting(1000);
      timers.advance(1000);
      await timers.untilWaiting(2000);
      server.zone.set('A orders.internal', [a('10.0.0.1', 5)]);
      timers.advance(2000);
      assert.deepEqual(await observer.urls(), ['http://10.0.0.1:8080']);
      assert.deepEqual(observer.left, []);
    });
  }

  for (const answer of ['silence', 'garbage'] as const) {
    test(`with ${answer}: the look-up is given up after ten seconds`, async (t) => {
      const { server, timers, observer, source } = await stage(t, { 'A orders.internal': answer });
      source.start();
      await server.untilAsked(1);
      timers.advance(10_000);
      assert.equal(
        await observer.failure(),
        'the name orders.internal was not resolved: no answer within 10000 ms',
      );
    });
  }
});

suite('a source of DNS that is closed', () => {
  test('gives up its look-up, tells nothing more and leaves nothing behind', async (t) => {
    const { server, timers, observer, source } = await stage(t, { 'A orders.internal': 'silence' });
    source.start();
    await server.untilAsked(1);
    source.close();
    // The look-up that is given up ends in the next turns.
    await new Promise(setImmediate);
    assert.deepEqual(timers.waiting, []);
    assert.deepEqual(observer.left, []);
  });
});
