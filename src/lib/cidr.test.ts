import assert from 'node:assert/strict';
import { BlockList, isIP, isIPv4 } from 'node:net';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { canonicalAddress, compileCidrs, networkOf, normaliseAddress, parseCidr } from './cidr.ts';

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
      assert.throws(() => compileCidrs([text]), new RangeError(`${text}: ${reason}`));
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
      assert.equal(networkOf(address, { ipv4, ipv6 }), network));
  }
});
