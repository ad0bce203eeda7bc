import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import type { DataPlaneConfig } from '../server/config.ts';
import type { TargetsNews } from '../upstream/targets-message.ts';
import type { FromWorker, LogLevel, ToWorker } from './messages.ts';
import { backOffMs, SUPERVISION, Supervisor } from './supervisor.ts';

/** A thread that is played by the test. */
class FakeThread extends EventEmitter {
  readonly workerId: number;
  readonly received: ToWorker[] = [];
  /** How it answers to a prepare: a refusal, or nothing at all. */
  onPrepare: 'prepared' | 'silent' | { refuse: string };
  exited = false;

  constructor(workerId: number, onPrepare: FakeThread['onPrepare']) {
    super();
    this.workerId = workerId;
    this.onPrepare = onPrepare;
  }

  postMessage(message: ToWorker): void {
    this.received.push(message);
    if (message.kind !== 'prepare' || this.onPrepare === 'silent') return;
    const { generation } = message;
    if (this.onPrepare === 'prepared') this.say({ kind: 'prepared', generation });
    else this.say({ kind: 'refused', generation, reason: this.onPrepare.refuse });
  }

  say(message: FromWorker): void {
    queueMicrotask(() => this.emit('message', message));
  }

  die(code: number, error?: Error): void {
    if (this.exited) return;
    this.exited = true;
    if (error !== undefined) this.emit('error', error);
    this.emit('exit', code);
  }

  async terminate(): Promise<number> {
    this.die(1);
    return 1;
  }

  /** What it was told, as `prepare 1`, `commit 1`, `ping`. */
  get told(): string[] {
    return this.received.map((message) =>
      'generation' in message ? `${message.kind} ${message.generation}` : message.kind,
    );
  }
}

interface Stage {
  readonly supervisor: Supervisor;
  /** Every thread that was ever started, in order. */
  readonly threads: FakeThread[];
  readonly log: [level: LogLevel, message: string][];
  readonly deaths: number[];
  /** How threads started from now on answer to a prepare. */
  answer: FakeThread['onPrepare'];
  /** What threads started from now on are told first. */
  greeting: readonly TargetsNews[];
}

function stage(t: TestContext, workers: number): Stage {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const threads: FakeThread[] = [];
  const log: [LogLevel, string][] = [];
  const deaths: number[] = [];
  const made: Stage = {
    threads,
    log,
    deaths,
    answer: 'prepared',
    greeting: [],
    supervisor: new Supervisor({
      workers,
      reusePort: true,
      spawn: (workerId) => {
        const thread = new FakeThread(workerId, made.answer);
        threads.push(thread);
        return thread;
      },
      log: (level, message) => log.push([level, message]),
      deliver: () => undefined,
      greeting: () => made.greeting,
      onDeath: (workerId) => deaths.push(workerId),
    }),
  };
  t.after(() => made.supervisor.close());
  return made;
}

