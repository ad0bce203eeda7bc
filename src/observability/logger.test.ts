import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inUtc } from '../../test/support/utc.ts';
import { errorText, jsonEntryWriter, type LogEntry, Logger, readableEntryWriter } from './logger.ts';

inUtc();
const now = (): number => Date.UTC(2026, 0, 31, 12, 3, 11, 123);

function loggerInto(
  entries: LogEntry[],
  level: 'debug' | 'info' | 'warn' | 'error' = 'info',
  thread = 'main',
): Logger {
  return new Logger({ thread, level, now, sink: (entry) => entries.push(entry) });
}

const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });

describe('the gateway log', () => {
  it('leaves out what is below its level', () => {
    const entries: LogEntry[] = [];
    const logger = loggerInto(entries, 'warn');
    logger.debug('a');
    logger.info('b');
    logger.warn('c');
    logger.error('d');
    assert.deepEqual(
      entries.map((entry) => `${entry.level} ${entry.message}`),
      ['warn c', 'error d'],
    );
  });

  it('writes JSON with details and the chain of causes', () => {
    const entries: LogEntry[] = [];
    loggerInto(entries).warn(
      'service unreachable',
      { service: 'orders', attempts: 2, absent: undefined, level: 'x' },
      new Error('fetch', { cause: refused }),
    );
    const entry = entries[0] as LogEntry;
    const line = jsonEntryWriter()({ ...entry, error: errorText(refused) });
    assert.equal(
      line,
      '{"time":"2026-01-31T12:03:11.123Z","level":"warn","thread":"main","message":"service unreachable","service":"orders","attempts":2,' +
        '"level_":"x","error":{"name":"Error","message":"connect ECONNREFUSED 127.0.0.1:1","code":"ECONNREFUSED"}}\n',
    );
    const parsed = JSON.parse(jsonEntryWriter()(entry));
    assert.equal(parsed.error.message, 'fetch');
    assert.match(parsed.error.stack, /logger\.test\.ts/);
    assert.deepEqual(parsed.error.cause, {
      name: 'Error',
      message: 'connect ECONNREFUSED 127.0.0.1:1',
      code: 'ECONNREFUSED',
    });
  });

  it('writes a line for people, with the causes in their order and the stack of a fault in a program', () => {
    const write = readableEntryWriter();
    const base = { time: now(), thread: 'main' } as const;
    assert.equal(
      write({ ...base, level: 'info', message: 'listening', details: { port: 8080, name: 'a b' } }),
      '12:03:11.123 info  listening port=8080 name="a b"\n',
    );
    assert.equal(
      write({
        ...base,
        level: 'warn',
        thread: 'worker 2',
        message: 'gone',
        error: { name: 'Error', message: 'outer', cause: errorText(refused) },
      }),
      '12:03:11.123 warn  [worker 2] gone: outer: connect ECONNREFUSED 127.0.0.1:1\n',
    );
    assert.equal(
      write({
        ...base,
        level: 'error',
        message: 'm',
        error: { name: 'E', message: 'x', stack: 'E: x\n    at f (a.ts:1:2)\n    at g (a.ts:3:4)' },
      }),
      '12:03:11.123 error m: x\n    at f (a.ts:1:2)\n    at g (a.ts:3:4)\n',
    );
    assert.equal(
      write({ ...base, level: 'error', message: 'a\nb\x1b[2J' }),
      '12:03:11.123 error a\\u000ab\\u001b[2J\n',
    );
  });

  it('makes entries that cross to another thread, whatever was thrown', () => {
    const circle = new Error('round');
    circle.cause = circle;
    for (const thrown of [
      circle,
      'text',
      7,
      null,
      { a: () => 1 },
      Object.assign(new Error('f'), { detail: () => 1 }),
    ]) {
      const entries: LogEntry[] = [];
      loggerInto(entries).error('it failed', { worker: 1 }, thrown);
      const crossed = structuredClone(entries[0] as LogEntry);
      assert.equal(JSON.parse(jsonEntryWriter()(crossed)).message, 'it failed');
      assert.ok(readableEntryWriter(true)(crossed).includes('it failed'));
    }
  });

  it('is one line of valid JSON for any text', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 });
    fc.assert(
      fc.property(
        text,
        fc.dictionary(text, fc.oneof(text, fc.double(), fc.boolean()), { maxKeys: 4 }),
        text,
        (message, details, cause) => {
          const entries: LogEntry[] = [];
          loggerInto(entries).error(message, details, new Error(cause));
          const line = jsonEntryWriter()(entries[0] as LogEntry);
          assert.equal(line.indexOf('\n'), line.length - 1);
          assert.equal(JSON.parse(line).message, message);
          assert.equal(Buffer.from(line).toString(), line);
        },
      ),
    );
  });
});
