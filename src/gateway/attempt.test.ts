import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ResponseHead } from '../http/response-head.ts';
import { Deadlines } from '../lib/deadlines.ts';
import { ServiceCell, TargetCell } from '../upstream/cells.ts';
import type { UpstreamConnection } from '../upstream/connection.ts';
import type { UpstreamFailure } from '../upstream/failure.ts';
import type { Pool } from '../upstream/pool/pool.ts';
import { RetryPolicy } from '../upstream/retry/policy.ts';
import { retrySchema } from '../upstream/retry/schema.ts';
import { Target, type TargetSurroundings } from '../upstream/target.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';

/** Nobody watches over the target. */
const UNWATCHED: TargetSurroundings = {
  breaker: undefined,
  outlier: undefined,
  service: new ServiceCell(ServiceCell.allocate(), 0),
  timed: false,
  slowStartMs: 0,
  random: () => 0,
  targetCount: () => 1,
  breakerChanged() {},
  ejected() {},
};

/** A stage for one attempt with 500 ms for a try: what its target, its connection and its owner are told, in order. */
class Stage {
  readonly told: string[] = [];
  readonly attempt: Attempt;
  /** Whether the client has sent all of its request when there is a connection. */
  whole = true;
  readonly #clock = { nowMs: 0 };
  readonly #deadlines = new Deadlines(() => this.#clock.nowMs, 1);

  constructor() {
    const tell = (what: string) => () => void this.told.push(what);
    const pool = { acquire: tell('acquire'), forget: tell('forget') } as unknown as Pool;
    const cell = new TargetCell(TargetCell.allocate(), 0);
    const target = new Target({ name: 'a:80', authority: 'a' }, pool, cell, UNWATCHED);
    target.report = (permit, outcome, elapsedMs) =>
      void this.told.push(`report ${permit} ${outcome}${elapsedMs < 0 ? ', not all sent' : ''}`);
    target.end = (broken) => void this.told.push(`end${broken === undefined ? '' : ` by ${broken}`}`);
    const owner: AttemptOwner = {
      onReady: (attempt) => {
        attempt.send('', 'GET', false, '');
        if (this.whole) attempt.endRequest(undefined);
      },
      onInformational() {},
      onHead: (attempt, { status }) => {
        if (status < 500) attempt.accept({ onBody() {}, onBodyEnd: tell('answered'), onTunnelEnd() {} });
        else attempt.discard(this.#deadlines);
      },
      onFlush: tell('flush'),
      onDrain: tell('drain'),
      onFailure: (_attempt, { kind }: UpstreamFailure) => void this.told.push(`failed ${kind}`),
    };
    const budget = { tryTake: () => true, giveBack: tell('give back') };
    const retry = retrySchema.parse({ perTry: '500ms', on: ['timeout'] });
    const context = { pauses: this.#deadlines, random: () => 0, budget };
    this.attempt = new Attempt(
      owner,
      target,
      7,
      new RetryPolicy(retry, undefined, this.#deadlines, context),
      true,
    );
    this.attempt.start(false);
  }

  connect(): void {
    const connection = {
      send() {},
      endRequest() {},
      resume() {},
      cancel: () => void this.told.push('cancel'),
    };
    this.attempt.onConnection(connection as unknown as UpstreamConnection);
  }
  head(status: number): void {
    const head = new ResponseHead();
    head.status = status;
    this.attempt.onHead(head);
  }
  wait(ms: number): void {
    this.#clock.nowMs += ms;
    this.#deadlines.sweep();
  }
}

suite('an attempt tells its target, its budget and its owner what becomes of it', () => {
  const table: [title: string, play: (stage: Stage) => void, told: string][] = [
    ['it waits', () => {}, ''],
    ['it is sent', (s) => s.connect(), ''],
    [
      'it is answered',
      (s) => (s.connect(), s.head(200), s.attempt.onBodyEnd(undefined)),
      'report 7 200, give back, end, answered',
    ],
    [
      'its answer breaks off',
      (s) => (s.connect(), s.head(200), s.attempt.onFailure({ kind: 'reset', cause: '' })),
      'report 7 200, give back, end by reset, failed reset',
    ],
    [
      'no connection is made',
      (s) => s.attempt.onFailure({ kind: 'refused', cause: '' }),
      'report 7 refused, not all sent, give back, end, failed refused',
    ],
    [
      'it is cancelled while it waits for a connection',
      (s) => s.attempt.cancel(),
      'report 7 abandoned, not all sent, give back, end, forget',
    ],
    [
      'it is cancelled while it waits for its answer',
      (s) => (s.connect(), s.attempt.cancel()),
      'report 7 abandoned, give back, end, cancel',
    ],
    [
      'it is cancelled while its client still sends',
      (s) => ((s.whole = false), s.connect(), s.attempt.cancel()),
      'report 7 abandoned, not all sent, give back, end, cancel',
    ],
    [
      'its time is over while it waits for its answer',
      (s) => (s.connect(), s.attempt.cancel('try_timeout')),
      'report 7 try_timeout, give back, end, cancel',
    ],
    [
      'it is cancelled within its answer',
      (s) => (s.connect(), s.head(200), s.attempt.cancel()),
      'report 7 200, give back, end, cancel',
    ],
    [
      'it is cancelled twice',
      (s) => (s.connect(), s.attempt.cancel(), s.attempt.cancel()),
      'report 7 abandoned, give back, end, cancel',
    ],
    [
      'it takes too long to connect',
      (s) => s.wait(501),
      'forget, report 7 try_timeout, not all sent, give back, end, failed try_timeout',
    ],
    [
      'it takes too long to answer',
      (s) => (s.wait(300), s.connect(), s.wait(201)),
      'cancel, report 7 try_timeout, give back, end, failed try_timeout',
    ],
    ['it takes nearly too long', (s) => (s.connect(), s.wait(500)), ''],
    [
      'its answer takes its time after the head',
      (s) => (s.connect(), s.head(200), s.wait(5000)),
      'report 7 200, give back',
    ],
    [
      'its answer is discarded, and comes to its end',
      (s) => (s.connect(), s.head(503), s.attempt.onBodyEnd(undefined)),
      'report 7 503, give back, end',
    ],
    [
      'its answer is discarded, and has no end',
      (s) => (s.connect(), s.head(503), s.wait(1001)),
      'report 7 503, give back, end, cancel',
    ],
    [
      'its answer is discarded, and is too long to be read',
      (s) => (s.connect(), s.head(503), s.attempt.onBody(Buffer.alloc(0), 0, 65_537)),
      'report 7 503, give back, end, cancel',
    ],
    [
      'its answer is discarded, and breaks off',
      (s) => (s.connect(), s.head(503), s.attempt.onFailure({ kind: 'reset', cause: '' })),
      'report 7 503, give back, end by reset',
    ],
    [
      'its answer is discarded, and its owner is somewhere else',
      (s) => (s.connect(), s.head(503), s.attempt.onFlush(), s.attempt.onDrain()),
      'report 7 503, give back',
    ],
  ];
  for (const [title, play, told] of table) {
    test(title, () => {
      const stage = new Stage();
      play(stage);
      assert.equal(stage.told.join(', '), `acquire${told === '' ? '' : `, ${told}`}`);
      stage.attempt.cancel();
    });
  }
});
