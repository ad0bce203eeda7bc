import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CheckSlots } from './check-slots.ts';

function setUp(slots: number) {
  const room = new CheckSlots(slots);
  const started: string[] = [];
  const enter = (name: string): (() => void) => room.enter(() => started.push(name));
  return { started, enter };
}

suite('the checks that may be under way at once', () => {
  test('begin at once while there is room, the others in their order as it comes free', () => {
    const { started, enter } = setUp(2);
    const [leaveA, leaveB] = ['a', 'b', 'c', 'd'].map(enter);
    assert.deepEqual(started, ['a', 'b']);
    leaveB?.();
    assert.deepEqual(started, ['a', 'b', 'c']);
    leaveA?.();
    assert.deepEqual(started, ['a', 'b', 'c', 'd']);
  });

  test('give their room back once, however often they say so', () => {
    const { started, enter } = setUp(1);
    const leave = enter('a');
    enter('b');
    enter('c');
    leave();
    leave();
    assert.deepEqual(started, ['a', 'b']);
  });

  test('leave the queue without having begun', () => {
    const { started, enter } = setUp(1);
    const leave = enter('a');
    const giveUp = enter('b');
    enter('c');
    giveUp();
    leave();
    assert.deepEqual(started, ['a', 'c']);
  });
});
