import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  checkTargets,
  sameTargets,
  scaleWeights,
  type TargetDescription,
  targetUrl,
} from './target-description.ts';

const of = (url: string, more: object = {}): TargetDescription => ({ url, weight: 1, ...more });

suite('a list of targets is put in one form', () => {
  const table: [title: string, given: TargetDescription[], targets: TargetDescription[]][] = [
    ['in order of the addresses', [of('http://b:1'), of('http://a:1')], [of('http://a:1'), of('http://b:1')]],
    [
      'with one spelling of an address',
      [of('http://A:80/'), of('https://b:443')],
      [of('http://a'), of('https://b')],
    ],
    [
      'with each address once, the heavier one',
      [of('http://a'), of('http://a:80', { weight: 3 })],
      [of('http://a', { weight: 3 })],
    ],
    [
      'with each address once, the one that does not drain',
      [of('http://a', { weight: 3, draining: true }), of('http://a')],
      [of('http://a')],
    ],
    [
      'with tags in order, each once',
      [of('http://a', { tags: ['y', 'x', 'y'] })],
      [of('http://a', { tags: ['x', 'y'] })],
    ],
    ['without what says nothing', [of('http://a', { tags: [], draining: false })], [of('http://a')]],
    ['with IPv6 addresses in brackets', [of('http://[2001:DB8::1]:8080')], [of('http://[2001:db8::1]:8080')]],
    ['that may be empty', [], []],
  ];
  for (const [title, given, targets] of table)
    test(title, () => assert.deepEqual(checkTargets(given), { ok: true, targets }));

  test('whatever order it comes in', () => {
    const target = fc.record({
      url: fc.constantFrom('http://a', 'http://b:1', 'https://c'),
      weight: fc.nat(2),
      zone: fc.constantFrom('x', 'y'),
      draining: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(target), fc.infiniteStream(fc.nat()), (list, keys) => {
        const shuffled = list.map((one) => ({ one, key: keys.next().value })).sort((a, b) => a.key - b.key);
        const [a, b] = [checkTargets(list), checkTargets(shuffled.map(({ one }) => one))];
        assert.ok(a.ok && b.ok && sameTargets(a.targets, b.targets));
      }),
    );
  });
});

suite('a list of targets is refused as a whole', () => {
  const table: [title: string, given: TargetDescription[], reason: string][] = [
    ['with a path', [of('http://a'), of('http://a/b')], '"http://a/b" is not the address of a target'],
    ['with user information', [of('http://u@a')], '"http://u@a" is not the address of a target'],
    ['with another scheme', [of('ftp://a')], '"ftp://a" is not the address of a target'],
    ['with port 0', [of('http://a:0')], '"http://a:0" is not the address of a target'],
    [
      'with a port that is too large',
      [of('http://a:65536')],
      '"http://a:65536" is not the address of a target',
    ],
    ['with a line end', [of('http://a\r\nb')], '"http://a\\r\\nb" is not the address of a target'],
    [
      'with an IPv4 address that is none',
      [of('http://300.1.1.1')],
      '"http://300.1.1.1" is not the address of a target',
    ],
    [
      'with a long text, which is cut',
      [of('x'.repeat(1000))],
      `"${'x'.repeat(100)}..." is not the address of a target`,
    ],
    [
      'with a weight that is no whole number',
      [of('http://a', { weight: 1.5 })],
      'http://a has the weight 1.5, which is not a whole number from 0 to 1000',
    ],
    [
      'with a weight that is too large',
      [of('http://a', { weight: 1001 })],
      'http://a has the weight 1001, which is not a whole number from 0 to 1000',
    ],
    [
      'with a zone with a space',
      [of('http://a', { zone: 'a b' })],
      'http://a has the zone "a b", which is not a name',
    ],
    [
      'with a tag that is empty',
      [of('http://a', { tags: [''] })],
      'http://a has the tag "", which is not a name',
    ],
    ['with too many tags', [of('http://a', { tags: Array(65).fill('x') })], 'http://a has more than 64 tags'],
    ['with too many targets', Array(10_001).fill(of('http://a')), 'there are more than 10000 targets'],
  ];
  for (const [title, given, reason] of table)
    test(title, () => assert.deepEqual(checkTargets(given), { ok: false, reason }));
});

suite('weights of another scale', () => {
  const table: [given: number[], weights: number[]][] = [
    [[], []],
    [
      [1, 1000],
      [1, 1000],
    ],
    [
      [0, 0],
      [1, 1],
    ],
    [
      [0, 5, 10],
      [1, 500, 1000],
    ],
    [
      [65_535, 1],
      [1000, 1],
    ],
    [
      [2000, 1000],
      [1000, 500],
    ],
    [
      [2.5, 5],
      [500, 1000],
    ],
  ];
  for (const [given, weights] of table)
    test(`${given.join(', ') || 'none'}: ${weights.join(', ')}`, () =>
      assert.deepEqual(scaleWeights(given), weights));
});

test('the address of a target has brackets around an IPv6 address', () => {
  assert.equal(targetUrl('https', '2001:db8::1', 1), 'https://[2001:db8::1]:1');
  assert.equal(targetUrl('http', '10.0.0.1', 80), 'http://10.0.0.1:80');
});
