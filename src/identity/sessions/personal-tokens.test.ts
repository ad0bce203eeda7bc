import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { MemoryRecords } from './memory-records.support.ts';
import type { NewPersonalToken } from './personal-tokens.ts';
import { sessionSchema } from './schema.ts';
import type { SessionUser } from './session.ts';
import { Sessions } from './sessions.ts';
import { principalOf } from './user-principal.ts';

const KEY = 'k'.repeat(32);
const OTHER_KEY = 'o'.repeat(32);
const DAY_MS = 86_400_000;
const TOKENS = { maxLifetime: '30d', max: 3, scopes: ['read', 'write'] };
const ALICE: SessionUser = {
  provider: 'keycloak',
  issuer: 'https://id.example.com',
  subject: 'alice-subject',
  claims: { name: 'Alice', groups: ['staff'] },
  sid: 'sid-1',
};
const BOB: SessionUser = { ...ALICE, subject: 'bob-subject' };

class Play {
  now = 1000;
  readonly records = new MemoryRecords(() => this.now);

  sessions(options: Record<string, unknown> = {}): Sessions {
    const config = sessionSchema.parse({ login: ['keycloak'], keys: [KEY], tokens: TOKENS, ...options });
    return new Sessions('web', config, {
      records: this.records,
      nowMs: () => this.now,
      log: () => {},
      provider: () => assert.fail('no provider is asked'),
      principal: (id, content) => principalOf(id, content, undefined, undefined),
    });
  }
}

