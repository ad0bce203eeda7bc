import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, beforeEach, suite, test } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { turns } from '../../../test/support/changes.ts';
import { AcmeProblem } from './problem.ts';
import type { RenewalInfo } from './renewal-info.ts';
import { Renewals } from './renewals.ts';
import { type AcmeSettings, acmeSchema } from './schema.ts';
import type { CertificateRecord } from './storage.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const shop = acmeSchema.parse({ hosts: ['shop.example'], termsAgreed: true });

suite('when a certificate is to be renewed', () => {
  let record: CertificateRecord;
  let nowMs: number;
  let asked: number[];
  let log: string[];
  let wish: () => RenewalInfo | undefined;
  let closed: AbortController;
  let renewals: Renewals;

  /** Its life is 25 hours; without a wish of its authority it is to be renewed after 16. */
  before(async () => {
    const { cert, key } = await (await TestAuthority.make()).issue('shop', ['shop.example']);
    const issuedAtMs = new X509Certificate(cert).validFromDate.getTime();
    const renewAtMs = issuedAtMs + 16 * HOUR_MS;
    record = { name: 'shop', ordered: '', cert, key, issuedAtMs, renewAtMs };
  });
  beforeEach(() => {
    nowMs = record.issuedAtMs;
    asked = [];
    log = [];
    closed = new AbortController();
    renewals = new Renewals({
      ask: async () => {
        asked.push((nowMs - record.issuedAtMs) / MINUTE_MS);
        return wish();
      },
      userAgent: 'test',
      signal: closed.signal,
      nowMs: () => nowMs,
      log: (level, message) => log.push(`${level}: ${message}`),
    });
  });

  const within = (fromHours: number, toHours: number, more: Partial<RenewalInfo> = {}) => ({
    startMs: record.issuedAtMs + fromHours * HOUR_MS,
    endMs: record.issuedAtMs + toHours * HOUR_MS,
    explanation: undefined,
    retryAfterMs: undefined,
    ...more,
  });
  const unreachable = () => {
    throw new AcmeProblem('unreachable', 'no route', { retryAfterMs: 0 });
  };

  async function look(): Promise<void> {
    renewals.look([[record, shop]]);
    await turns(5);
  }

  /** Hours after the begin of its life. */
  const hours = (settings: AcmeSettings = shop) =>
    (renewals.atMs(record, settings) - record.issuedAtMs) / HOUR_MS;

  for (const [what, info, expected, settings] of [
    ['when its authority says, which may be sooner', () => within(5, 5.0001), 5],
    ['or later', () => within(20, 20.0001), 20],
    ['but a twentieth of its life before its end at the latest', () => within(1000, 1001), 23.75],
    ['and after an hour, or a tenth of its life, at the soonest', () => within(-1000, -999), 1],
    ['as its record says where the authority says nothing', () => undefined, 16],
    ['as its record says where the authority cannot be asked', unreachable, 16],
    [
      'when whoever runs the gateway wants it, if that is sooner',
      () => within(20, 21),
      16,
      { ...shop, renewBefore: 9 * HOUR_MS },
    ],
  ] as const) {
    test(`it is ${what}`, async () => {
      wish = info;
      assert.equal(renewals.isKnown(record), false);
      await look();
      assert.equal(renewals.isKnown(record), true);
      assert.ok(Math.abs(hours(settings) - expected) < 0.001, String(hours(settings)));
    });
  }

  test('it is at a time by chance in the window, the same on every node', async () => {
    wish = () => within(4, 8);
    await look();
    const first = hours();
    assert.ok(first >= 4 && first < 8);
    renewals = new Renewals({
      ask: async () => wish(),
      userAgent: 'test',
      signal: closed.signal,
      nowMs: () => nowMs,
      log: () => {},
    });
    await look();
    assert.equal(hours(), first);
  });

  for (const [what, retryAfterMs, pauseMinutes] of [
    ['when it wants to be', 2 * HOUR_MS, 120],
    ['after a minute at the soonest', 0, 1],
    ['after a day at the latest', 365 * 24 * HOUR_MS, 24 * 60],
    ['after six hours where it does not say', undefined, 6 * 60],
  ] as const) {
    test(`the authority is asked again ${what}, and may change its mind`, async () => {
      wish = () => within(20, 20.0001, { retryAfterMs });
      await look();
      wish = () => within(3, 3.0001);
      nowMs += pauseMinutes * MINUTE_MS - 1;
      await look();
      assert.deepEqual(asked, [0]);
      nowMs += 1;
      await look();
      assert.deepEqual(asked, [0, pauseMinutes]);
      assert.ok(Math.abs(hours() - 3) < 0.001);
    });
  }

  test('what the authority said holds while it cannot be asked, which is told once and tried less and less often', async () => {
    wish = () => within(5, 5.0001, { retryAfterMs: MINUTE_MS, explanation: 'https://ca.example/why' });
    await look();
    wish = unreachable;
    for (let minute = 0; minute < 20; minute++) {
      nowMs += MINUTE_MS;
      await look();
    }
    assert.deepEqual(asked, [0, 1, 2, 4, 8, 16]);
    assert.ok(Math.abs(hours() - 5) < 0.001);
    assert.equal(log.length, 2);
    assert.match(
      log[0] ?? '',
      /^info: certificate shop: its authority would have it renewed between \S+Z and \S+Z \(https:\/\/ca\.example\/why\)$/,
    );
    assert.equal(log[1], 'warn: certificate shop: the authority does not say when to renew it: no route');
  });

  test('another certificate is asked for anew', async () => {
    wish = () => within(5, 5.0001);
    await look();
    const { cert } = await (await TestAuthority.make()).issue('shop', ['shop.example']);
    assert.equal(renewals.isKnown({ ...record, cert }), false);
    assert.equal(renewals.atMs({ ...record, cert }, shop), record.renewAtMs);
  });

  test('nothing is asked once it is over', async () => {
    closed.abort();
    await look();
    assert.deepEqual(asked, []);
  });
});
