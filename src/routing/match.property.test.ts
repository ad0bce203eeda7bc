import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileRouter } from './compile.ts';
import { queryValue } from './conditions.ts';
import { explain } from './explain.ts';
import { randomRequest, randomRoutes } from './random-routes.support.ts';
import { referenceMatch } from './reference.ts';

describe('for whatever routes and requests', () => {
  const requests = fc.array(randomRequest, { minLength: 1, maxLength: 8 });

  it('the router finds what the reference finds: route, path, captures and allowed methods', () => {
    fc.assert(
      fc.property(randomRoutes(12), requests, (routes, list) => {
        const router = compileRouter(
          routes.map(({ name, config }, index) => ({ name, config, value: index })),
        );
        const captures = ['left', 'over', 'from', 'before', '!'];
        for (const request of list) {
          const { winner, allow } = referenceMatch(routes, request);
          const entry = router.match(request, captures);
          assert.equal(entry?.value, winner?.index);
          assert.equal(entry?.pattern, winner?.candidate.pattern?.text);
          assert.deepEqual(captures, winner?.captures ?? []);
          assert.equal(entry?.captureNames.length ?? 0, captures.length);
          if (entry === undefined) assert.deepEqual(router.allowedMethods(request), allow);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('explain names that winner and accounts for every other route once', () => {
    fc.assert(
      fc.property(randomRoutes(8), randomRequest, (routes, request) => {
        const router = compileRouter(routes.map(({ name, config }) => ({ name, config, value: name })));
        const captures: string[] = [];
        const entry = router.match(request, captures);
        const explanation = explain(routes, request);
        assert.equal(explanation.winner?.route, entry?.name);
        assert.deepEqual(Object.values(explanation.winner?.captures ?? {}), captures);
        const named = [...explanation.losers.map((loser) => loser.route), ...(entry ? [entry.name] : [])];
        assert.deepEqual(named.sort(), routes.map((route) => route.name).sort());
        if (entry === undefined) assert.deepEqual(explanation.allow, router.allowedMethods(request));
      }),
      { numRuns: 1000 },
    );
  });

  it('a query parameter is read as the URL Standard reads it', () => {
    const piece = fc.constantFrom('a', 'ab', 'b', '=', '&', '&', '%61', '+', '%', '%C3%A9', '?', '%zz');
    const search = fc
      .array(piece, { maxLength: 10 })
      .map((pieces) => (pieces.length === 0 ? '' : `?${pieces.join('')}`));
    fc.assert(
      fc.property(search, fc.constantFrom('a', 'b', 'ab', 'é', ''), (text, name) => {
        const expected = new URLSearchParams(text).get(name) ?? undefined;
        assert.equal(
          queryValue(text, name, (query) => new URLSearchParams(query)),
          expected,
        );
      }),
      { numRuns: 2000 },
    );
  });
});
