import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { FieldNames } from '../http/field-names.ts';
import { Deadlines } from '../lib/deadlines.ts';
import { UNLIMITED_BUDGET } from './retry/policy.ts';
import { serviceSchema } from './schema.ts';
import { Service } from './service.ts';
import type { Target } from './target.ts';

type Targets = readonly { readonly url: string; readonly weight: number }[];

function serviceOf(targets: Targets): Service {
  return new Service(
    'orders',
    { ...serviceSchema.parse({}), targets },
    {
      deadlines: new Deadlines(() => 0),
      names: new FieldNames(),
      retries: { pauses: new Deadlines(() => 0), random: () => 0, budget: UNLIMITED_BUDGET },
      observer: () => ({ connectionOpened() {}, connectionClosed() {} }),
    },
  );
}

/** Targets a, b, c, ... with these weights. */
const weighted = (...weights: number[]): Service =>
  serviceOf(weights.map((weight, i) => ({ url: `http://${String.fromCharCode(97 + i)}:1`, weight })));

/** The first letter of so many targets in turn; `-` where there is none. */
const picks = (service: Service, count: number): string =>
  Array.from({ length: count }, () => service.pick()?.name[0] ?? '-').join('');

suite('targets take turns by smooth weighted round robin', () => {
  const table: [weights: number[], order: string][] = [
    [[1], 'aaaa'],
    [[7], 'aaaa'],
    [[1, 1], 'abab'],
    [[1, 1, 1], 'abcabc'],
    [[2, 1], 'abaaba'],
    [[5, 1, 1], 'aabacaaaabacaa'],
    [[3, 2, 1], 'abacbaabacba'],
    [[4, 3], 'abababaabababa'],
    [[0, 1], 'bbb'],
    [[1, 0, 1], 'acac'],
    [[0, 0], '---'],
    [[0], '---'],
  ];
  for (const [weights, order] of table) {
    test(`weights ${weights.join(', ')}: ${order}`, () =>
      assert.equal(picks(weighted(...weights), order.length), order));
  }

  test('each gets exactly its share in every round, and is never early or late by more than a turn', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 3 }),
        (weights, rounds) => {
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          if (total === 0) return;
          const service = weighted(...weights);
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
    [[1, 1], 'ab ab ab'],
    [[5, 1], 'ab ab ab ab'],
    [[1, 1, 1], 'abc abc abc'],
    [[1, 0], 'aa aa'],
    [[0, 0], '-'],
  ];
  for (const [weights, requests] of table) {
    test(`weights ${weights.join(', ')}: requests go to ${requests}`, () => {
      const service = weighted(...weights);
      for (const attempts of requests.split(' ')) {
        const tried: Target[] = [];
        let names = '';
        for (let i = 0; i < attempts.length; i++) {
          const target = service.pick(tried);
          names += target?.name[0] ?? '-';
          if (target !== undefined && !tried.includes(target)) tried.push(target);
        }
        assert.equal(names, attempts);
      }
    });
  }
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
      const target = serviceOf([{ url, weight: 1 }]).pick();
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
      const settings = serviceOf([{ url, weight: 1 }]).pick()?.pool.settings;
      assert.deepEqual([settings?.host, settings?.port, settings?.tls?.servername], [host, port, servername]);
    });
  }
});

suite('the settings of a service', () => {
  test('reach its pools, in milliseconds', () => {
    const settings = serviceOf([{ url: 'http://a', weight: 1 }]).pick()?.pool.settings;
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

  test('verify certificates unless that is switched off', () => {
    const tls = serviceOf([{ url: 'https://a', weight: 1 }]).pick()?.pool.settings.tls;
    assert.deepEqual([tls?.rejectUnauthorized, tls?.ALPNProtocols], [true, ['http/1.1']]);
  });
});
