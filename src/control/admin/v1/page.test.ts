import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ListedEntity } from '../../manager/manager.ts';
import type { EntityValue } from '../../store/entity.ts';
import { entityPage, type ListQuery, listSchema } from './page.ts';

function stored(name: string, updatedAtMs: number, value: EntityValue = {}): ListedEntity {
  const by = { createdAtMs: 0, createdBy: 'a', updatedBy: 'a', revision: 1 };
  return { origin: 'store', collection: 'routes', name, value, updatedAtMs, ...by };
}

const ENTITIES: readonly ListedEntity[] = [
  stored('b', 3, { organization: 'acme', match: { paths: ['/Orders/*'] } }),
  { origin: 'file', collection: 'routes', name: 'a', value: { service: 'orders' } },
  stored('d', 2, {
    title: 'All about ORDERS',
    apiKey: 'orders',
    policies: [{ mirror: { service: 'orders' } }],
  }),
  stored('c', 2, { enabled: false, apiKey: 'orders', match: { hosts: ['c.example'] } }),
];

function names(query: Partial<ListQuery>, entities = ENTITIES): string | undefined {
  return entityPage(entities, listSchema.parse(query), ({ name }) => (name === 'b' ? 'error' : 'ready'))
    ?.items.map(({ name }) => name)
    .join('');
}

describe('A list of entities', () => {
  const CASES: readonly [title: string, query: Partial<ListQuery>, names: string][] = [
    ['is in order of names', {}, 'abcd'],
    ['or the other way round', { sort: '-name' }, 'dcba'],
    ['or by the last change, those of the file as the oldest', { sort: 'updated' }, 'acdb'],
    ['or the newest first', { sort: '-updated' }, 'bcda'],
    ['has one name', { name: 'b' }, 'b'],
    ['has names that begin so', { name: 'c*' }, 'c'],
    ['has those of an organization', { organization: 'acme' }, 'b'],
    ['has those of the file', { origin: 'file' }, 'a'],
    ['has those with a text, never looking at secrets', { q: 'oRDers' }, 'abd'],
    ['has those of a host', { q: 'C.EX' }, 'c'],
    ['has those that name a service, wherever', { service: 'orders' }, 'ad'],
    ['has those that are switched off', { enabled: false }, 'c'],
    ['has those that are not', { enabled: true }, 'abd'],
    ['has those of a status', { status: 'error' }, 'b'],
    ['has those of which all of that is so', { status: 'ready', enabled: true, service: 'orders' }, 'ad'],
  ];
  for (const [title, query, expected] of CASES) it(title, () => assert.equal(names(query), expected));

  for (const sort of ['name', '-name', 'updated', '-updated'] as const)
    it(`by ${sort} has every entity once over its pages, whatever comes and goes meanwhile`, () => {
      const seen: string[] = [];
      let entities: readonly ListedEntity[] = ENTITIES;
      let cursor: string | null = null;
      do {
        const query: Partial<ListQuery> = { sort, limit: 1, ...(cursor === null ? {} : { cursor }) };
        const page = entityPage(entities, listSchema.parse(query));
        assert.ok(page !== undefined);
        seen.push(...page.items.map(({ name }) => name));
        cursor = page.next;
        // The one just seen goes, so that numbered pages would leave one out.
        entities = entities.filter(({ name }) => name !== seen.at(-1));
      } while (cursor !== null);
      assert.deepEqual(seen.toSorted(), ['a', 'b', 'c', 'd']);
    });

  it('does not take the cursor of another list, or none', () => {
    const { next } = entityPage(ENTITIES, listSchema.parse({ limit: 1 })) ?? {};
    assert.equal(names({ cursor: next as string }), 'bcd');
    assert.equal(names({ cursor: next as string, sort: '-name' }), undefined);
    assert.equal(names({ cursor: next as string, q: 'a' }), undefined);
    for (const cursor of ['x', 'bnVsbA', 'W10', '%00', Buffer.from('[1,2,3]').toString('base64url')])
      assert.equal(names({ cursor }), undefined);
  });

  it('of 10,000 takes less than 100 ms a page', () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      stored(`api-${String(index).padStart(5, '0')}`, index, { match: { paths: [`/${index}/*`] } }),
    );
    const times = ([{}, { sort: '-updated' }, { q: '/9999' }, { name: 'api-09*' }] as const).map((query) => {
      const started = performance.now();
      assert.ok((names(query, many) ?? '').length > 0);
      return performance.now() - started;
    });
    assert.ok(Math.max(...times) < 100, `took ${times.map((ms) => ms.toFixed(1)).join(', ')} ms`);
  });
});
