import type { Records } from '../../state/records/records.ts';
import type { GrantTokens } from '../providers/provider.ts';
import type { KeyRing } from './key-ring.ts';
import type { Session } from './session.ts';

type TokenKind = 'access' | 'refresh' | 'session';

/** What opens a session, for whoever has a token of it. */
export interface SlotContent {
  readonly id: string;
  readonly secret: Buffer;
  /** Milliseconds since 1970 when the token ends, and opens nothing any more; Infinity: with the session. */
  readonly untilMs: number;
}

const RETIRED_MS = 3_600_000;
/** In place of a secret that the gateway does not have: only its own keys protect what is sealed so. */
const NO_SECRET = Buffer.alloc(0);

/**
 * Lets the tokens of a session open it as its cookie does: each token's record, named by a keyed hash, has the session's secret, encrypted with the
 * gateway's own key. So whoever has that key and the store can open such sessions, as they could not without.
 */
export class KeySlots {
  readonly #records: Records;
  readonly #ring: KeyRing;
  readonly #nowMs: () => number;

  constructor(records: Records, ring: KeyRing, nowMs: () => number) {
    this.#records = records;
    this.#ring = ring;
    this.#nowMs = nowMs;
  }

  /**
   * Tokens of the provider that says who the user is: those of others say nothing of who holds them. None of a session that is a
   * user's own token: that is the only way to it.
   */
  async write({ id, secret, token: own }: Session, tokens: GrantTokens, ttlMs: number): Promise<void> {
    if (own !== undefined) return;
    const { accessToken, refreshToken, expiresAtMs } = tokens;
    const kinds: readonly (readonly [TokenKind, string | undefined, untilMs: number])[] = [
      ['access', accessToken, expiresAtMs],
      ['refresh', refreshToken, Number.POSITIVE_INFINITY],
    ];
    for (const [kind, token, untilMs] of kinds) {
      if (token !== undefined) await this.#write(id, secret, token, kind, untilMs, ttlMs);
    }
  }

  /** A refresh token that the provider replaced opens the session a while longer, for whoever has not heard: each renewal would leave one for ever. */
  async retire({ id }: Session, refreshToken: string, ttlMs: number): Promise<void> {
    const key = `k:${this.#ring.nameOf(refreshToken, 'refresh')}`;
    const leftMs = Math.min(RETIRED_MS, ttlMs);
    if (await this.#records.touch(key, leftMs)) await this.#records.addMember(membersOf(id), key, leftMs);
  }

  /** Lets whoever knows its id open it, which is enough for `find` with the kind `session`. */
  async writeSession({ id, secret }: Session, ttlMs: number): Promise<void> {
    await this.#write(id, secret, id, 'session', Number.POSITIVE_INFINITY, ttlMs);
  }

  /** Rejects with `RecordsUnavailable`. */
  async find(token: string, kind: TokenKind): Promise<SlotContent | undefined> {
    for (const name of this.#ring.namesOf(token, kind)) {
      const key = `k:${name}`;
      const record = await this.#records.read(key);
      const opened = record === undefined ? undefined : this.#ring.open(record.value, NO_SECRET, key);
      if (opened === undefined) continue;
      const [id, secret, until] = JSON.parse(opened) as [string, string, number | null];
      return { id, secret: Buffer.from(secret, 'base64url'), untilMs: until ?? Number.POSITIVE_INFINITY };
    }
    return undefined;
  }

  async #write(
    id: string,
    secret: Buffer,
    token: string,
    kind: TokenKind,
    untilMs: number,
    ttlMs: number,
  ): Promise<void> {
    const leftMs = Math.min(ttlMs, untilMs - this.#nowMs());
    if (leftMs < 1) return;
    const key = `k:${this.#ring.nameOf(token, kind)}`;
    const until = Number.isFinite(untilMs) ? untilMs : null;
    const content = JSON.stringify([id, secret.toString('base64url'), until]);
    await this.#records.create(key, this.#ring.seal(content, NO_SECRET, key), leftMs);
    await this.#records.addMember(membersOf(id), key, leftMs);
  }

  /** Names of all records of a session, for its end. */
  async of(id: string): Promise<readonly string[]> {
    return this.#records.members(membersOf(id));
  }
}

function membersOf(id: string): string {
  return `x:${id}`;
}
