import type { Account } from '../account.ts';
import type { SessionTimes } from './known-accounts.ts';
import type { Asker, RightsStore } from './rights-store.ts';
import { hashOfSecret, randomText } from './tokens.ts';

/** Sessions of one account; the ones that were used least end for a new one. */
const MAX_SESSIONS = 20;

/**
 * A new session for whoever has just shown who they are; its secret is for a cookie. One that the browser had before ends with it, so that nobody
 * who planted that one is logged in.
 */
export async function beginSession(
  store: RightsStore,
  asker: Asker,
  { lifetimeMs, idleMs }: SessionTimes,
  before: string | undefined,
): Promise<string> {
  const secret = randomText();
  const { account } = asker;
  await store.change(asker, async (transaction) => {
    const nowMs = store.nowMs();
    const ended = transaction
      .deleteFrom('account_sessions')
      .where((eb) =>
        eb.or([
          eb('expires_at_ms', '<=', nowMs),
          eb('used_at_ms', '<=', nowMs - idleMs),
          ...(before === undefined ? [] : [eb('hash', '=', hashOfSecret(before))]),
        ]),
      );
    await ended.execute();
    const others = await transaction
      .selectFrom('account_sessions')
      .select('hash')
      .where('account', '=', account.id)
      .orderBy('used_at_ms', 'desc')
      .offset(MAX_SESSIONS - 1)
      .limit(MAX_SESSIONS)
      .execute();
    for (const { hash } of others)
      await transaction.deleteFrom('account_sessions').where('hash', '=', hash).execute();
    await transaction
      .insertInto('account_sessions')
      .values({
        hash: hashOfSecret(secret),
        account: account.id,
        created_at_ms: nowMs,
        used_at_ms: nowMs,
        expires_at_ms: nowMs + lifetimeMs,
      })
      .execute();
    return { result: undefined, deeds: [{ action: 'login', object: `users/${account.name}` }] };
  });
  return secret;
}

export async function endSession(
  store: RightsStore,
  account: Account,
  address: string | undefined,
  secret: string,
): Promise<void> {
  await store.change({ account, address }, async (transaction) => {
    await transaction.deleteFrom('account_sessions').where('hash', '=', hashOfSecret(secret)).execute();
    return { result: undefined, deeds: [{ action: 'logout', object: `users/${account.name}` }] };
  });
}
