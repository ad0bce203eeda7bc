import type { Records } from '../../state/records/records.ts';
import type { GrantTokens } from '../providers/provider.ts';
import type { KeyRing } from './key-ring.ts';
import type { Session } from './session.ts';

export type TokenKind = 'access' | 'refresh';

/** What opens a session, for whoever has a token of it. */
export interface SlotContent {
  readonly id: string;
  readonly secret: Buffer;
}

/** In place of a secret that the gateway does not have: only its own keys protect what is sealed so. */
const NO_SECRET = Buffer.alloc(0);

/**
 * Lets the tokens of a session open it as its cookie does: each token's record, named by a keyed hash, has the session's secret, encrypted with the
 * gateway's own key. So whoever has that key and the store can open such sessions, as they could not without.
 */
export class KeySlots {
  readonly #records: Records;
  readonly #ring: KeyRing;

  constructor(records: Records, ring: KeyRing) {
    this.#records = records;
    this.#ring = ring;
  }

  /** Of a token that a user made nothing is written: it is the only way to what it opens. */
  async write({ id, secret, token: own }: Session, tokens: GrantTokens, ttlMs: number): Promise<void> {
    if (own !== undefined) return;
    const kinds: readonly (readonly [TokenKind, string | undefined])[] = [
      ['access', tokens.accessToken],
      ['refresh', tokens.refreshToken],
    ];
    for (const [kind, token] of kinds) {
      if (token === undefined) continue;
      const key = `k:${this.#ring.nameOf(token, kind)}`;
      const content = JSON.stringify([id, secret.toString('base64url')]);
      await this.#records.create(key, this.#ring.seal(content, NO_SECRET, key), ttlMs);
      await this.#records.addMember(membersOf(id), key, ttlMs);
    }
  }

  /** Rejects with `RecordsUnavailable`. */
  async find(token: string, kind: TokenKind): Promise<SlotContent | undefined> {
    for (const name of this.#ring.namesOf(token, kind)) {
      const key = `k:${name}`;
      const record = await this.#records.read(key);
      const opened = record === undefined ? undefined : this.#ring.open(record.value, NO_SECRET, key);
      if (opened === undefined) continue;
      const [id, secret] = JSON.parse(opened) as [string, string];
      return { id, secret: Buffer.from(secret, 'base64url') };
    }
    return undefined;
  }

  /** Names of all records of a session, for its end. */
  async of(id: string): Promise<readonly string[]> {
    return this.#records.members(membersOf(id));
  }
}

function membersOf(id: string): string {
  return `x:${id}`;
}
