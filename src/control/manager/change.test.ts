import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sql } from 'kysely';
import { startManager } from '../../../test/support/manager.ts';
import type { WantedChange } from './manager.ts';

const ROUTE = { match: { paths: ['/hello'] }, service: 'users' };

function route(name: string, path: string, more: Partial<WantedChange> = {}): WantedChange {
  return { collection: 'routes', name, value: { match: { paths: [path] }, service: 'users' }, ...more };
}

describe('A change of the stored configuration', () => {
  it('is put into force, numbered, and attributed', async () => {
    await using at = await startManager();
    const { manager } = at;
    const outcome = await manager.change({
      author: 'ann',
      message: 'first',
      changes: [route('hello', '/hello')],
    });
    assert.deepEqual(outcome, {
      kind: 'applied',
      revision: 1,
      changes: [{ collection: 'routes', name: 'hello', before: undefined, after: ROUTE }],
      warnings: [],
    });
    assert.deepEqual(Object.keys(at.applied[0]?.dataPlane.routes ?? {}), ['hello']);
    assert.equal(manager.revision, 1);
    const [revision] = await manager.revisions({ limit: 10 });
    assert.equal(revision?.author, 'ann');
    assert.equal(revision?.message, 'first');
    const listed = manager.get('routes', 'hello');
    assert.ok(listed?.origin === 'store');
    assert.equal(listed.createdBy, 'ann');
    assert.equal(listed.revision, 1);
  });

  it('is refused whole, with the place of what is wrong, and changes nothing', async () => {
    await using at = await startManager();
    const outcome = await at.manager.change({
      author: 'ann',
      changes: [
        route('good', '/good'),
        { collection: 'routes', name: 'bad', value: { match: { paths: ['/x'] }, service: 'user' } },
      ],
    });
    assert.deepEqual(outcome, {
      kind: 'refused',
      problems: [
        {
          severity: 'error',
          path: 'routes.bad.service',
          message: 'there is no service "user"',
          suggestion: 'users',
          file: 'store:routes/bad',
          line: 7,
          column: 14,
        },
      ],
    });
    assert.equal(at.manager.revision, 0);
    assert.equal(at.applied.length, 0);
    assert.ok(!existsSync(join(at.directory, 'portcullis.db')), 'a change that is refused makes no file');
  });

  it('makes a file that only its owner reads, and a key for its secrets', async () => {
    await using at = await startManager();
    await at.manager.change({ author: 'ann', changes: [route('a', '/a')] });
    for (const name of ['portcullis.db', 'portcullis.db.key'])
      assert.equal(statSync(join(at.directory, name)).mode & 0o777, 0o600, name);
  });

  it('is only tried where that is asked for', async () => {
    await using at = await startManager();
    const outcome = await at.manager.change({ author: 'ann', dryRun: true, changes: [route('a', '/a')] });
    assert.equal(outcome.kind, 'planned');
    assert.equal(at.manager.get('routes', 'a'), undefined);
    assert.ok(!existsSync(join(at.directory, 'portcullis.db')));
  });

  it('is nothing where it is so already', async () => {
    await using at = await startManager();
    await at.manager.change({ author: 'ann', changes: [route('a', '/a')] });
    const again = await at.manager.change({ author: 'bob', changes: [route('a', '/a')] });
    assert.deepEqual(again, { kind: 'unchanged', revision: 1, changes: [], warnings: [] });
  });

  it('conflicts where something else is there than was expected', async () => {
    await using at = await startManager();
    const { manager } = at;
    await manager.change({ author: 'ann', changes: [route('a', '/a', { expected: 'absent' })] });
    await manager.change({ author: 'bob', changes: [route('a', '/b', { expected: 1 })] });
    const conflict = { kind: 'conflict', collection: 'routes', name: 'a', revision: 2 };
    const late = await manager.change({ author: 'ann', changes: [route('a', '/c', { expected: 1 })] });
    assert.deepEqual(late, conflict);
    assert.deepEqual(
      await manager.change({ author: 'ann', changes: [route('a', '/c', { expected: 'absent' })] }),
      conflict,
    );
    assert.deepEqual(await manager.change({ author: 'ann', changes: [route('z', '/z', { expected: 2 })] }), {
      ...conflict,
      name: 'z',
      revision: 'absent',
    });
  });

  it('cannot reach what the file has, nor what is not there', async () => {
    await using at = await startManager();
    const value = { url: 'http://127.0.0.1:1' };
    assert.deepEqual(
      await at.manager.change({ author: 'ann', changes: [{ collection: 'services', name: 'users', value }] }),
      { kind: 'readOnly', collection: 'services', name: 'users' },
    );
    assert.deepEqual(
      await at.manager.change({
        author: 'ann',
        changes: [{ collection: 'routes', name: 'x', value: undefined }],
      }),
      { kind: 'missing', collection: 'routes', name: 'x' },
    );
  });

  it('asks whether the author may, about what would really change', async () => {
    await using at = await startManager();
    const asked: unknown[] = [];
    const outcome = await at.manager.change({
      author: 'eve',
      changes: [route('a', '/a')],
      allow: (changes) => {
        asked.push(...changes.map(({ name }) => name));
        return 'you may not change routes';
      },
    });
    assert.deepEqual(outcome, { kind: 'forbidden', reason: 'you may not change routes' });
    assert.deepEqual(asked, ['a']);
  });

  it('is taken back where the workers refuse', async () => {
    await using at = await startManager();
    await at.manager.change({ author: 'ann', changes: [route('a', '/a')] });
    at.refuse('port 80: in use');
    const outcome = await at.manager.change({ author: 'ann', changes: [route('b', '/b')] });
    assert.deepEqual(outcome, {
      kind: 'refused',
      problems: [{ severity: 'error', path: '', message: 'port 80: in use' }],
    });
    assert.equal(at.manager.revision, 1);
    assert.equal((await at.manager.revisions({ limit: 10 })).length, 1);
    at.refuse();
    const next = await at.manager.change({ author: 'ann', changes: [route('c', '/c')] });
    assert.ok(next.kind === 'applied' && next.revision === 2);
  });

  it('is taken back where it cannot be kept, and what was in force is so again', async () => {
    await using at = await startManager({
      record: async (_, { number }) => {
        if (number === 2) throw new Error('the disk is full');
      },
    });
    await at.manager.change({ author: 'ann', changes: [route('a', '/a')] });
    assert.deepEqual(await at.manager.change({ author: 'ann', changes: [route('b', '/b')] }), {
      kind: 'unavailable',
      reason: 'the disk is full',
    });
    assert.equal(at.manager.revision, 1);
    assert.deepEqual(Object.keys(at.applied.at(-1)?.dataPlane.routes ?? {}), ['a']);
  });

  it('is taken back in the workers where the commit fails', async () => {
    await using at = await startManager({
      async record(transaction, { number }) {
        if (number !== 2) return;
        // What refers to a revision that is not there is noticed by the commit.
        await sql`pragma defer_foreign_keys = on`.execute(transaction);
        await sql`insert into changes (revision, collection, name) values (99, 'routes', 'x')`.execute(
          transaction,
        );
      },
    });
    await at.manager.change({ author: 'ann', changes: [route('a', '/a')] });
    const outcome = await at.manager.change({ author: 'ann', changes: [route('b', '/b')] });
    assert.deepEqual(outcome, { kind: 'unavailable', reason: 'FOREIGN KEY constraint failed' });
    assert.deepEqual(
      at.applied.map(({ dataPlane }) => Object.keys(dataPlane.routes).join()),
      ['a', 'a,b', 'a'],
    );
    assert.equal(at.manager.revision, 1);
    assert.equal(at.manager.get('routes', 'b'), undefined);
    assert.equal(
      (await at.manager.change({ author: 'ann', dryRun: true, changes: [route('c', '/c')] })).kind,
      'planned',
    );
  });

  it('waits for others: of many at one time none is lost', async () => {
    await using at = await startManager();
    const names = Array.from({ length: 20 }, (_, i) => `r${i}`);
    const outcomes = await Promise.all(
      names.map((name) => at.manager.change({ author: name, changes: [route(name, `/${name}`)] })),
    );
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.kind === 'applied' ? outcome.revision : outcome)),
      names.map((_, i) => i + 1),
    );
    assert.deepEqual(
      at.manager.list('routes').map(({ name }) => name),
      names.toSorted(),
    );
  });

  it('keeps the objects of what it does not change', async () => {
    await using at = await startManager();
    await at.manager.change({ author: 'ann', changes: [route('a', '/a'), route('b', '/b')] });
    await at.manager.change({ author: 'ann', changes: [route('b', '/c')] });
    const [first, second] = at.applied;
    assert.equal(first?.dataPlane.routes['a'], second?.dataPlane.routes['a']);
    assert.notEqual(first?.dataPlane.routes['b'], second?.dataPlane.routes['b']);
    assert.equal(
      first?.stored.entities.get('routes')?.get('a'),
      second?.stored.entities.get('routes')?.get('a'),
    );
  });

  it('stays within what plain data can be', async () => {
    await using at = await startManager();
    const value = JSON.parse(
      '{"match": {"paths": ["/a"]}, "service": "users", "__proto__": {"x": 1}}',
    ) as Record<string, unknown>;
    assert.deepEqual(
      await at.manager.change({ author: 'eve', changes: [{ collection: 'routes', name: 'a', value }] }),
      {
        kind: 'refused',
        problems: [{ severity: 'error', path: 'routes.a.__proto__', message: 'this name is not allowed' }],
      },
    );
    const outcome = await at.manager.change({ author: 'eve', changes: [route('__proto__', '/a')] });
    assert.equal(outcome.kind, 'refused');
  });
});

