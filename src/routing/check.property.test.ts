import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkRoutes } from './check.ts';
import { decidingCriterion } from './precedence.ts';
import { randomRequest, randomRoutes, requestOf } from './random-routes.support.ts';
import { referenceMatch } from './reference.ts';
import type { NamedRoute, RoutedRequest } from './types.ts';

/** The request that an example describes. */
function requestOfExample(example: string): RoutedRequest {
  const [line = '', ...options] = example.split(" -H '");
  return requestOf(
    line,
    Object.fromEntries(options.map((option) => option.slice(0, -1).split(': ') as [string, string])),
  );
}

function indexOf(routes: readonly NamedRoute[], name: string | undefined): number {
  return routes.findIndex((route) => route.name === name);
}

describe('for whatever routes', () => {
  it('a route reported as one that can never match never wins, and the example shows another that does', () => {
    let reported = 0;
    fc.assert(
      fc.property(
        randomRoutes(10),
        fc.array(randomRequest, { minLength: 20, maxLength: 40 }),
        (routes, requests) => {
          const hidden = checkRoutes(routes).filter(({ message }) => message.startsWith('can never match'));
          reported += hidden.length;
          for (const problem of hidden) {
            for (const request of requests) {
              assert.notEqual(referenceMatch(routes, request).winner?.candidate.route.name, problem.route);
            }
            const { winner, verdicts } = referenceMatch(routes, requestOfExample(problem.example ?? ''));
            assert.equal(verdicts[indexOf(routes, problem.route)]?.matches, true, problem.example);
            assert.equal(verdicts[indexOf(routes, problem.other)]?.matches, true, problem.example);
            assert.notEqual(winner?.candidate.route.name, problem.route);
          }
        },
      ),
      { numRuns: 1000 },
    );
    assert.ok(reported > 50, `only ${reported} were reported`);
  });

  it('the example of a tie is matched by both routes', () => {
    let reported = 0;
    fc.assert(
      fc.property(randomRoutes(10), (routes) => {
        for (const problem of checkRoutes(routes).filter(({ severity }) => severity === 'error')) {
          reported++;
          const { verdicts } = referenceMatch(routes, requestOfExample(problem.example ?? ''));
          const verdict = verdicts[indexOf(routes, problem.route)];
          const other = verdicts[indexOf(routes, problem.other)];
          assert.ok(verdict?.matches && other?.matches, problem.example);
        }
      }),
      { numRuns: 3000 },
    );
    assert.ok(reported > 10, `only ${reported} were reported`);
  });

  it('routes without a reported tie never tie for a request', () => {
    fc.assert(
      fc.property(
        randomRoutes(6),
        fc.array(randomRequest, { minLength: 10, maxLength: 20 }),
        (routes, requests) => {
          fc.pre(!checkRoutes(routes).some(({ severity }) => severity === 'error'));
          for (const request of requests) {
            const { winner, verdicts } = referenceMatch(routes, request);
            for (const [index, verdict] of verdicts.entries()) {
              if (winner === undefined || !verdict.matches || index === winner.index) continue;
              assert.notEqual(decidingCriterion(winner.candidate, verdict.candidate), undefined);
            }
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
