import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { FieldNames } from '../http/field-names.ts';
import { Deadlines } from '../lib/deadlines.ts';
import type { Exchange } from '../policy/contract.ts';
import { REJECTED } from './breaker/breaker.ts';
import { ServiceCell, TargetCell } from './cells.ts';
import { TargetDirectory } from './directory.ts';
import type { TargetDescription } from './discovery/target-description.ts';
import { WORD } from './limits/adaptive-region.ts';
import { type ServiceConfig, serviceSchema } from './schema.ts';
import { OVERLOADED, Service } from './service.ts';
import type { Outcome, Target } from './target.ts';
import { targetsKey } from './targets-key.ts';
import type { TargetsMessage } from './targets-message.ts';

type Targets = readonly { readonly url: string; readonly weight: number }[];

function serviceOf(
  targets: Targets,
  random: () => number = () => 0,
  settings: ServiceConfig = serviceSchema.parse({}),
): Service {
  return new Service(
    'orders',
    { ...settings, targets },
    {
      workerId: 0,
      deadlines: new Deadlines(() => 0),
      names: new FieldNames(),
      retries: { pauses: new Deadlines(() => 0), random },
      directory: new TargetDirectory(),
      observer: () => ({ connectionOpened() {}, connectionClosed() {}, breakerChanged() {}, ejected() {} }),
    },
  );
}

/** A service that looks at nothing of a request to choose a target. */
const ANY = {} as Exchange;

/** Targets a, b, c, ... with these weights. */
const weighted = (weights: readonly number[], random?: () => number): Service =>
  serviceOf(
    weights.map((weight, i) => ({ url: `http://${String.fromCharCode(97 + i)}:1`, weight })),
    random,
  );

/** The first letter of so many targets in turn; `-` where there is none. */
const picks = (service: Service, count: number): string =>
  Array.from({ length: count }, () => service.pick(ANY)?.name[0] ?? '-').join('');

suite('targets take turns by weight', () => {
  const table: [weights: number[], round: string][] = [
    [[1], 'a'],
    [[7], 'aaaaaaa'],
    [[1, 1], 'ab'],
    [[1, 1, 1], 'abc'],
    [[2, 1], 'aab'],
    [[5, 1, 1], 'aaaaabc'],
    [[3, 2, 1], 'aaabbc'],
    [[4, 3], 'aaaabbb'],
    [[0, 1], 'b'],
    [[1, 0, 1], 'ac'],
    [[0, 0], '-'],
    [[0], '-'],
  ];
  for (const [weights, round] of table) {
    test(`weights ${weights.join(', ')}: each round has ${round} in some order, and all rounds the same`, () => {
      const service = weighted(weights);
      const order = picks(service, round.length);
      assert.equal([...order].sort().join(''), round);
      for (let again = 0; again < 3; again++) assert.equal(picks(service, round.length), order);
    });
  }

  test('of equal weight in the order of the list, from where chance begins', () => {
    for (const [chance, order] of [
      [0, 'abcabc'],
      [0.4, 'bcabca'],
      [0.9, 'cabcab'],
    ] as const)
      assert.equal(
        picks(
          weighted([1, 1, 1], () => chance),
          6,
        ),
        order,
      );
  });

  test('each gets exactly its share in every round, and is never early or late by more than a turn', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 3 }),
        (weights, rounds) => {
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          if (total === 0) return;
          const service = weighted(weights);
          const counts = weights.map(() => 0);
          for (let turn = 1; turn <= total * rounds; turn++) {
            const picked = picks(service, 1).charCodeAt(0) - 97;
            counts[picked] = (counts[picked] ?? 0) + 1;
            for (const [i, weight] of weights.entries()) {
              const due = (turn * weight) / total;
              assert.ok(Math.abs((counts[i] ?? 0) - due) < weights.length, `target ${i} at turn ${turn}`);
            }
            if (turn % total === 0)
              assert.deepEqual(
                counts,
                weights.map((weight) => (weight * turn) / total),
              );
          }
        },
      ),
    );
  });
});

