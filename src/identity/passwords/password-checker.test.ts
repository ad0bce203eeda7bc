import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PasswordChecker, type PasswordVerdict } from './password-checker.ts';
import { hashPassword, verifyPassword } from './password-hash.ts';
import { formatPhc, type PasswordHash, parsePhc } from './phc.ts';

const HASH: PasswordHash = {
  kind: 'scrypt',
  ln: 14,
  r: 8,
  p: 1,
  salt: Buffer.from('saltsalt'),
  hash: Buffer.alloc(32),
};

/** A checker whose slow part a test ends when it likes. `right` is the only password that is. */
function play() {
  const clock = { nowMs: 0 };
  const running: (() => void)[] = [];
  let computed = 0;
  const checker = new PasswordChecker(
    () => clock.nowMs,
    (password) => {
      computed++;
      return new Promise((resolve) => running.push(() => resolve(password === 'right')));
    },
  );
  const settle = async () => {
    // Whoever waits begins in the turns after another ended.
    do {
      running.shift()?.();
      await new Promise(setImmediate);
    } while (running.length > 0);
  };
  return { checker, clock, running, settle, computed: () => computed };
}

function settled(
  verdicts: readonly (PasswordVerdict | Promise<PasswordVerdict>)[],
): Promise<PasswordVerdict[]> {
  return Promise.all(verdicts.map(async (verdict) => verdict));
}

describe('Checks of passwords', () => {
  it('are not paid for again while the result is known', async () => {
    const { checker, clock, settle, computed } = play();
    const first = checker.check('a', 'right', HASH, 'c');
    await settle();
    assert.equal(await first, true);
    assert.equal(checker.check('a', 'right', HASH, 'c'), true);
    assert.equal(computed(), 1);
    clock.nowMs += 10 * 60_000;
    assert.ok(checker.check('a', 'right', HASH, 'c') instanceof Promise);
    await settle();
  });

  it('of a wrong password are known for a minute', async () => {
    const { checker, clock, settle } = play();
    const first = checker.check('a', 'wrong', HASH, 'c');
    await settle();
    assert.equal(await first, false);
    assert.equal(checker.check('a', 'wrong', HASH, 'c'), false);
    clock.nowMs += 60_000;
    assert.ok(checker.check('a', 'wrong', HASH, 'c') instanceof Promise);
    await settle();
  });

  it('are known for that user and that hash alone', async () => {
    const { checker, settle } = play();
    void checker.check('a', 'right', HASH, 'c');
    await settle();
    assert.ok(checker.check('b', 'right', HASH, 'c') instanceof Promise);
    assert.ok(
      checker.check('a', 'right', { ...HASH, salt: Buffer.from('tlastlas') }, 'c') instanceof Promise,
    );
    await settle();
  });

  it('of one pair run once at a time', async () => {
    const { checker, settle, computed } = play();
    const both = ['right', 'right'].map(async (password) => checker.check('a', password, HASH, 'c'));
    await settle();
    assert.deepEqual(await settled(both), [true, true]);
    assert.equal(computed(), 1);
  });

  it('run two at once, and in their order', async () => {
    const { checker, running, settle, computed } = play();
    const all = ['1', '2', '3'].map(async (password) => checker.check('a', password, HASH, 'c'));
    await new Promise(setImmediate);
    assert.equal(running.length, 2);
    await settle();
    assert.deepEqual(await settled(all), [false, false, false]);
    assert.equal(computed(), 3);
  });

  it('of one client wait eight at a time, and other clients still wait for their turn', async () => {
    const { checker, settle } = play();
    const flood = Array.from({ length: 20 }, (_, i) => checker.check('a', `guess ${i}`, HASH, 'flood'));
    const busy = flood.filter((verdict) => verdict === 'busy');
    assert.equal(busy.length, 10);
    const other = checker.check('b', 'right', HASH, 'other');
    await settle();
    assert.equal(await other, true);
    const again = checker.check('a', 'another guess', HASH, 'flood');
    assert.ok(again instanceof Promise);
    await settle();
  });

  it('wait up to 64 in all', async () => {
    const { checker, settle } = play();
    const all = Array.from({ length: 100 }, (_, i) => checker.check('a', `guess ${i}`, HASH, `c${i}`));
    assert.equal(all.filter((verdict) => verdict === 'busy').length, 100 - 2 - 64);
    await settle();
  });

  it('that fail do not stop those behind', async () => {
    let calls = 0;
    const checker = new PasswordChecker(
      () => 0,
      () => (++calls <= 2 ? Promise.reject(new Error('no memory')) : Promise.resolve(true)),
    );
    const all = ['1', '2', '3'].map((password) => checker.check('a', password, HASH, 'c'));
    const outcomes = await Promise.allSettled(all.map((verdict) => Promise.resolve(verdict)));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    );
  });
});

describe('A PHC string', () => {
  for (const kind of ['scrypt', 'argon2id'] as const) {
    it(`of ${kind} is made, read and verified`, async () => {
      const text = formatPhc(await hashPassword('sécret', kind));
      const hash = parsePhc(text) as PasswordHash;
      assert.equal(formatPhc(hash), text);
      assert.equal(await verifyPassword('sécret', hash), true);
      assert.equal(await verifyPassword('secret', hash), false);
    });
  }

  it('of another implementation is verified', async () => {
    // RFC 7914 section 12, third vector (N=16384, r=8, p=1), cut to 32 octets: scrypt gives them by PBKDF2, block by block.
    const known = Buffer.from('7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2', 'hex');
    const text = `$scrypt$ln=14,r=8,p=1$${Buffer.from('SodiumChloride').toString('base64')}$${known.toString('base64')}`;
    const hash = parsePhc(text) as PasswordHash;
    assert.equal(await verifyPassword('pleaseletmein', hash), true);
  });
});
