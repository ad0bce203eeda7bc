import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readAddressList } from './address-list.ts';
import { formatCidr } from './cidr.ts';

const NO_HOST = '"example.com" is not an IPv4 or IPv6 address';

suite('A list of addresses', () => {
  const CASES: [title: string, text: string, ranges: string[], faults: [at: string, message: string][]][] = [
    ['that is empty has nothing', '', [], []],
    ['has one entry in a line', '10.0.0.0/8\n192.0.2.7\n', ['10.0.0.0/8', '192.0.2.7/32'], []],
    ['needs no line end after the last entry', '10.0.0.0/8', ['10.0.0.0/8'], []],
    ['may come from Windows', '\ufeff10.0.0.0/8\r\n::1\r\n', ['10.0.0.0/8', '::1/128'], []],
    ['has comments', '# all\n10.0.0.0/8 # the cellar\n#\n', ['10.0.0.0/8'], []],
    ['has empty lines and spaces', '\n  10.0.0.0/8\t\n\n', ['10.0.0.0/8'], []],
    [
      'tells every line that is wrong, where it is',
      '10.0.0.1/8\n 192.0.2.7\n  example.com # no\n1.2.3.4 5.6.7.8',
      ['192.0.2.7/32'],
      [
        ['10.0.0.1/8', 'it has bits set beyond its prefix; write 10.0.0.0/8'],
        ['example.com', NO_HOST],
        ['1.2.3.4 5.6.7.8', '"1.2.3.4 5.6.7.8" is not an IPv4 or IPv6 address'],
      ],
    ],
  ];
  for (const [title, text, ranges, faults] of CASES) {
    test(title, () => {
      const read = readAddressList(text);
      assert.deepEqual(read.ranges.map(formatCidr), ranges);
      assert.deepEqual(
        read.faults.map(({ start, end, message }) => [text.slice(start, end), message]),
        faults.map(([at, reason]) => [at, `is not an address or a range: ${reason}`]),
      );
    });
  }
});
