import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Share } from './balancer.ts';
import { assertDistribution, countsOf, FakeEndpoint, seededRandom } from './balancing.support.ts';
import { Maglev } from './maglev.ts';
import { murmur3 } from './murmur3.ts';

const KEYS = 20_000;
const noChance = () => assert.fail('a key leaves nothing to chance');

function sharesOf(weights: readonly number[]): Share<FakeEndpoint>[] {
  return weights.map((weight, i) => ({ endpoint: new FakeEndpoint(`10.0.0.${i}:3000`, weight), weight }));
}

/** Who gets each key, by name. */
function placed(shares: readonly Share<FakeEndpoint>[], targets = shares.length): string[] {
  const balancer = new Maglev(shares, targets, noChance);
  return Array.from({ length: KEYS }, (_, i) => balancer.pick(murmur3(`key-${i}`, 0), [])?.name ?? '-');
}

function moved(before: readonly string[], after: readonly string[]): number {
  return before.filter((name, i) => name !== after[i]).length / before.length;
}

const equal = (count: number) => sharesOf(Array.from({ length: count }, () => 1));

suite('a Maglev table', () => {
  for (const weights of [[1, 1, 1], [3, 2, 1], [100, 1], [0.1, 1, 1], Array.from({ length: 200 }, () => 1)]) {
    test(`gives each of ${weights.length} its share of the keys: weights ${weights.slice(0, 3).join(', ')}`, () => {
      const shares = sharesOf(weights);
      const names = shares.map(({ endpoint }) => endpoint.name);
      assertDistribution(countsOf(placed(shares), names), weights);
    });
  }

  test('leaves none out, however light', () => {
    const shares = sharesOf([1000, 1000, 0.001]);
    const balancer = new Maglev(shares, 3, noChance);
    const found = new Set(Array.from({ length: 16_381 }, (_, hash) => balancer.pick(hash, [])));
    assert.equal(found.size, 3);
  });

  test('is the same whatever the order of the targets', () => {
    const shares = sharesOf([3, 1, 2, 1]);
    assert.deepEqual(placed(shares.toReversed()), placed(shares));
  });

  test('takes any hash, negative ones too', () => {
    const balancer = new Maglev(equal(3), 3, noChance);
    for (const hash of [0, -1, 0x7fffffff, -0x80000000]) assert.ok(balancer.pick(hash, []));
  });

  for (const count of [3, 10, 50]) {
    test(`of ${count} targets one leaves: its keys move, and of the others few`, () => {
      const shares = equal(count);
      const before = placed(shares);
      const left = shares.slice(1);
      const after = placed(left, count);
      const gone = (shares[0] as Share<FakeEndpoint>).endpoint.name;
      const others = before.map((name, i) => [name, after[i]] as const).filter(([name]) => name !== gone);
      const strays = others.filter(([name, now]) => name !== now).length / others.length;
      const part = moved(before, after);
      assert.ok(part >= 0.9 / count && part < 1 / count + 0.03, `${part} of the keys moved`);
      assert.ok(strays < 0.03, `${strays} of the keys of other targets moved`);
    });

    test(`to ${count} targets one comes: it takes its part, and few keys move between the others`, () => {
      const shares = equal(count + 1);
      const before = placed(shares.slice(1), count);
      const part = moved(before, placed(shares, count + 1));
      assert.ok(part >= 0.9 / (count + 1) && part < 1 / (count + 1) + 0.03, `${part} of the keys moved`);
    });
  }

  test('a target whose weight grows takes its part step by step, and few keys move between the others', () => {
    let before = placed(sharesOf([1, 1, 1, 0.1]));
    let had = 0.1 / 3.1;
    for (const weight of [0.2, 0.4, 0.6, 0.8, 1]) {
      const after = placed(sharesOf([1, 1, 1, weight]));
      const has = weight / (3 + weight);
      const part = moved(before, after);
      assert.ok(part >= 0.9 * (has - had) && part < has - had + 0.03, `${part} of the keys moved`);
      before = after;
      had = has;
    }
  });

  test('a target that leaves and comes back gets the same keys', () => {
    const shares = equal(5);
    const before = placed(shares);
    placed(shares.slice(1), 5);
    assert.deepEqual(placed(shares), before);
  });

  test('the keys of a target that was tried go to different others, each always to the same', () => {
    const shares = equal(4);
    const balancer = new Maglev(shares, 4, noChance);
    const tried = shares.slice(0, 1).map(({ endpoint }) => endpoint);
    const second = new Set<string>();
    for (let hash = 0; hash < 5000; hash++) {
      const first = balancer.pick(hash, []);
      const other = balancer.pick(hash, tried);
      assert.ok(other !== undefined && !tried.includes(other));
      if (first !== tried[0]) assert.equal(other, first);
      else second.add(other.name);
      assert.equal(balancer.pick(hash, tried), other);
    }
    assert.equal(second.size, 3);
  });

  test('a request without a key goes to any target, by weight', () => {
    const shares = sharesOf([3, 2, 1]);
    const balancer = new Maglev(shares, 3, seededRandom(13));
    const picked = Array.from({ length: 12_000 }, () => balancer.pick(undefined, [])?.name ?? '-');
    const names = shares.map(({ endpoint }) => endpoint.name);
    assertDistribution(countsOf(picked, names), [3, 2, 1]);
  });
});