suite('another target than those that were tried', () => {
  const table: [weights: number[], attempts: string][] = [
    [[1], 'aa'],
    [[1, 1], 'ab'],
    [[5, 1], 'ab'],
    [[1, 1, 1], 'abc'],
    [[1, 0], 'aa'],
    [[0, 0], '-'],
  ];
  for (const [weights, expected] of table) {
    test(`weights ${weights.join(', ')}: every request goes to ${expected} in some order`, () => {
      const service = weighted(weights);
      for (let request = 0; request < 4; request++) {
        const tried: Target[] = [];
        let names = '';
        for (let i = 0; i < expected.length; i++) {
          const target = service.pick(ANY, tried);
          names += target?.name[0] ?? '-';
          if (target !== undefined && !tried.includes(target)) tried.push(target);
        }
        assert.equal([...names].sort().join(''), expected);
      }
    });
  }
});

test('another zone is tried once all targets of the preferred one have been', () => {
  const settings = serviceSchema.parse({ balance: { zone: 'east' } });
  const targets = ['east', 'west', 'east'].map((zone, i) => ({
    url: `http://${zone}-${i}`,
    weight: 1,
    zone,
  }));
  const service = serviceOf(targets, () => 0, settings);
  const tried: Target[] = [];
  const names = Array.from({ length: 4 }, () => {
    const target = service.pick(ANY, tried);
    if (target !== undefined && !tried.includes(target)) tried.push(target);
    return target?.zone;
  });
  assert.deepEqual(names, ['east', 'east', 'west', 'east']);
});

suite('a target is known by its address', () => {
  for (const [url, name, authority] of [
    ['http://orders.internal', 'orders.internal:80', 'orders.internal'],
    ['http://orders.internal:80/', 'orders.internal:80', 'orders.internal'],
    ['http://orders.internal:8080', 'orders.internal:8080', 'orders.internal:8080'],
    ['https://orders.internal', 'orders.internal:443', 'orders.internal'],
    ['https://orders.internal:80', 'orders.internal:80', 'orders.internal:80'],
    ['http://192.0.2.1:81', '192.0.2.1:81', '192.0.2.1:81'],
    ['http://[2001:db8::1]:81', '[2001:db8::1]:81', '[2001:db8::1]:81'],
  ] as const) {
    test(url, () => {
      const target = serviceOf([{ url, weight: 1 }]).pick(ANY);
      assert.deepEqual([target?.name, target?.authority], [name, authority]);
    });
  }

  for (const [url, host, port, servername] of [
    ['http://orders.internal', 'orders.internal', 80, undefined],
    ['http://[2001:db8::1]:81', '2001:db8::1', 81, undefined],
    ['https://orders.internal', 'orders.internal', 443, 'orders.internal'],
    ['https://192.0.2.1', '192.0.2.1', 443, ''],
    ['https://[2001:db8::1]', '2001:db8::1', 443, ''],
  ] as const) {
    test(`${url} is connected to as ${host}, by the name ${String(servername)}`, () => {
      const settings = serviceOf([{ url, weight: 1 }]).pick(ANY)?.pool.settings;
      assert.deepEqual([settings?.host, settings?.port, settings?.tls?.servername], [host, port, servername]);
    });
  }
});

suite('the settings of a service', () => {
  test('reach its pools, in milliseconds', () => {
    const settings = serviceOf([{ url: 'http://a', weight: 1 }]).pick(ANY)?.pool.settings;
    assert.deepEqual(settings, {
      host: 'a',
      port: 80,
      tls: undefined,
      connectMs: 5000,
      firstByteMs: 60_000,
      idleMs: 60_000,
      tunnelIdleMs: 3_600_000,
      keepMs: 30_000,
      lifetimeMs: 3_600_000,
      limits: { head: 65_536, fields: 200 },
      max: 0,
      pending: 1024,
      idle: 256,
    });
  });

  test('are refused with a certificate that OpenSSL does not take, also while no target is known', () => {
    const tls = { cert: 'no certificate', key: 'no key' };
    assert.throws(() => serviceOf([], undefined, serviceSchema.parse({ tls })), /PEM/);
  });

  test('verify certificates unless that is switched off', () => {
    const tls = serviceOf([{ url: 'https://a', weight: 1 }]).pick(ANY)?.pool.settings.tls;
    assert.deepEqual([tls?.rejectUnauthorized, tls?.ALPNProtocols], [true, ['http/1.1']]);
  });
});