describe('A file and a store together', () => {
  it('are listed as one, with where each comes from', async () => {
    await using at = await startManager({
      config:
        'services: { users: { url: "http://127.0.0.1:9001" } }\npolicies: [{ cors: { origins: [https://a.example] } }]\n',
    });
    await at.manager.change({
      author: 'ann',
      changes: [
        { collection: 'services', name: 'books', value: { url: 'http://127.0.0.1:9002' } },
        { collection: 'policies', name: 'mine', value: { 'ip-filter': { deny: ['10.0.0.1'] } } },
      ],
    });
    assert.deepEqual(
      at.manager.list('services').map(({ name, origin }) => [name, origin]),
      [
        ['books', 'store'],
        ['users', 'file'],
      ],
    );
    assert.deepEqual(
      at.manager.list('policies').map(({ name }) => name),
      ['file:0', 'mine'],
    );
    assert.deepEqual(
      at.applied[0]?.dataPlane.policies.map(({ name }) => name),
      ['cors', 'ip-filter'],
    );
  });

  it('leave out of the store what the file has too, with a warning', async () => {
    await using at = await startManager();
    await at.manager.change({ author: 'ann', changes: [route('a', '/a')] });
    await writeFile(
      at.file,
      'services: { users: { url: "http://127.0.0.1:9001" } }\nroutes: { a: { match: { paths: [/file] }, respond: { status: 204 } } }\n',
    );
    const outcome = await at.reloader.reload('file change');
    assert.ok(outcome.kind === 'applied');
    assert.deepEqual(
      outcome.warnings.map(({ file, path, message }) => [file, path, message]),
      [['store:routes/a', 'routes.a', 'the file has one of this name: that of the store is left out']],
    );
    assert.equal(at.manager.get('routes', 'a')?.origin, 'file');
  });
});

