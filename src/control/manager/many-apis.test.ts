import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startManager } from '../../../test/support/manager.ts';
import type { WantedChange } from './manager.ts';

const APIS = 10_000;

function api(name: string, path: string): WantedChange {
  const value = { paths: [path], methods: ['GET'], service: 'users', authentication: 'public' };
  return { collection: 'apis', name, value };
}

/** Milliseconds of processor time that it takes, whatever else the machine does. */
async function cpuMsOf(act: () => Promise<void> | void): Promise<number> {
  const before = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

describe('A store with 10,000 APIs', () => {
  it('lists a page within 100 ms and takes a change within 1 s', async (test) => {
    await using at = await startManager();
    const { manager } = at;
    const all = Array.from({ length: APIS }, (_, i) => api(`api-${i}`, `/api-${i}`));
    assert.equal((await manager.change({ author: 'ann', changes: all })).kind, 'applied');
    const change = async (name: string, path: string): Promise<void> => {
      assert.equal((await manager.change({ author: 'ann', changes: [api(name, path)] })).kind, 'applied');
    };
    const figures = {
      changed: await cpuMsOf(() => change('api-1', '/other')),
      listed: await cpuMsOf(() => assert.equal(manager.list('apis').slice(0, 100).length, 100)),
      added: await cpuMsOf(() => change('one-more', '/one-more')),
      listedAgain: await cpuMsOf(() => assert.equal(manager.list('apis').length, APIS + 1)),
    };
    test.diagnostic(`milliseconds of processor time: ${JSON.stringify(figures)}`);
    assert.ok(figures.changed < 1000 && figures.added < 1000, JSON.stringify(figures));
    assert.ok(figures.listed < 100 && figures.listedAgain < 100, JSON.stringify(figures));
    const [before, after] = at.applied.slice(-2);
    assert.equal(
      before?.stored.entities.get('apis')?.get('api-7'),
      after?.stored.entities.get('apis')?.get('api-7'),
    );
    assert.equal(Object.keys(after?.dataPlane.routes ?? {}).length, APIS + 1);
  });
});
