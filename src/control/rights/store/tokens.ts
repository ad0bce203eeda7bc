import { randomBytes } from 'node:crypto';
import { sha256 } from '../../../lib/sha256.ts';
import type { Account, Reach } from '../account.ts';
import { isRole, type Role } from '../roles.ts';
import { newId } from './account-rows.ts';
import { accountNamed, type Reading } from './read-accounts.ts';
import {
  type Asker,
  type Done,
  type Outcome,
  type Refusal,
  type RightsStore,
  refused,
} from './rights-store.ts';
import { refusalOfChange } from './service-accounts.ts';
import { rightsQueries, type TokenRow } from './tables.ts';

/** What every token begins with, so that a scanner for secrets finds one that got into a file. */
export const TOKEN_PREFIX = 'pca_';
const TOKEN = /^pca_[A-Za-z0-9_-]{43}$/;
/** Live ones of one account. */
const MAX_TOKENS = 100;

/** A token as others see it; what it is itself is told once. */
export interface TokenView {
  readonly id: string;
  readonly name: string;
  /** The highest role that it has, in whatever organization. */
  readonly role: string;
  readonly organizations?: readonly string[];
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresAt?: string;
  readonly usedAt?: string;
  readonly revokedAt?: string;
}

export interface WantedToken extends Reach {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** Whose tokens: their own, or those of a service account by its name. */
export type TokenOwner = { readonly kind: 'self' } | { readonly kind: 'service'; readonly name: string };

/** Of 43 characters: nobody finds one by trying. */
export function randomText(): string {
  return randomBytes(32).toString('base64url');
}

/** What is kept of a token or of a session. */
export function hashOfSecret(token: string): string {
  return sha256(token);
}

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

export function listTokens(
  store: RightsStore,
  asker: Asker,
  owner: TokenOwner,
): Promise<Outcome<readonly TokenView[]>> {
  return withOwner(store, asker, owner, async (queries, id) => {
    const rows = await queries
      .selectFrom('account_tokens')
      .selectAll()
      .where('account', '=', id)
      .orderBy('created_at_ms')
      .orderBy('id')
      .execute();
    return { ok: true, result: rows.map(viewOf) };
  });
}

/** A new token. It is in the result and nowhere else. */
export function createToken(
  store: RightsStore,
  asker: Asker,
  owner: TokenOwner,
  wanted: WantedToken,
): Promise<Outcome<{ readonly secret: string; readonly token: TokenView }>> {
  return store.change(asker, async (transaction) => {
    const found = await ownerOf(transaction, asker.account, owner);
    if ('ok' in found) return found;
    const nowMs = store.nowMs();
    const { count } = await transaction
      .selectFrom('account_tokens')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('account', '=', found.id)
      .where('revoked_at_ms', 'is', null)
      .executeTakeFirstOrThrow();
    if (count >= MAX_TOKENS)
      return refused('too_many', `an account has ${MAX_TOKENS} tokens at most: revoke one`);
    const secret = TOKEN_PREFIX + randomText();
    const row: TokenRow = {
      id: newId('t'),
      account: found.id,
      name: wanted.name,
      hash: hashOfSecret(secret),
      role: wanted.role,
      organizations: wanted.organizations === undefined ? null : JSON.stringify(wanted.organizations),
      created_at_ms: nowMs,
      created_by: asker.account.name,
      expires_at_ms: wanted.expiresAtMs,
      used_at_ms: null,
      revoked_at_ms: null,
    };
    await transaction.insertInto('account_tokens').values(row).execute();
    return {
      result: { secret, token: viewOf(row) },
      deeds: [
        { action: 'create', object: `tokens/${found.name}/${row.id}`, organization: found.organization },
      ],
    };
  });
}

/** From now on it is refused; it stays in the list. */
export function revokeToken(
  store: RightsStore,
  asker: Asker,
  owner: TokenOwner,
  id: string,
): Promise<Outcome<undefined>> {
  const { account } = asker;
  // Whoever has a token may always end it.
  const self: FoundOwner | undefined =
    owner.kind === 'self' && account.token === id
      ? { id: account.id, name: account.name, organization: undefined }
      : undefined;
  return store.change(asker, async (transaction): Promise<Done<undefined> | Refusal> => {
    const found = self ?? (await ownerOf(transaction, account, owner, id));
    if ('ok' in found) return found;
    const { numUpdatedRows } = await transaction
      .updateTable('account_tokens')
      .set({ revoked_at_ms: store.nowMs() })
      .where('id', '=', id)
      .where('account', '=', found.id)
      .where('revoked_at_ms', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return refused('not_found', 'there is no such token that could be revoked');
    return {
      result: undefined,
      deeds: [{ action: 'revoke', object: `tokens/${found.name}/${id}`, organization: found.organization }],
    };
  });
}

/** The reach of a token; a role that is not known reaches nowhere. */
export function reachOf({ role, organizations }: Pick<TokenRow, 'role' | 'organizations'>): Reach {
  const known: Role | undefined = isRole(role) ? role : undefined;
  if (known === undefined) return { role: 'viewer', organizations: [] };
  return {
    role: known,
    organizations: organizations === null ? undefined : (JSON.parse(organizations) as string[]),
  };
}

interface FoundOwner {
  readonly id: string;
  readonly name: string;
  readonly organization: string | undefined;
}

/** `ended` is the token that is to be revoked: whoever has it may, by it, too. */
async function ownerOf(
  queries: Reading,
  account: Account,
  owner: TokenOwner,
  ended?: string,
): Promise<FoundOwner | Refusal> {
  if (owner.kind === 'self') {
    if (account.kind !== 'user') return refused('forbidden', 'only users have tokens of their own');
    // Or one that is lost could make itself others, of more rights and for longer.
    if (account.token !== undefined)
      return refused('forbidden', 'a token manages no tokens of its user: log in');
    return { id: account.id, name: account.name, organization: undefined };
  }
  const row = await accountNamed(queries, owner.name);
  const refusal =
    row === undefined
      ? refused('not_found', `there is no service account ${owner.name}`)
      : await refusalOfChange(queries, account, row, owner.name);
  if (refusal?.code === 'name_taken')
    return refused('not_found', `there is no service account ${owner.name}`);
  if (refusal !== undefined || row === undefined) return refusal as Refusal;
  if (row.id === account.id && (ended === undefined || ended !== account.token))
    return refused('forbidden', 'a token manages no tokens of its service account: an admin does');
  return { id: row.id, name: row.name, organization: row.organization ?? undefined };
}

async function withOwner<Result>(
  store: RightsStore,
  { account }: Asker,
  owner: TokenOwner,
  act: (queries: Reading, id: string) => Promise<Outcome<Result>>,
): Promise<Outcome<Result>> {
  const database = await store.database();
  if (database === undefined) return refused('not_found', 'there is no account yet');
  const queries = rightsQueries(database);
  const found = await ownerOf(queries, account, owner);
  return 'ok' in found ? found : act(queries, found.id);
}

function viewOf(row: TokenRow): TokenView {
  const { organizations } = reachOf(row);
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    ...(organizations === undefined ? {} : { organizations }),
    createdAt: new Date(row.created_at_ms).toISOString(),
    createdBy: row.created_by,
    ...timeOf('expiresAt', row.expires_at_ms),
    ...timeOf('usedAt', row.used_at_ms),
    ...timeOf('revokedAt', row.revoked_at_ms),
  };
}

function timeOf<Name extends string>(name: Name, ms: number | null): { readonly [Key in Name]?: string } {
  return (ms === null ? {} : { [name]: new Date(ms).toISOString() }) as { readonly [Key in Name]?: string };
}
