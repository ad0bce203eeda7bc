import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { checkRoutes } from '../../routing/check.ts';
import { randomRequest, randomRoutes } from '../../routing/random-routes.support.ts';
import { referenceMatch } from '../../routing/reference.ts';
import type { NamedRoute } from '../../routing/types.ts';
import { type Question, readQuestion } from '../explain/question.ts';
import { changesBetween, type DiffedConfig, diffOutcomes } from './diff.ts';
import { type Outcome, OutcomeFinder } from './outcome.ts';
import { sampleRequests } from './samples.ts';

const POLICIES = [
  [],
  [{ name: 'basic', options: {} }],
  [{ name: 'api-key', options: {} }],
  [{ name: 'auth', options: { any: [{ basic: {} }, { 'api-key': {} }] } }],
  [
    { name: 'basic', options: {} },
    { name: 'authorize', options: { groups: ['staff'] } },
  ],
  [{ name: 'authorize', options: { default: 'deny' } }],
];

interface Written {
  readonly routes: readonly NamedRoute[];
  readonly policies: readonly number[];
}

const written: fc.Arbitrary<Written> = fc.record({
  routes: randomRoutes(4).filter((routes) =>
    checkRoutes(routes).every(({ severity }) => severity !== 'error'),
  ),
  policies: fc.array(fc.nat(POLICIES.length - 1), { minLength: 4, maxLength: 4 }),
});

function configOf({ routes, policies }: Written): DiffedConfig {
  const resolved = routes.map(({ name, config }, index) => [
    name,
    { ...config, policies: POLICIES[policies[index] ?? 0] ?? [] },
  ]);
  const dataPlane = { routes: Object.fromEntries(resolved), services: {}, policies: [] };
  return { dataPlane, positionOf: () => undefined } as unknown as DiffedConfig;
}

/** The winner of the matcher that tries every route. */
function winnerOf({ routes }: Written, question: Question): string | undefined {
  const read = readQuestion(question);
  assert.ok(read.ok, 'a request that no gateway takes was tried');
  const { winner } = referenceMatch(routes, read.request);
  return winner?.candidate.route.name;
}

/** What tells two kinds of change apart. */
const labelOf = (kind: string, authentication: string, from?: string, to?: string) =>
  [kind, authentication, from ?? '-', to ?? '-'].join(' ');

it('What brute force finds over the requests that are tried is found, and nothing else; every example shows it', async () => {
  await fc.assert(
    fc.asyncProperty(written, written, async (one, other) => {
      const [before, after] = [configOf(one), configOf(other)];
      const all = ({ routes }: Written) => ({
        routes,
        differs: new Set(routes.map(({ name }) => name)),
        schemesDiffer: false,
        methodsNamedBy: () => [],
      });
      const { questions } = sampleRequests(all(one), all(other), 20_000);
      const finders = [new OutcomeFinder(before), new OutcomeFinder(after)] as const;
      const brute = new Set<string>();
      const outcomesOf = async (question: Question): Promise<[Outcome, Outcome]> => {
        const found = await Promise.all(finders.map((finder) => finder.find(question)));
        return found as [Outcome, Outcome];
      };
      for (const question of questions) {
        const [from, to] = await outcomesOf(question);
        assert.equal(from.route, winnerOf(one, question));
        assert.equal(to.route, winnerOf(other, question));
        for (const { kind, authentication } of changesBetween(from, to))
          brute.add(labelOf(kind, authentication, from.route, to.route));
      }
      const { changes } = await diffOutcomes(before, after);
      const found = changes.map((change) =>
        labelOf(change.kind, change.authentication, change.before.route, change.after.route),
      );
      assert.deepEqual([...new Set(found)].sort(), [...brute].sort());
      for (const { kind, authentication, example } of changes) {
        const [from, to] = await outcomesOf(example);
        assert.ok(
          changesBetween(from, to).some(
            (each) => each.kind === kind && each.authentication === authentication,
          ),
        );
      }
    }),
    { numRuns: 60 },
  );
});

it('What random requests show is found, but for what no two routes describe', async () => {
  const requests = fc.array(randomRequest, { minLength: 150, maxLength: 150 });
  const found = { all: 0, missed: 0 };
  // The same cases each time: how much is found in a hundred is a matter of the cases.
  for (const [one, other, asked] of fc.sample(fc.tuple(written, written, requests), {
    numRuns: 25,
    seed: 5,
  })) {
    const [before, after] = [configOf(one), configOf(other)];
    const { changes } = await diffOutcomes(before, after);
    const told = new Set(
      changes.map((change) =>
        labelOf(change.kind, change.authentication, change.before.route, change.after.route),
      ),
    );
    const finders = [new OutcomeFinder(before), new OutcomeFinder(after)] as const;
    const shown = new Set<string>();
    for (const { method, scheme, host, path, search, fields } of asked) {
      const headers = ['h', 'i'].flatMap((name): [string, string][] => {
        const value = fields.get(name);
        return value === undefined ? [] : [[name, value]];
      });
      const question = { method, url: `${scheme}://${host}${path}${search}`, headers };
      const [from, to] = await Promise.all(finders.map((finder) => finder.find(question)));
      if (from === undefined || to === undefined) continue;
      for (const { kind, authentication } of changesBetween(from, to))
        shown.add(labelOf(kind, authentication, from.route, to.route));
    }
    found.all += shown.size;
    found.missed += [...shown].filter((label) => !told.has(label)).length;
  }
  assert.ok(found.all > 50, `only ${found.all} differences were shown`);
  assert.ok(found.missed <= found.all / 50, `${found.missed} of ${found.all} were missed`);
});
