import assert from 'node:assert/strict';
import { BlockList, isIPv4 } from 'node:net';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../test/support/seeded-random.ts';
import { buildTable, CidrSet, commonRange, compileCidrs, sortRanges } from './address-table.ts';
import { AddressReader, type Cidr, parseCidr } from './cidr.ts';

suite('a set of ranges', () => {
  const CASES: [ranges: string[], address: string, member: boolean][] = [
    [[], '192.0.2.1', false],
    [['192.0.2.7'], '192.0.2.7', true],
    [['192.0.2.7'], '192.0.2.8', false],
    [['10.0.0.0/8'], '10.255.255.255', true],
    [['10.0.0.0/8'], '11.0.0.0', false],
    [['10.0.0.0/8'], '9.255.255.255', false],
    [['0.0.0.0/0'], '255.255.255.255', true],
    [['0.0.0.0/0'], '::1', false],
    [['::/0'], '::1', true],
    [['::/0'], '192.0.2.1', false],
    [['::/0'], '::ffff:192.0.2.1', false],
    [['10.0.0.0/8'], '::ffff:10.1.2.3', true],
    [['10.0.0.0/8'], '::FFFF:0a01:0203', true],
    [['::ffff:10.0.0.0/104'], '10.1.2.3', true],
    [['::ffff:10.0.0.0/104'], '11.1.2.3', false],
    [['2001:db8::/32'], '2001:db8:ffff::1', true],
    [['2001:db8::/32'], '2001:db9::', false],
    [['fe80::/10'], 'fe80::1%eth0', true],
    [['2001:db8::1'], '2001:0DB8:0:0::1', true],
    [['10.0.0.0/8', '10.1.0.0/16', '10.200.0.0/16', '192.168.0.0/16'], '10.150.0.1', true],
    [['10.0.0.0/8', '10.1.0.0/16', '10.200.0.0/16', '192.168.0.0/16'], '192.168.3.4', true],
    [['10.1.0.0/16', '10.3.0.0/16'], '10.2.0.1', false],
    [['10.0.0.0/8'], '010.0.0.1', false],
    [['10.0.0.0/8'], '10.0.0.1 ', false],
    [['10.0.0.0/8'], '10.0.0', false],
    [['10.0.0.0/8'], 'unknown', false],
    [['10.0.0.0/8'], '', false],
  ];
  for (const [ranges, address, member] of CASES) {
    test(`[${ranges.join(', ')}] ${member ? 'has' : 'does not have'} ${JSON.stringify(address)}`, () => {
      assert.equal(compileCidrs(ranges).has(address), member);
    });
  }

  test('agrees with BlockList of Node on random ranges and addresses', () => {
    // Few distinct first octets and groups, so that hits are as common as misses.
    const v4 = fc.tuple(fc.constantFrom(10, 11), fc.nat(3), fc.nat(255), fc.nat(255)).map((a) => a.join('.'));
    const v6 = fc
      .tuple(fc.constantFrom(0x2001, 0xfe80), fc.nat(3), fc.nat(0xffff), fc.nat(0xffff))
      .map(([a, b, c, d]) => `${a.toString(16)}:${b.toString(16)}::${c.toString(16)}:${d.toString(16)}`);
    const v4Range = fc.tuple(v4, fc.integer({ min: 6, max: 32 }));
    const v6Range = fc.tuple(v6, fc.integer({ min: 6, max: 128 }));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(v4Range, v6Range), { maxLength: 20 }),
        fc.array(fc.oneof(v4, v6), { minLength: 1, maxLength: 20 }),
        (ranges, addresses) => {
          const blocks = new BlockList();
          const texts: string[] = [];
          for (const [address, prefix] of ranges) {
            blocks.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6');
            const parsed = parseCidr(`${address}/${prefix}`);
            // The refusal of set bits names the range to write.
            texts.push(
              parsed.kind === 'range' ? `${address}/${prefix}` : (parsed.reason.split('write ')[1] as string),
            );
          }
          const set = compileCidrs(texts);
          for (const address of addresses)
            assert.equal(set.has(address), blocks.check(address, isIPv4(address) ? 'ipv4' : 'ipv6'), address);
        },
      ),
    );
  });
});

const rangeOf = (text: string): Cidr => {
  const range = parseCidr(text);
  assert.ok(range.kind === 'range', text);
  return range;
};

