import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DataPlaneConfig } from '../../server/config.ts';
import { type LoadOutcome, type Reloadable, Reloader, type ReloadOutcome } from './reloader.ts';

function config(hash: string, routes: readonly string[] = []): Reloadable {
  const dataPlane = {
    listeners: {},
    certificates: {},
    lists: {},
    services: {},
    routes: Object.fromEntries(routes.map((name) => [name, {}])),
    policies: [],
    observability: {},
  } as unknown as DataPlaneConfig;
  return { dataPlane, files: [`/etc/${hash}.yaml`], hash };
}

type Load = LoadOutcome<Reloadable, string>;

/** A reloader whose loads end when the test says so. */
function stage(
  apply: (config: Reloadable) => Promise<{ ok: true } | { ok: false; reasons: string[] }> = async () => ({
    ok: true,
  }),
) {
  const loads: PromiseWithResolvers<Load>[] = [];
  const log: string[] = [];
  const outcomes: ReloadOutcome<string>['kind'][] = [];
  const reloader = new Reloader<Reloadable, string>(config('one', ['a']), {
    load: () => {
      const load = Promise.withResolvers<Load>();
      loads.push(load);
      return load.promise;
    },
    apply,
    show: (problems) => log.push(...problems),
    log: (level, message) => log.push(`${level}: ${message}`),
    onOutcome: (outcome) => outcomes.push(outcome.kind),
  });
  return { reloader, loads, log, outcomes };
}

describe('a reload', () => {
  it('puts a good configuration into force and tells what changed', async () => {
    const { reloader, loads, log, outcomes } = stage();
    const done = reloader.reload('SIGHUP');
    loads[0]?.resolve({ ok: true, config: config('two', ['a', 'b']), warnings: ['b hides a'] });
    assert.equal((await done).kind, 'applied');
    assert.equal(reloader.current.hash, 'two');
    assert.deepEqual(log, ['b hides a', 'info: reload (SIGHUP): routes: 1 added']);
    assert.deepEqual(outcomes, ['applied']);
  });

  it('leaves the old one when the file is bad, and says every error', async () => {
    const { reloader, loads, log } = stage();
    const done = reloader.reload('file change');
    loads[0]?.resolve({ ok: false, errors: ['x.yaml:1:1: bad', 'x.yaml:2:1: worse'], files: ['/x.yaml'] });
    assert.deepEqual(await done, {
      kind: 'refused',
      errors: ['x.yaml:1:1: bad', 'x.yaml:2:1: worse'],
      reasons: [],
      files: ['/x.yaml'],
    });
    assert.equal(reloader.current.hash, 'one');
    assert.deepEqual(log, [
      'x.yaml:1:1: bad',
      'x.yaml:2:1: worse',
      'error: reload (file change) refused: the configuration before stays in force',
    ]);
  });

  it('leaves the old one when a worker refuses', async () => {
    const { reloader, loads } = stage(async () => ({ ok: false, reasons: ['port 80: in use'] }));
    const done = reloader.reload('admin');
    loads[0]?.resolve({ ok: true, config: config('two'), warnings: [] });
    assert.deepEqual(await done, {
      kind: 'refused',
      errors: [],
      reasons: ['port 80: in use'],
      files: ['/etc/two.yaml'],
    });
    assert.equal(reloader.current.hash, 'one');
  });

  it('is a refusal when loading itself breaks', async () => {
    const { reloader, loads } = stage();
    const done = reloader.reload('admin');
    loads[0]?.reject(new Error('disk on fire'));
    assert.deepEqual(await done, { kind: 'refused', errors: [], reasons: ['disk on fire'], files: [] });
  });

  it('does nothing when nothing differs', async () => {
    const { reloader, loads, log } = stage(async () => assert.fail('applied'));
    const done = reloader.reload('SIGHUP');
    loads[0]?.resolve({ ok: true, config: config('one'), warnings: [] });
    assert.deepEqual(await done, { kind: 'unchanged' });
    assert.deepEqual(log, ['info: reload (SIGHUP): nothing changed']);
  });

  it('waits for the one before; all that come meanwhile share one that reads anew', async () => {
    const { reloader, loads } = stage();
    const first = reloader.reload('SIGHUP');
    const second = reloader.reload('admin');
    const third = reloader.reload('file change');
    assert.equal(loads.length, 1);
    loads[0]?.resolve({ ok: true, config: config('two'), warnings: [] });
    await first;
    assert.equal(second, third);
    await Promise.resolve();
    assert.equal(loads.length, 2);
    loads[1]?.resolve({ ok: true, config: config('three'), warnings: [] });
    assert.equal((await third).kind, 'applied');
    assert.equal(reloader.current.hash, 'three');
    const fourth = reloader.reload('SIGHUP');
    assert.equal(loads.length, 3);
    loads[2]?.resolve({ ok: true, config: config('three'), warnings: [] });
    assert.equal((await fourth).kind, 'unchanged');
  });

  it('leaves the turn to who changes the configuration in another way, and gets it after that', async () => {
    const { reloader, loads, outcomes } = stage();
    const over = Promise.withResolvers<void>();
    const turn = reloader.inTurn(async (put) => {
      assert.equal((await put(config('two', ['a', 'b']))).kind, 'applied');
      await over.promise;
      return put(config('one', ['a']));
    });
    const reload = reloader.reload('SIGHUP');
    assert.equal(loads.length, 0);
    over.resolve();
    assert.equal((await turn).kind, 'applied');
    await Promise.resolve();
    assert.equal(loads.length, 1);
    loads[0]?.resolve({ ok: true, config: config('one', ['a']), warnings: [] });
    assert.equal((await reload).kind, 'unchanged');
    assert.deepEqual(outcomes, ['applied', 'applied', 'unchanged']);
  });

  it('is not stopped by a turn that went wrong', async () => {
    const { reloader, loads } = stage();
    await assert.rejects(
      reloader.inTurn(async () => {
        throw new Error('the disk is full');
      }),
      { message: 'the disk is full' },
    );
    const reload = reloader.reload('SIGHUP');
    loads[0]?.resolve({ ok: true, config: config('one'), warnings: [] });
    assert.equal((await reload).kind, 'unchanged');
  });
});