describe('a personal access token', () => {
  it('is known at once from its second use on, with its scopes, and never idle', async () => {
    const play = new Play();
    const sessions = play.sessions({ idleTimeout: '1m' });
    const { text, id } = await make(sessions, 10 * DAY_MS);
    await sessions.findText(text);
    play.now += 9 * DAY_MS;
    const { reads, touches } = play.records;
    const finding = sessions.findText(text);
    assert.ok(!(finding instanceof Promise) && finding.kind === 'known');
    const { method, subject, issuer, scopes, groups, session } = finding.principal;
    assert.deepEqual(
      [method, subject, issuer, scopes, groups, session],
      ['personal-access-token', 'alice-subject', 'https://id.example.com', ['read'], ['staff'], id],
    );
    assert.deepEqual([play.records.reads, play.records.touches], [reads, touches]);
    play.now += DAY_MS;
    assert.equal((await sessions.findText(text)).kind, 'absent');
    assert.deepEqual(await sessions.personalTokens.list(ALICE), []);
  });

  it('asks the store once where it is unknown, and never where it is none', async () => {
    const play = new Play();
    const sessions = play.sessions();
    const { text } = await make(sessions);
    const reads = async (token: string): Promise<number> => {
      const before = play.records.reads;
      assert.notEqual((await sessions.findText(token)).kind, 'known', token);
      return play.records.reads - before;
    };
    const unknown = `pcp_${'A'.repeat(43)}`;
    assert.deepEqual([await reads(unknown), await reads(unknown)], [1, 0]);
    for (const none of [
      'pcp_',
      `${text}A`,
      text.slice(0, -1),
      `pcq_${text.slice(4)}`,
      `${text.slice(0, -1)}=`,
    ])
      assert.equal(await reads(none), 0, none);
    play.now += 30_000;
    assert.equal(await reads(unknown), 1);
    for (let at = 0; at < 10_000; at++) await sessions.findText(`pcp_${String(at).padStart(42, '0')}A`);
    assert.equal(await reads(unknown), 1, 'what is remembered is bounded');
  });

  it('does not open a session as a cookie does, not even when it is known', async () => {
    const play = new Play();
    const sessions = play.sessions();
    const { text } = await make(sessions);
    assert.equal((await sessions.findText(text)).kind, 'known');
    for (const value of [text, `v1.${text.slice(4)}`]) {
      const headers = { Cookie: `__Host-portcullis=${value}` };
      const { request } = exchangeFor({ url: 'https://app.example.com/', headers });
      assert.notEqual((await sessions.find(request)).kind, 'known');
    }
  });

  it('ends at once, also in other workers, and only by its own user', async () => {
    const play = new Play();
    const [one, other] = [play.sessions(), play.sessions()];
    const { text, id } = await make(one);
    for (const sessions of [one, other]) assert.equal((await sessions.findText(text)).kind, 'known');
    assert.equal(await other.personalTokens.revoke(BOB, id), false);
    assert.equal((await one.findText(text)).kind, 'known');
    assert.equal(await one.personalTokens.revoke(ALICE, id), true);
    for (const sessions of [one, other]) assert.equal((await sessions.findText(text)).kind, 'absent');
    assert.deepEqual([...play.records.kept.keys()], []);
    assert.ok(!play.records.dump.includes(id));
    assert.equal(await one.personalTokens.revoke(ALICE, id), false);
  });

  it('is one of so many, also when they are made at the same time', async () => {
    const sessions = new Play().sessions();
    const another = () => sessions.personalTokens.create(ALICE, { name: 'x', scopes: [] }, DAY_MS);
    const made = await Promise.all([another(), another(), another(), another(), another(), another()]);
    const good = made.filter((token) => token !== undefined);
    assert.ok(good.length <= 3);
    assert.equal((await sessions.personalTokens.list(ALICE)).length, good.length);
    for (let left = 3 - good.length; left > 0; left--) assert.ok(await another());
    assert.equal(await another(), undefined);
    assert.ok(await sessions.personalTokens.create(BOB, { name: 'x', scopes: [] }, DAY_MS));
  });

  it('may do no more than the configuration of today says', async () => {
    const play = new Play();
    const { text } = await make(play.sessions(), 20 * DAY_MS);
    const narrow = play.sessions({ tokens: { ...TOKENS, scopes: ['write'], maxLifetime: '2d' } });
    const finding = await narrow.findText(text);
    assert.ok(finding.kind === 'known');
    assert.deepEqual([finding.principal.scopes, finding.session.endsAtMs], [[], 1000 + 2 * DAY_MS]);
    const [listed] = await narrow.personalTokens.list(ALICE);
    assert.deepEqual([listed?.scopes, listed?.expiresAt], [[], new Date(1000 + 2 * DAY_MS).toISOString()]);
    play.now += 2 * DAY_MS;
    assert.notEqual((await narrow.findText(text)).kind, 'known');
    assert.equal((await play.sessions().findText(text)).kind, 'known');
    assert.notEqual((await play.sessions({ tokens: undefined }).findText(text)).kind, 'known');
  });

  it('goes over to a new key when it is used, and can be deleted still', async () => {
    const play = new Play();
    const { text, id } = await make(play.sessions());
    const both = play.sessions({ keys: [OTHER_KEY, KEY] });
    assert.deepEqual(
      (await both.personalTokens.list(ALICE)).map((token) => token.id),
      [id],
    );
    await both.findText(text);
    await new Promise((resolve) => setImmediate(resolve));
    const after = play.sessions({ keys: [OTHER_KEY] });
    assert.equal((await after.findText(text)).kind, 'known');
    assert.deepEqual(
      (await after.personalTokens.list(ALICE)).map(({ name }) => name),
      ['laptop'],
    );
    assert.equal(await after.personalTokens.revoke(ALICE, id), true);
    assert.notEqual((await after.findText(text)).kind, 'known');
  });

  it('is not told apart from a good one while the store is away', async () => {
    const play = new Play();
    const sessions = play.sessions();
    const { text } = await make(sessions);
    play.records.isAway = true;
    assert.equal((await sessions.findText(text)).kind, 'unavailable');
    play.records.isAway = false;
    assert.equal((await sessions.findText(text)).kind, 'known');
  });

  it('is not in the store, nor its name or user', async () => {
    const play = new Play();
    const { text, secret } = await make(play.sessions());
    const { dump } = play.records;
    for (const told of [text, text.slice(4), secret.toString('hex'), 'laptop', 'alice', 'Alice', 'staff'])
      assert.ok(!dump.includes(told), told);
  });
});

async function make(sessions: Sessions, lifetimeMs = DAY_MS): Promise<NewPersonalToken> {
  const made = await sessions.personalTokens.create(ALICE, { name: 'laptop', scopes: ['read'] }, lifetimeMs);
  assert.ok(made);
  return made;
}