suite('a service that the main thread tells of its targets', () => {
  const settings = { ...serviceSchema.parse({ discovery: { registry: {} } }), targets: [] };
  const key = targetsKey('orders', settings);
  const service = ServiceCell.allocate();
  const cells = new Map<string, SharedArrayBuffer>();

  function messageOf(
    ...descriptions: (Omit<TargetDescription, 'weight'> & { weight?: number })[]
  ): TargetsMessage {
    const targets = descriptions.map((description) => {
      const cell = cells.get(description.url) ?? TargetCell.allocate();
      cells.set(description.url, cell);
      return { description: { weight: 1, ...description }, cell };
    });
    return { kind: 'targets', key, targets, service };
  }

  function serviceIn(directory: TargetDirectory): Service {
    return new Service('orders', settings, {
      workerId: 0,
      deadlines: new Deadlines(() => 0),
      names: new FieldNames(),
      retries: { pauses: new Deadlines(() => 0), random: () => 0 },
      directory,
      observer: () => ({ connectionOpened() {}, connectionClosed() {}, breakerChanged() {}, ejected() {} }),
    });
  }

  const A = { url: 'http://a:1' };
  const B = { url: 'http://b:1' };

  test('has those of the time when it is made, and follows what is told later', () => {
    const directory = new TargetDirectory();
    directory.receive(messageOf(A));
    const orders = serviceIn(directory);
    assert.equal(picks(orders, 2), 'aa');
    directory.receive(messageOf(A, B));
    assert.equal(picks(orders, 4), 'abab');
    directory.receive(messageOf(B));
    assert.equal(picks(orders, 2), 'bb');
    directory.receive(messageOf());
    assert.deepEqual([picks(orders, 1), orders.lack], ['-', 'no target is known']);
  });

  test('keeps a target with its connections as long as its address is told, whatever else changes of it', () => {
    const directory = new TargetDirectory();
    directory.receive(messageOf(A));
    const orders = serviceIn(directory);
    const target = orders.pick(ANY);
    directory.receive(messageOf({ ...A, weight: 3, zone: 'west' }, B));
    assert.equal(orders.askable[0], target);
    assert.deepEqual([target?.weight, target?.zone], [3, 'west']);
  });

  test('follows nobody any more when it is retired', () => {
    const directory = new TargetDirectory();
    directory.receive(messageOf(A));
    const orders = serviceIn(directory);
    orders.retire();
    directory.receive(messageOf(B));
    assert.equal(picks(orders, 1), 'a');
  });

  test('leaves out what drains, at once when the list says so', () => {
    const directory = new TargetDirectory();
    directory.receive(messageOf(A, { ...B, draining: true }));
    assert.equal(picks(serviceIn(directory), 3), 'aaa');
  });

  test('leaves out what is down, from the next request on, and says what all of them lack', () => {
    const directory = new TargetDirectory();
    const C = { url: 'http://c:1', weight: 0 };
    directory.receive(messageOf(A, B, C));
    const orders = serviceIn(directory);
    const cell = new TargetCell(cells.get(B.url) as SharedArrayBuffer, 0);
    assert.equal(picks(orders, 2), 'ab');
    cell.health = 'down';
    new ServiceCell(service, 0).bumpVersion();
    assert.equal(picks(orders, 2), 'aa');
    directory.receive(messageOf({ ...A, draining: true }, B, C));
    assert.equal(orders.lack, 'of 3 targets 1 down, 1 draining, 1 of weight 0');
    cell.health = 'unknown';
  });
});

