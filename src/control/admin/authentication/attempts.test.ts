import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LoginAttempts } from './attempts.ts';

function play() {
  const clock = { nowMs: 0 };
  const attempts = new LoginAttempts(() => clock.nowMs);
  const fail = (times: number, account: string, address: string) =>
    Array.from({ length: times }, () => attempts.take(account, address));
  return { clock, attempts, fail };
}

/** From a different address each time. */
const spread = (index: number) => `192.0.2.${index}`;

describe('Attempts to log in', () => {
  it('of one account are ten, from wherever, and then one a minute', () => {
    const { clock, attempts } = play();
    for (let i = 0; i < 10; i++) assert.equal(attempts.take('ann', spread(i)), undefined);
    assert.equal(attempts.take('ann', spread(10)), 60_000);
    clock.nowMs += 59_000;
    assert.equal(attempts.take('ann', spread(11)), 1000);
    clock.nowMs += 1000;
    assert.equal(attempts.take('ann', spread(12)), undefined);
    assert.equal(attempts.take('ann', spread(13)), 60_000);
    assert.equal(attempts.take('bob', spread(13)), undefined);
  });

  it('of one address are thirty, at whatever accounts, and then one every ten seconds', () => {
    const { clock, attempts } = play();
    for (let i = 0; i < 30; i++) assert.equal(attempts.take(`user-${i}`, '192.0.2.1'), undefined);
    assert.equal(attempts.take('user-30', '192.0.2.1'), 10_000);
    assert.equal(attempts.take('user-30', '192.0.2.2'), undefined);
    clock.nowMs += 10_000;
    assert.equal(attempts.take('user-31', '192.0.2.1'), undefined);
    assert.equal(attempts.take('user-32', '192.0.2.1'), 10_000);
  });

  it('of IPv6 count for the network that one customer has', () => {
    const { attempts } = play();
    for (let i = 0; i < 30; i++) assert.equal(attempts.take(`user-${i}`, `2001:db8::${i + 1}`), undefined);
    assert.equal(attempts.take('user-30', '2001:db8::ffff'), 10_000);
    assert.equal(attempts.take('user-30', '2001:db8:0:1::1'), undefined);
  });

  it('that succeed cost nothing', () => {
    const { attempts } = play();
    for (let i = 0; i < 100; i++) {
      assert.equal(attempts.take('ann', '192.0.2.1'), undefined);
      attempts.succeeded('ann', '192.0.2.1');
    }
  });

  it('of a user at their own place are not held up by others who try their name', () => {
    const { attempts, fail } = play();
    attempts.take('ann', '192.0.2.1');
    attempts.succeeded('ann', '192.0.2.1');
    fail(20, 'ann', '198.51.100.1');
    assert.equal(attempts.take('ann', '198.51.100.2'), 60_000);
    assert.equal(attempts.take('ann', '192.0.2.1'), undefined);
  });

  it('are bounded even there', () => {
    const { attempts, fail } = play();
    attempts.take('ann', '192.0.2.1');
    attempts.succeeded('ann', '192.0.2.1');
    assert.deepEqual(fail(31, 'ann', '192.0.2.1').at(-1), 10_000);
  });
});
