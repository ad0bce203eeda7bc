import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { canonicalAddress, formatCidr, formatIPv6, Networks, normaliseAddress, parseCidr } from './cidr.ts';

suite('the text of a range', () => {
  const REFUSED: [text: string, reason: string][] = [
    ['', '"" is not an IPv4 or IPv6 address'],
    ['example.com', '"example.com" is not an IPv4 or IPv6 address'],
    ['10.0.0.256', '"10.0.0.256" is not an IPv4 or IPv6 address'],
    ['10.0.0.01', '"10.0.0.01" is not an IPv4 or IPv6 address'],
    ['1:2:3:4:5:6:7:8:9', '"1:2:3:4:5:6:7:8:9" is not an IPv4 or IPv6 address'],
    ['fe80::1%eth0', '"fe80::1%eth0" is not an IPv4 or IPv6 address'],
    ['10.0.0.0/', 'the prefix length must be a whole number from 0 to 32'],
    ['10.0.0.0/33', 'the prefix length must be a whole number from 0 to 32'],
    ['10.0.0.0/08', 'the prefix length must be a whole number from 0 to 32'],
    ['10.0.0.0/8/8', 'the prefix length must be a whole number from 0 to 32'],
    ['10.0.0.0/255.0.0.0', 'the prefix length must be a whole number from 0 to 32'],
    ['::/129', 'the prefix length must be a whole number from 0 to 128'],
    ['::ffff:10.0.0.0/8', 'the prefix length must be a whole number from 96 to 128'],
    ['10.0.0.1/8', 'it has bits set beyond its prefix; write 10.0.0.0/8'],
    ['2001:db8::1/32', 'it has bits set beyond its prefix; write 2001:db8::/32'],
  ];
  for (const [text, reason] of REFUSED) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.deepEqual(parseCidr(text), { kind: 'refused', reason });
    });
  }
});

suite('a range', () => {
  const WRITTEN: [text: string, first: number | number[], last: number | number[], formatted: string][] = [
    ['192.0.2.7', 0xc0000207, 0xc0000207, '192.0.2.7/32'],
    ['10.0.0.0/8', 0x0a000000, 0x0affffff, '10.0.0.0/8'],
    ['0.0.0.0/0', 0, 0xffffffff, '0.0.0.0/0'],
    ['::ffff:10.0.0.0/104', 0x0a000000, 0x0affffff, '10.0.0.0/8'],
    ['2001:DB8::/32', [0x20010db8, 0, 0, 0], [0x20010db8, ~0, ~0, ~0], '2001:db8::/32'],
    ['::/0', [0, 0, 0, 0], [~0, ~0, ~0, ~0], '::/0'],
    ['2001:db8::8000:0/97', [0x20010db8, 0, 0, 0x80000000], [0x20010db8, 0, 0, ~0], '2001:db8::8000:0/97'],
  ];
  for (const [text, first, last, formatted] of WRITTEN) {
    test(`${text} is ${formatted}, from its first to its last address`, () => {
      const cidr = parseCidr(text);
      assert.ok(cidr.kind === 'range');
      const unsigned = (bound: number | number[]) =>
        typeof bound === 'number' ? bound : bound.map((word) => word >>> 0);
      assert.deepEqual([cidr.first, cidr.last], [unsigned(first), unsigned(last)]);
      assert.equal(formatCidr(cidr), formatted);
    });
  }
});

suite('an address', () => {
  const CANONICAL: [text: string, canonical: string | undefined][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['1::', '1::'],
    ['::1', '::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    [':', undefined],
    [':::', undefined],
    ['1:::2', undefined],
    ['1::2::3', undefined],
    ['1:2:3:4:5:6:7', undefined],
    ['1:2:3:4:5:6:7::8', undefined],
    ['1:2:3:4:5:6:7:', undefined],
    [':1:2:3:4:5:6:7', undefined],
    ['12345::', undefined],
    ['g::', undefined],
    ['1.2.3.4::', undefined],
    ['::1.2.3', undefined],
    ['1:2:3:4:5:6:7:1.2.3.4', undefined],
    ['[::1]', undefined],
    ['1.2.3.4:80', undefined],
  ];
  for (const [text, canonical] of CANONICAL) {
    test(`${text} is ${canonical ?? 'not an address'}`, () => {
      assert.equal(canonicalAddress(text), canonical);
      assert.equal(normaliseAddress(text), canonical ?? text);
    });
  }

  test('is read where node:net reads one, and its canonical form is stable', () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom('1', '0', 'f', ':', '.'), maxLength: 24 }),
    );
    fc.assert(
      fc.property(text, (address) => {
        const canonical = canonicalAddress(address);
        assert.equal(canonical !== undefined, isIP(address) !== 0, address);
        if (canonical !== undefined) assert.equal(canonicalAddress(canonical), canonical);
      }),
    );
  });
});

suite('The network of an address', () => {
  for (const [address, ipv4, ipv6, network] of [
    ['192.0.2.7', 32, 64, '192.0.2.7'],
    ['192.0.2.7', 24, 64, '192.0.2.0/24'],
    ['192.0.2.7', 0, 64, '0.0.0.0/0'],
    ['::ffff:192.0.2.7', 16, 64, '192.0.0.0/16'],
    ['2001:db8:1:2:3:4:5:6', 32, 64, '2001:db8:1:2::/64'],
    ['2001:db8:1:2:3:4:5:6', 32, 56, '2001:db8:1::/56'],
    ['2001:db8:1:2:3:4:5:6', 32, 128, '2001:db8:1:2:3:4:5:6/128'],
    ['2001:db8:1:2:3:4:5:6', 32, 0, '::/0'],
    ['unknown', 24, 64, 'unknown'],
  ] as const) {
    test(`of ${address} by ${ipv4} or ${ipv6} bits is ${network}`, () =>
      assert.equal(new Networks({ ipv4, ipv6 }).of(address), network));
  }

  test('is that of the same bits, written as any address is, whatever was asked before', () => {
    const bits = fc.record({ ipv4: fc.integer({ min: 0, max: 32 }), ipv6: fc.integer({ min: 0, max: 128 }) });
    // Zeros make runs.
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    const groups = fc.array(group, { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(bits, fc.array(groups, { minLength: 1, maxLength: 4 }), (wanted, addresses) => {
        const networks = new Networks(wanted);
        for (const one of addresses) {
          // The number, as one does it by hand.
          const value = one.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n);
          const kept = BigInt(128 - wanted.ipv6);
          const masked = (value >> kept) << kept;
          const words = [96n, 64n, 32n, 0n].map((shift) => Number((masked >> shift) & 0xffff_ffffn));
          const written = one.map((part) => part.toString(16)).join(':');
          const isMapped = value >> 32n === 0xffffn;
          if (!isMapped) assert.equal(networks.of(written), `${formatByParts(words)}/${wanted.ipv6}`);
        }
      }),
    );
  });

  test('of IPv6 is written as RFC 5952 wants it, whatever the words', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const words = [0, 2, 4, 6].map((at) => (groups[at] as number) * 0x10000 + (groups[at + 1] as number));
        assert.equal(formatIPv6(words), formatByParts(words));
        // WHATWG's URL writes them the same way.
        const text = groups.map((part) => part.toString(16)).join(':');
        assert.equal(new URL(`http://[${text}]`).hostname, `[${formatIPv6(words)}]`);
      }),
    );
  });
});

/** The same, put together from lists. */
function formatByParts(words: readonly number[]): string {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  let start = 0;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  if (length === 1) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}
