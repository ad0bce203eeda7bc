import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { runUntilSignal, type Signalled } from './lifetime.ts';

/** A gateway whose drain ends when the test says so. */
function stage() {
  const signals = new EventEmitter();
  const done: string[] = [];
  const started = Promise.withResolvers<Signalled | undefined>();
  const drained = Promise.withResolvers<void>();
  const gateway: Signalled = {
    stop: () => {
      done.push('stop');
      return drained.promise;
    },
    abort: async () => void done.push('abort'),
    reload: async (trigger) => {
      done.push(`reload ${trigger}`);
      return { kind: 'unchanged' };
    },
    reopenLogs: () => void done.push('reopen'),
  };
  const code = runUntilSignal(
    () => started.promise,
    (level, message) => done.push(`${level}: ${message}`),
    signals,
  );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    signals,
    done,
    drained,
    code,
    turn,
    start: async () => (started.resolve(gateway), turn()),
    fail: () => started.resolve(undefined),
  };
}

describe('a signal', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    it(`${signal} drains, then the exit code is 0 and nobody listens any more`, async () => {
      const { signals, done, drained, code, start } = stage();
      await start();
      signals.emit(signal);
      drained.resolve();
      assert.equal(await code, 0);
      assert.deepEqual(done, [`info: ${signal}`, 'stop']);
      assert.deepEqual(signals.eventNames(), []);
    });
  }

  it('that comes twice ends at once, with 128 and its number', async () => {
    const { signals, done, code, start } = stage();
    await start();
    signals.emit('SIGINT');
    signals.emit('SIGTERM');
    assert.equal(await code, 143);
    assert.deepEqual(done, ['info: SIGINT', 'stop', 'warn: SIGTERM again: ending at once', 'abort']);
  });

  it('during the start is followed once that is over', async () => {
    const { signals, done, drained, code, start } = stage();
    signals.emit('SIGTERM');
    signals.emit('SIGHUP');
    await start();
    drained.resolve();
    assert.equal(await code, 0);
    assert.deepEqual(done, ['info: SIGTERM', 'stop']);
  });

  it('SIGHUP reloads, SIGUSR2 opens the log anew', async () => {
    const { signals, done, drained, code, start } = stage();
    await start();
    signals.emit('SIGHUP');
    signals.emit('SIGUSR2');
    signals.emit('SIGTERM');
    drained.resolve();
    await code;
    assert.deepEqual(done.slice(0, 2), ['reload SIGHUP', 'reopen']);
  });
});

describe('the exit code', () => {
  it('is 0 when a signal ends a start that waited', async () => {
    const signals = new EventEmitter();
    const start = (stopped: AbortSignal) =>
      new Promise<undefined>((resolve) => {
        stopped.addEventListener('abort', () => resolve(undefined));
      });
    const code = runUntilSignal(start, () => undefined, signals);
    signals.emit('SIGINT');
    assert.equal(await code, 0);
  });

  it('is 1 when the gateway cannot start', async () => {
    const { code, fail } = stage();
    fail();
    assert.equal(await code, 1);
  });

  it('is 1 after an error that nobody caught, and everything is closed', async () => {
    const { signals, done, code, start } = stage();
    await start();
    signals.emit('uncaughtException', new Error('broken'));
    assert.equal(await code, 1);
    assert.deepEqual(done, ['error: an error that nobody caught: ending', 'abort']);
  });
});
