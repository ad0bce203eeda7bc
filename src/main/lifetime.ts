import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { EXIT } from './command-line.ts';
import type { Gateway } from './gateway.ts';
import type { Log } from './messages.ts';

/** What a signal may ask of a gateway. */
export type Signalled = Pick<Gateway, 'stop' | 'abort' | 'reload' | 'reopenLogs'>;

/**
 * Starts a gateway, lets it run until a signal ends it, and resolves with the exit code. `start` resolves with undefined
 * when it could not, having said why; what it waits for, it gives up when `stopped` is aborted.
 *
 * SIGTERM, SIGINT: drain, then 0; during the start, once that is over. A second one: end at once, 128 and the signal's
 * number. SIGHUP: reload. SIGUSR2: open the access log anew. An error that nobody caught: end at once, 1; who supervises the
 * process starts it again.
 */
export async function runUntilSignal(
  start: (stopped: AbortSignal) => Promise<Signalled | undefined>,
  log: Log,
  signals: EventEmitter = process,
): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let gateway: Signalled | undefined;
  let stopping = false;
  const stopped = new AbortController();
  let cut = false;
  const stop = (): void =>
    void gateway?.stop().then(() => {
      // Cut short, the drain is over too; the exit code is that of the cut.
      if (!cut) resolve(EXIT.ok);
    });
  const abort = (code: number): void => {
    cut = true;
    if (gateway === undefined) resolve(code);
    else void gateway.abort().then(() => resolve(code));
  };
  const end = (signal: 'SIGTERM' | 'SIGINT'): void => {
    if (stopping) {
      log('warn', `${signal} again: ending at once`);
      abort(128 + constants.signals[signal]);
      return;
    }
    stopping = true;
    log('info', signal);
    stopped.abort();
    stop();
  };
  const listeners: readonly (readonly [event: string, listener: (error: unknown) => void])[] = [
    ['SIGTERM', () => end('SIGTERM')],
    ['SIGINT', () => end('SIGINT')],
    ['SIGHUP', () => void gateway?.reload('SIGHUP')],
    ['SIGUSR2', () => gateway?.reopenLogs()],
    [
      'uncaughtException',
      (error) => {
        log('error', 'an error that nobody caught: ending', error);
        abort(EXIT.failed);
      },
    ],
  ];
  for (const [event, listener] of listeners) signals.on(event, listener);
  void start(stopped.signal).then((started) => {
    gateway = started;
    if (started === undefined) resolve(stopping ? EXIT.ok : EXIT.failed);
    else if (stopping) stop();
  });
  const code = await promise;
  for (const [event, listener] of listeners) signals.off(event, listener);
  return code;
}
