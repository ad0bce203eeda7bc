import { createHash } from 'node:crypto';

/** Who does something, as the audit log remembers it. */
export interface Actor {
  /** Id of the account. */
  readonly account: string;
  /** Its name at that time. */
  readonly name: string;
  /** Id of the token that it was known by. */
  readonly token?: string | undefined;
  /** Where the request came from; undefined: from within the gateway. */
  readonly address?: string | undefined;
}

/** What somebody did. */
export interface Deed {
  /** `create`, `update`, `delete`, `login`, `logout` … */
  readonly action: string;
  /** `apis/hello`, `users/ann`. */
  readonly object: string;
  /** Whose the object is; undefined: of no organization. */
  readonly organization?: string | undefined;
  /** Of the configuration, where that is what was changed. */
  readonly revision?: number | undefined;
  /** `digestOf` what was there before. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/** An entry of the audit log. Each has the hash of the one before it, so that none can be changed or taken out unseen. */
export interface AuditEntry {
  /** From 1, without gaps. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly actor: Actor;
  readonly deed: Deed;
  /** Hash of the entry before. */
  readonly previous: string;
  readonly hash: string;
}

/** What stands before the first entry. */
export const CHAIN_BEGIN = '0'.repeat(64);

/** SHA-256 of what is there, without its secrets, in hex; undefined where there is nothing. */
export function digestOf(value: string | undefined | null): string | undefined {
  return value === undefined || value === null ? undefined : sha256(value);
}

/** The entry that follows one with that number and hash. */
export function nextEntry(
  last: { readonly number: number; readonly hash: string } | undefined,
  atMs: number,
  actor: Actor,
  deed: Deed,
): AuditEntry {
  const entry = {
    number: (last?.number ?? 0) + 1,
    atMs,
    actor,
    deed,
    previous: last?.hash ?? CHAIN_BEGIN,
  };
  return { ...entry, hash: hashOf(entry) };
}

/** Whether an entry says what it said when it was written. */
export function isIntact({ hash, ...entry }: AuditEntry): boolean {
  return hash === hashOf(entry);
}

/** Over a list, in which nothing can be taken for its neighbour. */
function hashOf({ number, atMs, actor, deed, previous }: Omit<AuditEntry, 'hash'>): string {
  const { account, name, token = null, address = null } = actor;
  const { action, object, organization = null, revision = null, before = null, after = null } = deed;
  return sha256(
    JSON.stringify([
      previous,
      number,
      atMs,
      account,
      name,
      token,
      address,
      action,
      object,
      organization,
      revision,
      before,
      after,
    ]),
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