describe('A store that is not to be used', () => {
  it('takes no change where it is turned off', async () => {
    await using at = await startManager({ config: 'store: { enabled: false }\n' });
    assert.deepEqual(await at.manager.change({ author: 'ann', changes: [route('a', '/a')] }), {
      kind: 'unavailable',
      reason: 'store.enabled is false: the file alone says what is configured',
    });
    assert.deepEqual(await at.manager.revisions({ limit: 5 }), []);
    assert.equal(await at.manager.between(0, 1), undefined);
  });
});

describe('Revisions', () => {
  it('can be compared and gone back to', async () => {
    await using at = await startManager();
    const { manager } = at;
    await manager.change({ author: 'ann', changes: [route('a', '/a'), route('b', '/b')] });
    await manager.change({ author: 'ann', changes: [route('a', '/a2')] });
    await manager.change({
      author: 'ann',
      changes: [{ collection: 'routes', name: 'b', value: undefined }, route('c', '/c')],
    });
    const names = (await manager.between(1, 3))?.map(({ name, before, after }) => [
      name,
      before !== undefined,
      after !== undefined,
    ]);
    assert.deepEqual(names, [
      ['a', true, true],
      ['b', true, false],
      ['c', false, true],
    ]);
    assert.deepEqual(await manager.between(3, 3), []);
    assert.equal(await manager.between(1, 9), undefined);
    const outcome = await manager.rollback(1, { author: 'bob' });
    assert.ok(outcome.kind === 'applied' && outcome.revision === 4);
    assert.deepEqual(await manager.between(1, 4), []);
    assert.deepEqual(
      manager.list('routes').map(({ name }) => name),
      ['a', 'b'],
    );
    assert.deepEqual(
      (await manager.revisions({ limit: 2, before: 4 })).map(({ number }) => number),
      [3, 2],
    );
    assert.deepEqual(await manager.rollback(9, { author: 'bob' }), {
      kind: 'refused',
      problems: [{ severity: 'error', path: '', message: 'revision 9 is not known, or not any more' }],
    });
  });

  it('outlive the process', async () => {
    await using at = await startManager();
    await at.manager.change({ author: 'ann', changes: [route('a', '/a')] });
    await at.source.close();
    await using again = await startManager({ directory: at.directory });
    assert.equal(again.manager.revision, 1);
    assert.deepEqual(Object.keys(again.reloader.current.dataPlane.routes), ['a']);
  });
});
