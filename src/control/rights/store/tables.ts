import type { Kysely, Transaction } from 'kysely';
import type { StoreDatabase, StoreTransaction } from '../../store/database.ts';
import type { EntityRow } from '../../store/tables.ts';

/** Tables of accounts and of the audit log, beside those of the store. Times are milliseconds since 1970; flags are 0 or 1. */
export interface RightsTables {
  readonly accounts: AccountRow;
  readonly account_identities: IdentityRow;
  readonly account_roles: RoleRow;
  readonly account_tokens: TokenRow;
  readonly account_sessions: SessionRow;
  readonly audit: AuditRow;
  /** Of the store, which alone writes them. */
  readonly entities: Pick<EntityRow, 'collection' | 'name'>;
}

export interface AccountRow {
  readonly id: string;
  readonly kind: 'user' | 'service';
  /** Unique among both kinds. */
  readonly name: string;
  readonly title: string | null;
  /** Of a service account: whose it is; null: nobody’s. */
  readonly organization: string | null;
  /** PHC string. */
  readonly password: string | null;
  readonly disabled: number;
  readonly created_at_ms: number;
  readonly created_by: string;
  readonly updated_at_ms: number;
  readonly updated_by: string;
}

/** A user of an identity provider who is this account. */
export interface IdentityRow {
  readonly provider: string;
  readonly subject: string;
  readonly account: string;
}

export interface RoleRow {
  readonly account: string;
  /** `*` is everywhere. */
  readonly organization: string;
  /** Given by somebody, or by what the identity provider said at the last login. */
  readonly source: 'given' | 'login';
  readonly role: string;
}

export interface TokenRow {
  readonly id: string;
  readonly account: string;
  readonly name: string;
  /** SHA-256 in base64url. */
  readonly hash: string;
  readonly role: string;
  /** JSON list; null: all that the account has a role in. */
  readonly organizations: string | null;
  readonly created_at_ms: number;
  readonly created_by: string;
  readonly expires_at_ms: number | null;
  readonly used_at_ms: number | null;
  readonly revoked_at_ms: number | null;
}

export interface SessionRow {
  /** SHA-256 of what the cookie has, in base64url. */
  readonly hash: string;
  readonly account: string;
  readonly created_at_ms: number;
  readonly used_at_ms: number;
  readonly expires_at_ms: number;
}

export interface AuditRow {
  readonly number: number;
  readonly at_ms: number;
  readonly account: string;
  readonly name: string;
  readonly token: string | null;
  readonly address: string | null;
  readonly action: string;
  readonly object: string;
  readonly organization: string | null;
  readonly revision: number | null;
  readonly before_digest: string | null;
  readonly after_digest: string | null;
  readonly previous: string;
  readonly hash: string;
}

export type RightsQueries = Kysely<RightsTables>;
export type RightsTransaction = Transaction<RightsTables>;

export function rightsQueries({ queries }: StoreDatabase): RightsQueries {
  return queries as unknown as RightsQueries;
}

export function rightsWithin(transaction: StoreTransaction): RightsTransaction {
  return transaction as unknown as RightsTransaction;
}
