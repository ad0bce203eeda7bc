import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { EXIT } from './command-line.ts';
import type { Gateway } from './gateway.ts';
import type { Log } from './messages.ts';

/**
 * Lets the gateway run until a signal ends it, and resolves with the exit code.
 *
 * SIGTERM, SIGINT: drain, then 0. A second one: end at once, 128 and the signal's number. SIGHUP: reload. SIGUSR2: open the
 * access log anew. An error that nobody caught: end at once, 1; who supervises the process starts it again.
 */
export function untilStopped(gateway: Gateway, log: Log, signals: EventEmitter = process): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let stopping = false;
  const end = (signal: 'SIGTERM' | 'SIGINT'): void => {
    if (stopping) {
      log('warn', `${signal} again: ending at once`);
      void gateway.abort().then(() => resolve(128 + constants.signals[signal]));
      return;
    }
    stopping = true;
    log('info', signal);
    void gateway.stop().then(() => resolve(EXIT.ok));
  };
  const crash = (error: unknown): void => {
    log('error', 'an error that nobody caught: ending', error);
    void gateway.abort().then(() => resolve(EXIT.failed));
  };
  const listeners: readonly (readonly [event: string, listener: (error: unknown) => void])[] = [
    ['SIGTERM', () => end('SIGTERM')],
    ['SIGINT', () => end('SIGINT')],
    ['SIGHUP', () => void gateway.reload('SIGHUP')],
    ['SIGUSR2', () => gateway.reopenLogs()],
    ['uncaughtException', crash],
  ];
  for (const [event, listener] of listeners) signals.on(event, listener);
  return promise.finally(() => {
    for (const [event, listener] of listeners) signals.off(event, listener);
  });
}
