import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FakeEndpoint } from './balancing.support.ts';
import { eligible } from './eligible.ts';

/** A letter per endpoint: up, down, draining, without weight; then its number. */
function endpointsOf(states: string): FakeEndpoint[] {
  return [...states].map((state, i) => {
    const endpoint = new FakeEndpoint(`${state}${i}`, state === 'w' ? 0 : 1);
    endpoint.available = state === 'u' || state === 'w';
    endpoint.draining = state === 'd' || state === 'D';
    if (state === 'D') endpoint.available = true;
    return endpoint;
  });
}

suite('of endpoints that are up (u), not available (x), draining (d; D: well), without weight (w)', () => {
  const table: readonly [states: string, threshold: number, asked: string, panic: boolean][] = [
    ['', 50, '', false],
    ['uuu', 50, 'u0 u1 u2', false],
    ['uux', 50, 'u0 u1', false],
    ['ux', 50, 'u0', false],
    ['uxx', 50, 'u0 x1 x2', true],
    ['xx', 50, 'x0 x1', true],
    ['x', 1, 'x0', true],
    ['xx', 0, '', false],
    ['uxxxxxxxxx', 0, 'u0', false],
    ['ux', 100, 'u0 x1', true],
    ['uu', 100, 'u0 u1', false],
    // Draining ones and those without weight are not asked, and do not count.
    ['udddd', 50, 'u0', false],
    ['uDDD', 50, 'u0', false],
    ['uwww', 50, 'u0', false],
    ['uxxdw', 50, 'u0 x1 x2', true],
    ['dd', 50, '', false],
    ['ww', 50, '', false],
  ];
  for (const [states, threshold, asked, panic] of table) {
    test(`${states || 'none'}, threshold ${threshold}: ${asked || 'none'} ${panic ? 'in panic' : ''}`, () => {
      const result = eligible(endpointsOf(states), threshold);
      assert.deepEqual([result.endpoints.map(({ name }) => name).join(' '), result.panic], [asked, panic]);
    });
  }
});