test('what targets lack is looked at once, not for each request that is refused for it', (t) => {
  const settings = serviceSchema.parse({ balance: { panicThreshold: 0 } });
  const service = serviceOf([{ url: 'http://a', weight: 1 }], () => 0, settings);
  const [target] = service.askable;
  assert.ok(target);
  target.cell.health = 'down';
  service.cell.bumpVersion();
  assert.equal(service.pick(ANY), undefined);
  const look = t.mock.getter(target.cell, 'health', () => 'down');
  for (let i = 0; i < 3; i++) assert.equal(service.lack, 'of 1 targets 1 down');
  assert.equal(look.mock.callCount(), 1);
});

suite('slow start', () => {
  for (const [slowStart, stepMs] of [
    ['5s', 500],
    ['60s', 3000],
  ] as const) {
    test(`of ${slowStart} makes a new balancer every ${stepMs} ms`, () => {
      const settings = serviceSchema.parse({ balance: { slowStart } });
      const [target] = serviceOf([{ url: 'http://a', weight: 1 }], () => 0, settings).askable;
      assert.ok(target);
      const nowMs = 1_000_000;
      target.cell.sinceMs = nowMs;
      assert.equal(target.changesAtMs(nowMs), nowMs + stepMs);
    });
  }
});

suite('the limit and the breaker of a service', () => {
  test('give back what was admitted by the limit when the breaker refuses', () => {
    const settings = serviceSchema.parse({ breaker: { consecutive: 1 }, limits: { requests: 1 } });
    const orders = serviceOf([{ url: 'http://a:1', weight: 1 }], () => 0, settings);
    const permit = orders.admit();
    assert.equal(orders.admit(), OVERLOADED);
    orders.report(permit, 500, 1);
    orders.end();
    for (let i = 0; i < 3; i++) assert.equal(orders.admit(), REJECTED);
    assert.equal(orders.cell.inFlight.total(), 0);
    assert.ok(orders.retryAfterMs > 4000 && orders.retryAfterMs <= 5000);
  });

  for (const outcome of ['abandoned', 'overloaded', 'stale'] as const) {
    test(`learn nothing from a request that is ${outcome}`, () => {
      const settings = serviceSchema.parse({ breaker: { consecutive: 1 } });
      const orders = serviceOf([{ url: 'http://a:1', weight: 1 }], () => 0, settings);
      for (let i = 0; i < 3; i++) {
        orders.report(orders.admit(), outcome, -1);
        orders.end();
      }
      assert.notEqual(orders.admit(), REJECTED);
    });
  }

  const latencies: [outcome: Outcome, latencyMs: number, isTold: boolean][] = [
    [200, 5, true],
    [404, 5, true],
    [500, 5, false],
    ['reset', 5, false],
    ['first_byte_timeout', 60_000, true],
    ['try_timeout', 2000, true],
    ['try_timeout', -1, false],
    ['abandoned', 2000, false],
  ];
  for (const [outcome, latencyMs, isTold] of latencies) {
    test(`that adapts ${isTold ? 'learns' : 'learns nothing'} from ${outcome} after ${latencyMs} ms`, () => {
      const settings = serviceSchema.parse({ limits: { adaptive: {} } });
      const orders = serviceOf([{ url: 'http://a:1', weight: 1 }], () => 0, settings);
      orders.report(orders.admit(), outcome, latencyMs);
      orders.end();
      assert.equal(orders.cell.adaptive.words[WORD.samples], isTold ? 1 : 0);
    });
  }

  test('with breakers of targets, time to come back is that of the first one that lets requests through', () => {
    const settings = serviceSchema.parse({ breaker: { scope: 'target', consecutive: 1 } });
    const orders = serviceOf(
      [
        { url: 'http://a:1', weight: 1 },
        { url: 'http://b:1', weight: 1 },
      ],
      () => 0,
      settings,
    );
    const [a, b] = orders.askable;
    a?.report(a.begin(), 500, 1);
    assert.equal(picks(orders, 3), 'bbb');
    assert.equal(orders.retryAfterMs, 0);
    b?.report(b.begin(), 'refused', -1);
    orders.pick(ANY);
    assert.deepEqual([a?.begin(), b?.begin()], [REJECTED, REJECTED]);
    assert.ok(orders.retryAfterMs > 4000 && orders.retryAfterMs <= 5000);
  });
});
