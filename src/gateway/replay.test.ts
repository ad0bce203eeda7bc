import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Attempt } from './attempt.ts';
import { Replay } from './replay.ts';

/** What an attempt is sent, `|` for its end. */
function sentBy(replay: Replay): string {
  let sent = '';
  replay.sendTo({
    connection: {
      write: (data: Buffer, from: number, to: number) => (sent += data.toString('latin1', from, to)),
    },
    endRequest: () => (sent += '|'),
  } as unknown as Attempt);
  return sent;
}

function keep(replay: Replay, text: string, sending = true): void {
  replay.keep(Buffer.from(`<${text}>`), 1, 1 + text.length, sending);
}

suite('a body that is kept', () => {
  test('is sent again as often as it is wanted, as far as it has come', () => {
    const replay = new Replay(100, -1);
    assert.equal(sentBy(replay), '');
    keep(replay, 'hello ');
    assert.equal(sentBy(replay), 'hello ');
    keep(replay, 'world');
    replay.end(undefined);
    assert.equal(sentBy(replay), 'hello world|');
    assert.equal(sentBy(replay), 'hello world|');
  });

  test('is lost with the first octet beyond the limit', () => {
    const replay = new Replay(5, -1);
    keep(replay, 'hello');
    assert.equal(replay.lost, false);
    keep(replay, '!');
    assert.equal(replay.lost, true);
    assert.equal(sentBy(replay), '');
  });

  test('is not kept at all when it is stated to be too long', () => {
    const replay = new Replay(5, 6);
    assert.equal(replay.lost, false);
    keep(replay, 'h');
    assert.equal(replay.lost, true);
  });

  test('is kept beyond the limit while nobody sends it, until somebody has', () => {
    const replay = new Replay(5, -1);
    keep(replay, 'hello');
    keep(replay, ' world', false);
    assert.equal(replay.lost, false);
    assert.equal(sentBy(replay), 'hello world');
    assert.equal(replay.lost, true);
  });

  test('comes out as it went in, whatever its pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary-ascii' })), (pieces) => {
        const replay = new Replay(Number.MAX_SAFE_INTEGER, -1);
        for (const piece of pieces) keep(replay, piece);
        assert.equal(sentBy(replay), pieces.join(''));
      }),
    );
  });
});