suite('a table', () => {
  test('agrees with a matcher that looks at one bit after the other', () => {
    const bitsOf = (text: string): string => {
      const { family, first } = rangeOf(text);
      const words = family === 4 ? [first] : first;
      return words.map((word) => word.toString(2).padStart(32, '0')).join('');
    };
    // Few different bits at the beginning, so that ranges lie within and beside each other.
    const v4 = fc
      .tuple(fc.constantFrom(0, 10, 11, 255), fc.constantFrom(0, 1, 255), fc.nat(255), fc.nat(3))
      .map((parts) => parts.join('.'));
    const v6 = fc
      .tuple(fc.constantFrom(0, 0x2001, 0xffff), fc.constantFrom(0, 0x8000, 0xffff), fc.nat(3))
      .map(([a, b, c]) => `${a.toString(16)}:${b.toString(16)}:0:0:0:1:${c}:0`);
    const range = fc.oneof(fc.tuple(v4, fc.nat(32)), fc.tuple(v6, fc.nat(128))).map(([address, prefix]) => {
      const parsed = parseCidr(`${address}/${prefix}`);
      return parsed.kind === 'range' ? `${address}/${prefix}` : (parsed.reason.split('write ')[1] as string);
    });
    fc.assert(
      fc.property(
        fc.array(range, { maxLength: 30 }),
        fc.array(fc.oneof(v4, v6), { minLength: 1, maxLength: 20 }),
        (ranges, addresses) => {
          const set = new CidrSet(buildTable(sortRanges(ranges.map(rangeOf))));
          for (const address of addresses) {
            const naive = ranges.some((text) => {
              const [network = '', prefix] = text.split('/');
              const bits = bitsOf(network);
              const other = bitsOf(address);
              return (
                bits.length === other.length &&
                bits.slice(0, Number(prefix)) === other.slice(0, Number(prefix))
              );
            });
            assert.equal(set.has(address), naive, address);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('is the same whatever the order of the ranges, with those that adjoin as one', () => {
    const texts = ['10.0.0.0/9', '10.128.0.0/9', '10.1.0.0/16', '2001:db8::/32', '10.1.0.0/16', '9.0.0.0/8'];
    const table = buildTable(sortRanges(texts.map(rangeOf)));
    assert.deepEqual(table, buildTable(sortRanges(texts.toReversed().map(rangeOf))));
    assert.deepEqual([...table.slice(0, 4)], [1, 1, 0x09000000, 0x0affffff]);
  });

  test('is found in by another thread that gets its memory, not a copy', () => {
    const table = buildTable(sortRanges([rangeOf('192.0.2.0/24'), rangeOf('2001:db8::/32')]));
    const received = structuredClone(table);
    assert.ok(received.buffer instanceof SharedArrayBuffer);
    const set = new CidrSet(received);
    assert.deepEqual(
      ['192.0.2.255', '192.0.3.0', '2001:db8:1::', '2001:db9::'].map((address) => set.has(address)),
      [true, false, true, false],
    );
  });

  test('is asked with one reading of the address by several sets', () => {
    const reader = new AddressReader();
    const [v4, v6] = [compileCidrs(['10.0.0.0/8']), compileCidrs(['2001:db8::/32'])];
    const asked = (address: string) => reader.read(address) && [v4.covers(reader), v6.covers(reader)];
    assert.deepEqual(asked('10.0.0.1'), [true, false]);
    assert.deepEqual(asked('2001:db8::1'), [false, true]);
    assert.deepEqual(asked('::ffff:10.0.0.1'), [true, false]);
    assert.equal(asked('10.0.0'), false);
  });

  test('costs about the same with 10 ranges and with 100,000', (t) => {
    const random = seededRandom(4);
    const octet = () => Math.floor(random() * 256);
    const address = () => `${octet()}.${octet()}.${octet()}.${octet()}`;
    const probes = Array.from({ length: 1000 }, address);
    const nsPerLookup = (size: number): number => {
      const set = compileCidrs(Array.from({ length: size }, address));
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 20; round++) {
        const begun = performance.now();
        for (let i = 0; i < 10_000; i++) set.has(probes[i % 1000] as string);
        best = Math.min(best, (performance.now() - begun) * 100);
      }
      return best;
    };
    nsPerLookup(10);
    const [few, many] = [nsPerLookup(10), nsPerLookup(100_000)];
    t.diagnostic(`${few.toFixed(0)} ns with 10, ${many.toFixed(0)} ns with 100,000`);
    // Two to three steps are seen; a matcher that walks along the ranges would take thousands of times as long.
    assert.ok(many < few * 4, `${few} ns and ${many} ns`);
  });
});

suite('ranges that stand in two lists', () => {
  const CASES: [a: string[], b: string[], common: string | undefined][] = [
    [[], [], undefined],
    [['10.0.0.0/8'], ['10.0.0.0/8'], '10.0.0.0/8'],
    [['10.0.0.0/8'], ['10.0.0.0/16', '10.0.0.0/9'], undefined],
    [['10.0.0.0/8', '192.0.2.1'], ['9.0.0.0/8', '192.0.2.1/32'], '192.0.2.1/32'],
    [['2001:db8::/32'], ['2001:db8::/33', '2001:db8::/32'], '2001:db8::/32'],
    [['::/0'], ['0.0.0.0/0'], undefined],
    [['::ffff:10.0.0.0/104'], ['10.0.0.0/8'], '10.0.0.0/8'],
  ];
  for (const [a, b, common] of CASES) {
    test(`of [${a.join(', ')}] and [${b.join(', ')}]: ${common ?? 'none'}`, () => {
      const sorted = (texts: string[]) => sortRanges(texts.map(rangeOf));
      assert.equal(commonRange(sorted(a), sorted(b)), common);
      assert.equal(commonRange(sorted(b), sorted(a)), common);
    });
  }
});

test('a text that is no range is not compiled', () => {
  assert.throws(() => compileCidrs(['10.0.0.1/8']), RangeError);
});