/** Lets every promise that can go on do so; no time passes. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

const CONFIG: DataPlaneConfig = {
  listeners: {},
  certificates: {},
  services: {},
  routes: {},
  policies: [],
  lists: {},
  observability: {} as DataPlaneConfig['observability'],
};

describe('two phases', () => {
  it('starts every worker and commits once all have prepared', async (t) => {
    const { supervisor, threads } = stage(t, 3);
    assert.deepEqual(await supervisor.apply(CONFIG), { ok: true });
    assert.deepEqual(
      threads.map((thread) => thread.told),
      [
        ['prepare 1', 'commit 1'],
        ['prepare 1', 'commit 1'],
        ['prepare 1', 'commit 1'],
      ],
    );
    assert.equal(supervisor.status().serving, 3);
  });

  it('discards in all when one refuses, and says why once', async (t) => {
    const { supervisor, threads } = stage(t, 3);
    await supervisor.apply(CONFIG);
    for (const thread of threads.slice(1)) thread.onPrepare = { refuse: 'listener web: address in use' };
    assert.deepEqual(await supervisor.apply(CONFIG), {
      ok: false,
      reasons: ['listener web: address in use'],
    });
    for (const thread of threads) assert.deepEqual(thread.told.slice(2), ['prepare 2', 'discard 2']);
    assert.equal(supervisor.status().serving, 3);
    assert.equal(supervisor.status().deaths, 0);
  });

  it('commits in none before the last has prepared', async (t) => {
    const { supervisor, threads } = stage(t, 2);
    await supervisor.apply(CONFIG);
    const slow = threads[1] as FakeThread;
    slow.onPrepare = 'silent';
    const applied = supervisor.apply(CONFIG);
    await settle();
    assert.equal(threads[0]?.told.at(-1), 'prepare 2');
    slow.say({ kind: 'prepared', generation: 2 });
    assert.deepEqual(await applied, { ok: true });
    assert.equal(threads[0]?.told.at(-1), 'commit 2');
  });

  it('takes a worker that does not answer as a refusal', async (t) => {
    const { supervisor, threads } = stage(t, 2);
    await supervisor.apply(CONFIG);
    (threads[1] as FakeThread).onPrepare = 'silent';
    const applied = supervisor.apply(CONFIG);
    await settle();
    t.mock.timers.tick(SUPERVISION.prepareMs);
    assert.deepEqual(await applied, { ok: false, reasons: ['the worker did not get ready within 30000 ms'] });
    assert.equal(threads[0]?.told.at(-1), 'discard 2');
  });

  it('takes a worker that dies while it prepares as a refusal, and replaces it by one of the old configuration', async (t) => {
    const { supervisor, threads } = stage(t, 2);
    await supervisor.apply(CONFIG);
    (threads[1] as FakeThread).onPrepare = 'silent';
    const applied = supervisor.apply(CONFIG);
    await settle();
    threads[1]?.die(7);
    assert.deepEqual(await applied, { ok: false, reasons: ['the worker died: exited with code 7'] });
    await settle();
    assert.deepEqual(threads[2]?.told, ['prepare 1', 'commit 1']);
    assert.equal(supervisor.status().serving, 2);
  });

  it('leaves no thread behind when the first configuration is refused, and may be asked again', async (t) => {
    const made = stage(t, 2);
    made.answer = { refuse: 'no' };
    assert.deepEqual(await made.supervisor.apply(CONFIG), { ok: false, reasons: ['no'] });
    await settle();
    assert.ok(made.threads.every((thread) => thread.exited));
    made.answer = 'prepared';
    assert.deepEqual(await made.supervisor.apply(CONFIG), { ok: true });
    assert.equal(made.supervisor.status().serving, 2);
    assert.equal(made.threads.length, 4);
  });
});

describe('replacement', () => {
  it('brings a worker that dies after it has prepared up with the new configuration', async (t) => {
    const { supervisor, threads } = stage(t, 2);
    await supervisor.apply(CONFIG);
    (threads[1] as FakeThread).onPrepare = 'silent';
    const applied = supervisor.apply(CONFIG);
    await settle();
    threads[0]?.die(1);
    threads[1]?.say({ kind: 'prepared', generation: 2 });
    assert.deepEqual(await applied, { ok: true });
    await settle();
    assert.deepEqual(threads[2]?.told.at(-1), 'commit 2');
    assert.equal(supervisor.status().serving, 2);
  });

  it('answers deaths at once, then with a back-off that doubles up to ten seconds', () => {
    assert.deepEqual(
      [1, 2, 3, 4, 8, 9, 10, 100].map(backOffMs),
      [0, 100, 200, 400, 6400, 10_000, 10_000, 10_000],
    );
  });

  it('tells every thread of targets: a new one what there is before its configuration, the others what changes', async (t) => {
    const made = stage(t, 2);
    made.greeting = [{ kind: 'targets', key: 'orders', targets: [], service: new SharedArrayBuffer(8) }];
    await made.supervisor.apply(CONFIG);
    made.supervisor.tell({ kind: 'targetsGone', key: 'orders' });
    made.greeting = [];
    made.threads[0]?.die(1);
    await settle();
    assert.deepEqual(
      made.threads.map(({ told }) => told),
      [
        ['targets', 'prepare 1', 'commit 1', 'targetsGone'],
        ['targets', 'prepare 1', 'commit 1', 'targetsGone'],
        ['prepare 1', 'commit 1'],
      ],
    );
  });

  it('replaces a worker that died with one that serves the configuration in force', async (t) => {
    const { supervisor, threads, log, deaths } = stage(t, 2);
    await supervisor.apply(CONFIG);
    threads[0]?.die(1, new RangeError('broken'));
    await settle();
    assert.deepEqual(threads[2]?.told, ['prepare 1', 'commit 1']);
    assert.equal(threads[2]?.workerId, 0);
    assert.deepEqual(log, [
      ['error', 'worker 0 died and is replaced at once'],
      ['info', 'worker 0 serves again'],
    ]);
    assert.deepEqual(deaths, [0]);
    assert.deepEqual(
      { deaths: supervisor.status().deaths, serving: supervisor.status().serving },
      { deaths: 1, serving: 2 },
    );
  });

  it('waits longer from death to death, and starts anew after a minute of service', async (t) => {
    const { supervisor, threads, log } = stage(t, 1);
    await supervisor.apply(CONFIG);
    threads[0]?.die(1);
    await settle();
    threads[1]?.die(1);
    await settle();
    assert.equal(threads.length, 2);
    t.mock.timers.tick(99);
    assert.equal(threads.length, 2);
    t.mock.timers.tick(1);
    await settle();
    assert.equal(threads.length, 3);
    for (let passedMs = 0; passedMs < SUPERVISION.cleanRecordMs; passedMs += SUPERVISION.heartbeatMs) {
      t.mock.timers.tick(SUPERVISION.heartbeatMs);
      threads[2]?.say({ kind: 'pong', stats: { connections: 0, requestsInFlight: 0 } });
      await settle();
    }
    threads[2]?.die(1);
    await settle();
    assert.deepEqual(
      log.map(([, message]) => message),
      [
        'worker 0 died and is replaced at once',
        'worker 0 serves again',
        'worker 0 died and is replaced in 100 ms',
        'worker 0 serves again',
        'worker 0 died and is replaced at once',
        'worker 0 serves again',
      ],
    );
  });

  it('takes a replacement that came up during a reload to the new configuration', async (t) => {
    const { supervisor, threads } = stage(t, 2);
    await supervisor.apply(CONFIG);
    threads[0]?.die(1);
    await settle();
    threads[2]?.die(1);
    await settle();
    (threads[1] as FakeThread).onPrepare = 'silent';
    const applied = supervisor.apply(CONFIG);
    await settle();
    t.mock.timers.tick(100);
    await settle();
    assert.deepEqual(
      threads[3]?.told,
      ['prepare 1', 'commit 1'],
      'the old configuration while the reload is undecided',
    );
    threads[1]?.say({ kind: 'prepared', generation: 2 });
    assert.deepEqual(await applied, { ok: true });
    await settle();
    assert.deepEqual(threads[3]?.told, ['prepare 1', 'commit 1', 'prepare 2', 'commit 2']);
  });

  it('lets a new configuration in at once where the one in force kills every worker', async (t) => {
    const { supervisor, threads } = stage(t, 1);
    await supervisor.apply(CONFIG);
    threads[0]?.die(1);
    await settle();
    threads[1]?.die(1);
    await settle();
    assert.equal(supervisor.status().serving, 0);
    assert.deepEqual(await supervisor.apply(CONFIG), { ok: true });
    assert.deepEqual(threads[2]?.told, ['prepare 2', 'commit 2']);
    t.mock.timers.tick(SUPERVISION.longestBackOffMs);
    await settle();
    assert.equal(threads.length, 3, 'the back-off that it forestalled starts no second thread');
  });
});

describe('heartbeat', () => {
  it('reports a worker that is silent for 10 s and replaces it after 60 s', async (t) => {
    const { supervisor, threads, log } = stage(t, 1);
    await supervisor.apply(CONFIG);
    for (let beat = 0; beat < 13; beat++) t.mock.timers.tick(SUPERVISION.heartbeatMs);
    await settle();
    assert.deepEqual(log, [
      ['warn', 'worker 0 has not answered for 10 s: something blocks its event loop'],
      ['error', 'worker 0 has not answered for 60 s and is ended'],
      ['error', 'worker 0 died and is replaced at once'],
      ['info', 'worker 0 serves again'],
    ]);
    assert.equal(threads.length, 2);
  });

  it('says when a reported worker answers again, and takes its figures', async (t) => {
    const { supervisor, threads, log } = stage(t, 1);
    await supervisor.apply(CONFIG);
    for (let beat = 0; beat < 4; beat++) t.mock.timers.tick(SUPERVISION.heartbeatMs);
    threads[0]?.say({ kind: 'pong', stats: { connections: 5, requestsInFlight: 2 } });
    await settle();
    assert.deepEqual(log.at(-1), ['info', 'worker 0 answers again']);
    assert.deepEqual(supervisor.status(), {
      workers: 1,
      serving: 1,
      deaths: 0,
      connections: 5,
      requestsInFlight: 2,
    });
  });
});

describe('drain', () => {
  it('waits for every worker, then ends the threads and replaces none', async (t) => {
    const { supervisor, threads } = stage(t, 2);
    await supervisor.apply(CONFIG);
    const drained = supervisor.drain(30_000);
    for (const thread of threads) assert.equal(thread.told.at(-1), 'drain');
    threads[0]?.say({ kind: 'drained' });
    await settle();
    assert.ok(threads.every((thread) => !thread.exited));
    threads[1]?.say({ kind: 'drained' });
    await drained;
    assert.ok(threads.every((thread) => thread.exited));
    assert.equal(threads.length, 2);
    assert.equal(supervisor.status().deaths, 0);
  });

  it('ends a worker that does not finish, one second after the limit', async (t) => {
    const { supervisor, threads } = stage(t, 1);
    await supervisor.apply(CONFIG);
    const drained = supervisor.drain(500);
    t.mock.timers.tick(1499);
    await settle();
    assert.equal(threads[0]?.exited, false);
    t.mock.timers.tick(1);
    await drained;
    assert.equal(threads[0]?.exited, true);
  });
});
