import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { suite, test } from 'node:test';

import { gzipSync } from 'node:zlib';
import { Fields } from '../http/fields.ts';
import type { BodyBounds } from '../policy/contract.ts';
import { BodyMemory } from './body-memory.ts';
import { WholeBody, type WholeBodyOwner } from './whole-body.ts';

const BOUNDS: Required<BodyBounds> = { maxBytes: 1000, maxRatio: 100, unchecked: 'refuse' };

/** What becomes of a body of these pieces, where a worker has so much memory for bodies. */
async function outcome(pieces: readonly Buffer[], memoryBytes: number, coding?: string) {
  const memory = new BodyMemory(memoryBytes);
  const events = new EventEmitter();
  const owner: WholeBodyOwner = {
    onContent: (content) => events.emit('over', content.toString()),
    onFault: (fault) => events.emit('over', fault),
  };
  const over = once(events, 'over');
  const body = new WholeBody(BOUNDS, { hold: (bytes) => memory.take(bytes) }, owner);
  const fields = Fields.from(coding === undefined ? {} : { 'Content-Encoding': coding });
  assert.equal(body.open(fields, -1), undefined);
  if (pieces.every((piece) => body.add(piece, 0, piece.length))) body.end();
  return ((await over) as unknown[])[0];
}

suite('A body that is kept', () => {
  const hello = [Buffer.from('hel'), Buffer.from('lo')];
  for (const [title, pieces, memory, coding, expected] of [
    ['is put together', hello, 5, undefined, 'hello'],
    ['has to fit into the memory for bodies', hello, 4, undefined, 'no_memory'],
    ['has to fit into its bound', [Buffer.alloc(1001)], 5000, undefined, 'too_large'],
    ['is decompressed', [gzipSync('hello')], 100, 'gzip', 'hello'],
    [
      'has to fit into the memory when it is decompressed',
      [gzipSync('x'.repeat(900))],
      500,
      'gzip',
      'no_memory',
    ],
  ] as const) {
    test(title, async () => assert.equal(await outcome(pieces, memory, coding), expected));
  }
});

test('Memory for bodies can be taken again when it was given back', () => {
  const memory = new BodyMemory(10);
  assert.equal(memory.take(6), true);
  assert.equal(memory.take(5), false);
  assert.equal(memory.take(4), true);
  memory.give(6);
  assert.equal(memory.take(5), true);
});
