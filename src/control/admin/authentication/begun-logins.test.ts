import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BegunLogins } from './begun-logins.ts';

describe('Logins that were begun', () => {
  const play = (most?: number) => {
    const clock = { nowMs: 0 };
    const logins = new BegunLogins<{ readonly endsAtMs: number; readonly of: string }>(
      () => clock.nowMs,
      most,
    );
    const begin = (of: string, address: string) =>
      logins.add(of, address, { of, endsAtMs: clock.nowMs + 600_000 });
    return { clock, logins, begin, isKnown: (of: string) => logins.get(of)?.of === of };
  };

  for (const [title, addressOf] of [
    ['an address', () => '192.0.2.66'],
    ['a network of IPv6 of 64 bits', (i: number) => `2001:db8:0:1::${i.toString(16)}`],
  ] as const)
    it(`of one are pushed out by none that ${title} begins: those of that one go`, () => {
      const { logins, begin, isKnown } = play();
      begin('mine', '192.0.2.1');
      begin('near', '2001:db8:0:2::1');
      for (let i = 0; i < 20_000; i++) begin(`flood ${i}`, addressOf(i));
      assert.deepEqual([isKnown('mine'), isKnown('near'), logins.size], [true, true, 102]);
      assert.deepEqual([isKnown('flood 19899'), isKnown('flood 19900')], [false, true]);
    });

  it('make room where there are too many in all: one of the address that has most', () => {
    const { logins, begin, isKnown } = play(5);
    begin('mine', '192.0.2.1');
    for (let i = 0; i < 3; i++) begin(`flood ${i}`, '192.0.2.66');
    for (let i = 2; i < 5; i++) begin(`other ${i}`, `192.0.2.${i}`);
    assert.equal(logins.size, 5);
    assert.deepEqual(['mine', 'flood 0', 'flood 1', 'flood 2', 'other 4'].map(isKnown), [
      true,
      false,
      false,
      true,
      true,
    ]);
  });

  it('are over at their end, and once they were ended', () => {
    const { clock, logins, begin, isKnown } = play();
    begin('a', '192.0.2.1');
    begin('b', '192.0.2.1');
    logins.delete('b');
    logins.delete('b');
    assert.deepEqual([isKnown('a'), isKnown('b'), logins.size], [true, false, 1]);
    clock.nowMs = 600_000;
    assert.equal(isKnown('a'), false);
    begin('c', '192.0.2.2');
    assert.equal(logins.size, 1);
  });
});
