import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Held, heldBy, hold, letGo } from './held.ts';

test('an exchange keeps one thing for each owner, whatever order they are let go in', () => {
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 0, 2],
  ]) {
    const exchange: { held?: Held | undefined } = {};
    const owners = [{}, {}, {}];
    const kept = owners.map((owner): Held => ({ owner, next: undefined }));
    for (const held of kept) hold(exchange, held);
    const left = new Set(kept);
    for (const i of order) {
      letGo(exchange, kept[i] as Held);
      left.delete(kept[i] as Held);
      for (const held of kept) assert.equal(heldBy(exchange, held.owner), left.has(held) ? held : undefined);
    }
    assert.equal(exchange.held, undefined);
  }
});

test('letting go of what is not kept changes nothing', () => {
  const kept: Held = { owner: {}, next: undefined };
  const exchange: { held?: Held | undefined } = {};
  hold(exchange, kept);
  letGo(exchange, { owner: {}, next: undefined });
  assert.equal(heldBy(exchange, kept.owner), kept);
});
