import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DataPlaneConfig } from '../server/config.ts';
import type { FromWorker } from './messages.ts';
import type { SentConfig } from './sent-config.ts';
import { answerSupervisor, type Plane } from './worker-loop.ts';

const CONFIG: SentConfig = { kind: 'whole', config: {} as DataPlaneConfig };

/** A plane whose preparations end when the test says so. */
function stage() {
  const done: string[] = [];
  const said: FromWorker[] = [];
  const preparations: PromiseWithResolvers<string>[] = [];
  const plane: Plane<string> = {
    prepare: () => {
      const preparation = Promise.withResolvers<string>();
      preparations.push(preparation);
      return preparation.promise;
    },
    commit: (prepared) => done.push(`commit ${prepared}`),
    discard: (prepared) => done.push(`discard ${prepared}`),
    receive: (news) => done.push(`receive ${news.kind} ${'key' in news ? news.key : ''}`),
    drain: async (limitMs) => void done.push(`drain ${limitMs}`),
    stats: () => ({ connections: 1, requestsInFlight: 0 }),
  };
  return { done, said, preparations, tell: answerSupervisor(plane, (message) => said.push(message)) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a worker', () => {
  it('prepares, says so, and commits when told', async () => {
    const { done, said, preparations, tell } = stage();
    tell({ kind: 'prepare', generation: 1, config: CONFIG });
    preparations[0]?.resolve('A');
    await turn();
    assert.deepEqual(said, [{ kind: 'prepared', generation: 1 }]);
    tell({ kind: 'commit', generation: 1 });
    assert.deepEqual(done, ['commit A']);
  });

  it('says why it refuses', async () => {
    const { said, preparations, tell } = stage();
    tell({ kind: 'prepare', generation: 1, config: CONFIG });
    preparations[0]?.reject(new Error('port 80: permission denied'));
    await turn();
    assert.deepEqual(said, [{ kind: 'refused', generation: 1, reason: 'port 80: permission denied' }]);
    assert.throws(() => tell({ kind: 'commit', generation: 1 }), {
      message: 'asked to commit generation 1, which is not prepared',
    });
  });

  it('undoes what it prepared, also when told so before it was done', async () => {
    const { done, said, preparations, tell } = stage();
    tell({ kind: 'prepare', generation: 1, config: CONFIG });
    preparations[0]?.resolve('A');
    await turn();
    tell({ kind: 'discard', generation: 1 });
    tell({ kind: 'prepare', generation: 2, config: CONFIG });
    tell({ kind: 'discard', generation: 2 });
    preparations[1]?.resolve('B');
    await turn();
    assert.deepEqual(done, ['discard A', 'discard B']);
    assert.deepEqual(said, [{ kind: 'prepared', generation: 1 }]);
  });

  it('passes on what is said of targets, in order and at once', () => {
    const { done, tell } = stage();
    tell({ kind: 'targets', key: 'orders', targets: [], service: new SharedArrayBuffer(8) });
    tell({ kind: 'targetsGone', key: 'orders' });
    assert.deepEqual(done, ['receive targets orders', 'receive targetsGone orders']);
  });

  it('answers heartbeats and tells when it has drained', async () => {
    const { done, said, tell } = stage();
    tell({ kind: 'ping' });
    tell({ kind: 'drain', limitMs: 5 });
    await turn();
    assert.deepEqual(done, ['drain 5']);
    assert.deepEqual(said, [
      { kind: 'pong', stats: { connections: 1, requestsInFlight: 0 } },
      { kind: 'drained' },
    ]);
  });
});
