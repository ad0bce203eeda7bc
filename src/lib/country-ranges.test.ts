import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatCidr } from './cidr.ts';
import { countryRanges } from './country-ranges.ts';
import { writeCountryDatabase } from './mmdb-writer.support.ts';

const V4 = { '192.0.2.0/24': 'DE', '198.51.100.0/25': 'FR', '203.0.113.7/32': 'DE', '10.0.0.0/8': 'US' };
const V6 = { ...V4, '2001:db8::/32': 'DE', '2001:db9::/48': 'FR', 'fe80::1/128': 'DE' };

const of = (database: Buffer, ...countries: string[]): string[] =>
  countryRanges(database, new Set(countries)).map(formatCidr);

suite('The networks of countries in a database', () => {
  for (const recordSize of [24, 28, 32] as const) {
    test(`of IPv4 are found, with records of ${recordSize} bits`, () => {
      const database = writeCountryDatabase({ ipVersion: 4, recordSize, networks: V4 });
      assert.deepEqual(of(database, 'DE'), ['192.0.2.0/24', '203.0.113.7/32']);
      assert.deepEqual(of(database, 'FR', 'US'), ['10.0.0.0/8', '198.51.100.0/25']);
      assert.deepEqual(of(database, 'IT'), []);
    });

    test(`of IPv4 and IPv6 are found, with records of ${recordSize} bits`, () => {
      const database = writeCountryDatabase({ ipVersion: 6, recordSize, networks: V6 });
      assert.deepEqual(of(database, 'DE'), [
        '192.0.2.0/24',
        '203.0.113.7/32',
        '2001:db8::/32',
        'fe80::1/128',
      ]);
    });
  }

  test('are told once where other networks lead to the IPv4 addresses too', () => {
    const aliases = ['2002::/16', '2001::/32'];
    const database = writeCountryDatabase({ ipVersion: 6, recordSize: 28, networks: V6, aliases });
    assert.deepEqual(of(database, 'FR'), ['198.51.100.0/25', '2001:db9::/48']);
  });

  test('have all IPv4 addresses where the network is that wide', () => {
    const database = writeCountryDatabase({ ipVersion: 6, recordSize: 24, networks: { '::/1': 'DE' } });
    assert.deepEqual(of(database, 'DE'), ['::/1', '0.0.0.0/0']);
  });

  test('are not looked for in what is no database', () => {
    assert.throws(() => of(Buffer.from('no database'), 'DE'));
  });

  test('are not looked for in records that go round in circles', () => {
    // The first record, the second or both of the first node are the node itself.
    for (const [from, to] of [
      [0, 3],
      [3, 6],
      [0, 6],
    ] as const) {
      const database = writeCountryDatabase({ ipVersion: 6, recordSize: 24, networks: V6 }).fill(0, from, to);
      assert.throws(() => of(database, 'DE'), new Error('its search tree is broken'));
    }
  });

  test('are not looked for beyond the end of a file that is cut off', () => {
    const database = writeCountryDatabase({ ipVersion: 4, recordSize: 24, networks: V4 });
    assert.throws(() => of(Buffer.concat([database.subarray(0, 60), database.subarray(-200)]), 'DE'));
  });
});
