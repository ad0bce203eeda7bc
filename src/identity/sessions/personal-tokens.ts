import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Records } from '../../state/records/records.ts';
import { sessionIdOf } from './cookie-secret.ts';
import type { KeyRing } from './key-ring.ts';
import { newPersonalToken, type PersonalToken, personalTokenKind } from './personal-token.ts';
import type { SessionConfig } from './schema.ts';
import type { SessionUser } from './session.ts';
import { type SessionContent, sessionText } from './session-text.ts';
import { withinLimits } from './token-limits.ts';

export interface PersonalTokensPlace {
  readonly records: Records;
  readonly ring: KeyRing;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Names of everything that is stored of the session of this id. */
  readonly keysOf: (id: string) => readonly [session: string, ...grants: string[]];
}

/** What a user may know of a token that they made. */
export interface PersonalTokenDescription {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly expiresAt: string;
}

/** A token that was made now: this is the only time that it is known. */
export interface NewPersonalToken {
  readonly id: string;
  readonly text: string;
  readonly secret: Buffer;
  readonly description: PersonalTokenDescription;
}

const entryShape = z.object({
  name: z.string(),
  scopes: z.array(z.string()),
  created: z.number(),
  ends: z.number(),
});

/**
 * Tokens that users make for programs of theirs. Each is a session of its own that the token opens, without an idle time, and an entry that its
 * user can read without the token. Sets name the tokens of a user by a name that does not tell who it is.
 */
export class PersonalTokens {
  readonly #kind: string;
  readonly #config: SessionConfig;
  readonly #place: PersonalTokensPlace;

  constructor(kind: string, config: SessionConfig, place: PersonalTokensPlace) {
    this.#kind = kind;
    this.#config = config;
    this.#place = place;
  }

  /** Undefined where the user has as many as there may be. Rejects with `RecordsUnavailable`. */
  async create(
    user: SessionUser,
    token: PersonalToken,
    lifetimeMs: number,
  ): Promise<NewPersonalToken | undefined> {
    const { records, ring, nowMs, keysOf } = this.#place;
    const { octets, text } = newPersonalToken();
    const id = sessionIdOf({ octets, text }, personalTokenKind(this.#kind));
    const createdAtMs = nowMs();
    const { sid: _, ...owner } = user;
    const content = { user: owner, token, createdAtMs, endsAtMs: createdAtMs + lifetimeMs };
    await this.enter(id, content);
    if ((await this.#ids(user)).length > (this.#config.tokens?.max ?? 0)) {
      await this.revoke(user, id);
      return undefined;
    }
    // Last, so that no token works that its user does not see.
    const [key] = keysOf(id);
    await records.create(key, ring.seal(sessionText(content), octets, key), lifetimeMs);
    return { id, text, secret: octets, description: describe(id, content) };
  }

  /** Makes the entry of a token, or makes it anew under the first key of the ring. */
  async enter(id: string, { user, token, createdAtMs, endsAtMs }: SessionContent): Promise<void> {
    const { records, ring, nowMs } = this.#place;
    const key = entryKey(id);
    const value = { ...token, created: createdAtMs, ends: endsAtMs };
    const text = ring.seal(JSON.stringify(value), this.#secretOf(user), key);
    const ttlMs = Math.max(1, endsAtMs - nowMs());
    const before = await records.read(key);
    if (before === undefined) await records.create(key, text, ttlMs);
    else await records.replace(key, text, ttlMs, before.version);
    await records.addMember(`t:${ring.nameOf(this.#nameOf(user), 'tokens')}`, id, ttlMs);
  }

  /** Those of a user that work, the newest first. */
  async list(user: SessionUser): Promise<readonly PersonalTokenDescription[]> {
    const { records, ring, nowMs } = this.#place;
    const found: PersonalTokenDescription[] = [];
    for (const id of await this.#ids(user)) {
      const key = entryKey(id);
      const record = await records.read(key);
      const text = record && ring.open(record.value, this.#secretOf(user), key);
      if (text === undefined) continue;
      const { name, scopes, created, ends } = entryShape.parse(JSON.parse(text));
      const content = { user, token: { name, scopes }, createdAtMs: created, endsAtMs: ends };
      const allowed = withinLimits(content, this.#config.tokens);
      if (allowed !== undefined && allowed.endsAtMs > nowMs()) found.push(describe(id, allowed));
    }
    return found.sort((one, other) => other.createdAt.localeCompare(one.createdAt));
  }

  /** When it resolves, no node takes the token any more. False where the user has none of this id. */
  async revoke(user: SessionUser, id: string): Promise<boolean> {
    const { records, ring, keysOf } = this.#place;
    if (!(await this.#ids(user)).includes(id)) return false;
    await records.remove([...keysOf(id), entryKey(id)]);
    for (const name of ring.namesOf(this.#nameOf(user), 'tokens'))
      await records.removeMember(`t:${name}`, id);
    return true;
  }

  async #ids(user: SessionUser): Promise<readonly string[]> {
    const { records, ring } = this.#place;
    const names = ring.namesOf(this.#nameOf(user), 'tokens');
    const sets = await Promise.all(names.map((name) => records.members(`t:${name}`)));
    return [...new Set(sets.flat())];
  }

  #nameOf({ provider, subject }: SessionUser): string {
    return JSON.stringify([this.#kind, provider, subject]);
  }

  #secretOf(user: SessionUser): Buffer {
    return createHash('sha256')
      .update(`tokens of ${this.#nameOf(user)}`)
      .digest();
  }
}

function entryKey(id: string): string {
  return `m:${id}`;
}

function describe(id: string, { token, createdAtMs, endsAtMs }: SessionContent): PersonalTokenDescription {
  return {
    id,
    name: token?.name ?? '',
    scopes: token?.scopes ?? [],
    createdAt: new Date(createdAtMs).toISOString(),
    expiresAt: new Date(endsAtMs).toISOString(),
  };
}
