import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startManager, type TestManager } from '../../../../test/support/manager.ts';
import { openPostgresSchema } from '../../../../test/support/postgres.ts';
import { startApi, type TestApi } from './api.support.ts';

const PATH = '/v1/routes/shared';
const WRITERS = Array.from({ length: 20 }, (_, index) => `q${String(index).padStart(2, '0')}`);
/** Far more than one writer can lose to the 19 others. */
const MAX_TRIES = 2000;

interface Shared {
  readonly match: { readonly query?: Readonly<Record<string, string>> };
}

/** Each writer puts a key of its own into the same route; with how often it was told that another was quicker. */
const WAYS: readonly [title: string, write: (api: TestApi, name: string) => Promise<number>][] = [
  [
    'read it and replace it with If-Match, again where that fails',
    async (api, name) => {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const { body, headers } = await api.send({ path: PATH });
        const query = { ...(body as Shared).match.query, [name]: 'x' };
        const { status, text } = await api.send({
          method: 'PUT',
          path: PATH,
          headers: { 'if-match': headers['etag'] ?? '' },
          body: { match: { query }, respond: { body: 'ok' } },
        });
        if (status === 200) return tries;
        assert.equal(status, 412, text);
      }
      throw new Error(`${name} was never the first`);
    },
  ],
  [
    'patch it without a precondition',
    async (api, name) => {
      const body = { match: { query: { [name]: 'x' } } };
      const { status, text } = await api.send({ method: 'PATCH', path: PATH, body });
      assert.equal(status, 200, text);
      return 0;
    },
  ],
];

/** Every key is there, by one revision for each, on all nodes. */
async function proveNoneLost(
  managers: readonly TestManager[],
  write: (api: TestApi, name: string) => Promise<number>,
): Promise<number> {
  const [first] = managers as readonly [TestManager];
  const made = await first.manager.change({
    author: 'ann',
    changes: [{ collection: 'routes', name: 'shared', value: { match: {}, respond: { body: 'ok' } } }],
  });
  assert.ok(made.kind === 'applied');
  const arrived = (revision: number) =>
    Promise.all(
      managers.map((node) =>
        node.changes.until(
          () => node.manager.revision === revision,
          `revision ${revision}`,
          () => node.log.join('\n'),
        ),
      ),
    );
  await arrived(made.revision);
  const apis = await Promise.all(managers.map(({ manager }) => startApi(manager)));
  try {
    const lost = await Promise.all(
      WRITERS.map((name, index) => write(apis[index % apis.length] as TestApi, name)),
    );
    await arrived(made.revision + WRITERS.length);
    for (const api of apis) {
      const { match } = (await api.send({ path: PATH })).body as Shared;
      assert.deepEqual(Object.keys(match.query ?? {}).toSorted(), WRITERS);
      assert.deepEqual(api.logged, []);
    }
    return lost.reduce((sum, each) => sum + each, 0);
  } finally {
    for (const api of apis) await api[Symbol.asyncDispose]();
  }
}

describe('Of 20 that change the same entity at once, none is lost', () => {
  for (const [title, write] of WAYS) {
    it(`where they ${title}: SQLite`, async (test) => {
      await using one = await startManager();
      test.diagnostic(`${await proveNoneLost([one], write)} were told that another was quicker`);
    });

    it(`where they ${title}: two nodes that share a PostgreSQL`, async (test) => {
      const postgres = await openPostgresSchema();
      try {
        const config = `store: { postgres: { url: '${postgres.url}', schema: ${postgres.schema} }, key: 'the key of these tests, which nobody guesses' }\n`;
        await using one = await startManager({ config, node: 'one' });
        await using two = await startManager({ config, node: 'two' });
        test.diagnostic(`${await proveNoneLost([one, two], write)} were told that another was quicker`);
      } finally {
        await postgres.close();
      }
    });
  }
});
