import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Calendar, isTimeZone, type Per } from './calendar.ts';

const HOUR_MS = 3_600_000;

type Row = readonly [what: string, per: Per, zone: string, now: string, start: string, end: string];

const ROWS: readonly Row[] = [
  ['a day in UTC', 'day', 'UTC', '2026-11-26T12:00:00Z', '2026-11-26T00:00:00Z', '2026-11-27T00:00:00Z'],
  [
    'its first millisecond',
    'day',
    'UTC',
    '2026-11-26T00:00:00Z',
    '2026-11-26T00:00:00Z',
    '2026-11-27T00:00:00Z',
  ],
  [
    'its last millisecond',
    'day',
    'UTC',
    '2026-11-26T23:59:59.999Z',
    '2026-11-26T00:00:00Z',
    '2026-11-27T00:00:00Z',
  ],
  [
    'a winter day',
    'day',
    'Europe/Zurich',
    '2026-01-10T12:00:00Z',
    '2026-01-09T23:00:00Z',
    '2026-01-10T23:00:00Z',
  ],
  [
    'a summer day',
    'day',
    'Europe/Zurich',
    '2026-07-10T23:30:00Z',
    '2026-07-10T22:00:00Z',
    '2026-07-11T22:00:00Z',
  ],
  [
    'a day of 23 hours',
    'day',
    'Europe/Zurich',
    '2026-03-29T12:00:00Z',
    '2026-03-28T23:00:00Z',
    '2026-03-29T22:00:00Z',
  ],
  [
    'a day of 25 hours',
    'day',
    'Europe/Zurich',
    '2026-10-25T00:30:00Z',
    '2026-10-24T22:00:00Z',
    '2026-10-25T23:00:00Z',
  ],
  [
    'a month with a change of the clocks',
    'month',
    'Europe/Zurich',
    '2026-03-15T00:00:00Z',
    '2026-02-28T23:00:00Z',
    '2026-03-31T22:00:00Z',
  ],
  [
    'a day without midnight',
    'day',
    'America/Sao_Paulo',
    '2018-11-04T12:00:00Z',
    '2018-11-04T03:00:00Z',
    '2018-11-05T02:00:00Z',
  ],
  [
    'a day that ends an hour late',
    'day',
    'America/Sao_Paulo',
    '2018-02-17T12:00:00Z',
    '2018-02-17T02:00:00Z',
    '2018-02-18T03:00:00Z',
  ],
  [
    'the day before one that was left out',
    'day',
    'Pacific/Apia',
    '2011-12-30T00:00:00Z',
    '2011-12-29T10:00:00Z',
    '2011-12-30T10:00:00Z',
  ],
  [
    'the day after one that was left out',
    'day',
    'Pacific/Apia',
    '2011-12-30T12:00:00Z',
    '2011-12-30T10:00:00Z',
    '2011-12-31T10:00:00Z',
  ],
  [
    'the furthest east',
    'day',
    'Pacific/Kiritimati',
    '2026-06-01T09:59:00Z',
    '2026-05-31T10:00:00Z',
    '2026-06-01T10:00:00Z',
  ],
  [
    'the furthest west',
    'month',
    'Etc/GMT+12',
    '2026-06-01T11:59:00Z',
    '2026-05-01T12:00:00Z',
    '2026-06-01T12:00:00Z',
  ],
  [
    'a zone of 45 minutes',
    'day',
    'Asia/Kathmandu',
    '2026-06-01T18:15:00Z',
    '2026-06-01T18:15:00Z',
    '2026-06-02T18:15:00Z',
  ],
  ['the leap day', 'day', 'UTC', '2028-02-29T01:00:00Z', '2028-02-29T00:00:00Z', '2028-03-01T00:00:00Z'],
  ['a leap February', 'month', 'UTC', '2028-02-10T00:00:00Z', '2028-02-01T00:00:00Z', '2028-03-01T00:00:00Z'],
  ['a February', 'month', 'UTC', '2027-02-28T23:59:59.999Z', '2027-02-01T00:00:00Z', '2027-03-01T00:00:00Z'],
  [
    'the last month of a year',
    'month',
    'UTC',
    '2026-12-31T23:59:59Z',
    '2026-12-01T00:00:00Z',
    '2027-01-01T00:00:00Z',
  ],
  [
    'the last day of a year',
    'day',
    'Asia/Tokyo',
    '2026-12-31T15:00:00Z',
    '2026-12-31T15:00:00Z',
    '2027-01-01T15:00:00Z',
  ],
];

describe('A calendar', () => {
  for (const [what, per, zone, now, start, end] of ROWS) {
    it(`knows where ${what} begins and ends (${per}, ${zone})`, () => {
      const { startMs, endMs } = new Calendar(per, zone).at(Date.parse(now));
      assert.deepEqual(
        [new Date(startMs).toISOString(), new Date(endMs).toISOString()],
        [new Date(start).toISOString(), new Date(end).toISOString()],
      );
    });
  }

  for (const zone of ['Europe/Zurich', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'Pacific/Apia']) {
    it(`leaves no moment out and has none twice, over two years in ${zone}`, () => {
      for (const per of ['day', 'month'] as const) {
        const calendar = new Calendar(per, zone);
        let last = calendar.at(Date.parse('2011-01-01T12:00:00Z'));
        while (last.endMs < Date.parse('2013-01-01T12:00:00Z')) {
          const next = calendar.at(last.endMs);
          assert.equal(next.startMs, last.endMs);
          assert.ok(next.endMs - next.startMs >= 22 * HOUR_MS);
          assert.deepEqual(calendar.at(next.endMs - 1), next);
          last = next;
        }
      }
    });
  }

  it('finds a period once', () => {
    const calendar = new Calendar('month', 'Europe/Zurich');
    const now = Date.parse('2026-11-26T12:00:00Z');
    assert.equal(calendar.at(now), calendar.at(now + 48 * HOUR_MS));
  });

  it('knows which time zones there are', () => {
    assert.deepEqual(
      ['Europe/Zurich', 'UTC', 'Etc/GMT+12', 'Europe/Zürich', 'Mars/Olympus', ''].map(isTimeZone),
      [true, true, true, false, false, false],
    );
  });
});
