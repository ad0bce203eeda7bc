import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { suite, test } from 'node:test';

import { gzipSync } from 'node:zlib';
import { Fields } from '../http/fields.ts';
import type { BodyBounds } from '../policy/contract.ts';
import type { BodyHolder } from './body-memory.ts';
import { WholeBody, type WholeBodyOwner } from './whole-body.ts';

const BOUNDS: Required<BodyBounds> = { maxBytes: 1000, maxRatio: 100, unchecked: 'refuse' };

/** A holder that knows how much it has, and has had at most. */
class Memory implements BodyHolder {
  held = 0;
  peak = 0;
  readonly #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  hold(bytes: number): boolean {
    if (this.held + bytes > this.#bytes) return false;
    this.held += bytes;
    this.peak = Math.max(this.peak, this.held);
    return true;
  }

  release(bytes: number): void {
    this.held -= bytes;
  }
}

/** What becomes of a body of these pieces, where a worker has so much memory for bodies. */
async function outcome(pieces: readonly Buffer[], memoryBytes: number, coding?: string) {
  const memory = new Memory(memoryBytes);
  const events = new EventEmitter();
  const owner: WholeBodyOwner = {
    onContent: (content) => events.emit('over', content.toString()),
    onFault: (fault) => events.emit('over', fault),
    watches: false,
    onPart: () => assert.fail(),
  };
  const over = once(events, 'over');
  const body = new WholeBody(BOUNDS, memory, owner);
  const fields = Fields.from(coding === undefined ? {} : { 'Content-Encoding': coding });
  assert.equal(body.open(fields, -1), undefined);
  if (pieces.every((piece) => body.add(piece, 0, piece.length))) body.end();
  return ((await over) as unknown[])[0];
}

suite('A body that is kept', () => {
  const hello = [Buffer.from('hel'), Buffer.from('lo')];
  for (const [title, pieces, memory, coding, expected] of [
    ['is put together', hello, 1000, undefined, 'hello'],
    ['has to fit into the memory for bodies', hello, 2, undefined, 'no_memory'],
    ['has to fit into it with the buffer that it is in', hello, 999, undefined, 'no_memory'],
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

suite('Who watches a body that is kept is shown what there is of it', () => {
  const text = 'hello';
  const packed = gzipSync(text.repeat(10_000), { level: 0 });
  for (const [title, pieces, length, coding, expected] of [
    [
      'after each piece but the last, where its length is known',
      ['hel', 'l', 'o'],
      5,
      undefined,
      ['hel', 'hell'],
    ],
    ['after each piece, where it is not', ['hel', 'lo'], -1, undefined, ['hel', 'hello']],
    ['not where all of it comes at once', ['hello'], 5, undefined, []],
    ['without its Content-Encoding', [packed], packed.length, 'gzip', undefined],
  ] as const)
    test(title, async () => {
      const shown: string[] = [];
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const body: WholeBody = new WholeBody({ ...BOUNDS, maxBytes: 100_000 }, new Memory(1_000_000), {
        watches: true,
        onPart: (content) => shown.push(String(content)),
        onContent: (content) => resolve(String(content)),
        onFault: reject,
      });
      body.open(Fields.from(coding === undefined ? {} : { 'Content-Encoding': coding }), length);
      for (const piece of pieces) assert.ok(body.add(Buffer.from(piece), 0, piece.length));
      body.end();
      const whole = await promise;
      if (expected !== undefined) assert.deepEqual(shown, expected);
      else assert.ok(shown.length > 1 && shown.every((part) => part !== '' && whole.startsWith(part)));
    });

  for (const coding of [undefined, 'gzip'])
    test(`until it has seen enough, and the body is given up: ${coding ?? 'not compressed'}`, async () => {
      const pieces =
        coding === undefined ? ['hel', 'lo', 'lo'] : [packed.subarray(0, 40_000), packed.subarray(40_000)];
      let shown = 0;
      const { promise, resolve } = Promise.withResolvers<void>();
      const body: WholeBody = new WholeBody({ ...BOUNDS, maxBytes: 100_000 }, new Memory(1_000_000), {
        watches: true,
        onPart: () => {
          shown++;
          body.cancel();
          resolve();
        },
        onContent: () => assert.fail(),
        onFault: (fault) => assert.fail(fault),
      });
      body.open(Fields.from(coding === undefined ? {} : { 'Content-Encoding': coding }), -1);
      const goesOn = pieces.every((piece) => body.add(Buffer.from(piece), 0, piece.length));
      await promise;
      assert.equal(shown, 1);
      assert.equal(goesOn, coding !== undefined);
    });
});

suite('The memory of a body', () => {
  /** After these pieces and the end, and before anybody was shown anything. */
  const heldFor = (pieces: readonly Buffer[], maxBytes: number, coding?: string) => {
    const memory = new Memory(10_000_000);
    const over = new Promise<Memory>((resolve) => {
      const owner: WholeBodyOwner = {
        onContent: () => resolve(memory),
        onFault: (fault) => assert.fail(fault),
        watches: false,
        onPart: () => assert.fail(),
      };
      const body = new WholeBody({ ...BOUNDS, maxBytes }, memory, owner);
      body.open(Fields.from(coding === undefined ? {} : { 'Content-Encoding': coding }), -1);
      for (const piece of pieces) body.add(piece, 0, piece.length);
      body.end();
    });
    return { memory, over };
  };

  test('is that of its buffer, which doubles, and not only of its octets', () => {
    const octets = Array.from({ length: 5000 }, () => Buffer.from('a'));
    assert.equal(heldFor(octets, 1_000_000).memory.held, 8192);
    assert.equal(heldFor(octets, 6000).memory.held, 6000);
    assert.equal(heldFor([Buffer.alloc(5000)], 6000).memory.held, 5000);
  });

  test('has a copy of what is not decompressed yet, until it is', async () => {
    const packed = gzipSync(randomBytes(300_000));
    const pieces = [packed.subarray(0, 100_000), packed.subarray(100_000)];
    const { memory, over } = heldFor(pieces, 400_000, 'gzip');
    const kept = Math.max(packed.length, 200_000);
    assert.equal(memory.held, kept + packed.length);
    await over;
    // The buffers of the body and of its content are all that is left.
    assert.ok(memory.held >= kept + 300_000 && memory.held <= kept + 400_000, String(memory.held));
    assert.ok(memory.peak > memory.held - 400_000 + packed.length);
  });
});
