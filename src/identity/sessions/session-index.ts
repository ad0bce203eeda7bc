import type { Records } from '../../state/records/records.ts';
import type { KeyRing } from './key-ring.ts';

/** By what a provider may end the sessions of a user (OpenID Connect Back-Channel Logout section 2.4): its own session's name, or the user. */
export interface LogoutTarget {
  readonly sid?: string | undefined;
  readonly subject?: string | undefined;
}

/** Of one user, or of one session of the provider's: a set has a hundred places more, for logins at the same time. */
export const MAX_SESSIONS = 900;

/** Which sessions a user of a provider has, by names that tell neither. */
export class SessionIndex {
  readonly #records: Records;
  readonly #ring: KeyRing;
  readonly #kind: string;

  constructor(records: Records, ring: KeyRing, kind: string) {
    this.#records = records;
    this.#ring = ring;
    this.#kind = kind;
  }

  /** Returns the sessions that are too many now, those that end first: they are in the index no more, and have to end. */
  async add(id: string, provider: string, target: LogoutTarget, ttlMs: number): Promise<readonly string[]> {
    const surplus: string[] = [];
    for (const value of this.#values(provider, target)) {
      const set = `i:${this.#ring.nameOf(value, 'index')}`;
      if ((await this.#records.addMember(set, id, ttlMs)) <= MAX_SESSIONS) continue;
      const members = await this.#records.members(set);
      const oldest = members
        .filter((member) => member !== id)
        .slice(0, Math.max(0, members.length - MAX_SESSIONS));
      await Promise.all(oldest.map((member) => this.#records.removeMember(set, member)));
      surplus.push(...oldest);
    }
    return surplus;
  }

  /**
   * Ids of the sessions that are meant: with a `sid` those of that session of the provider's, and those of the user of which the provider did not say
   * which session of its own they are.
   */
  async find(provider: string, { sid, subject }: LogoutTarget): Promise<readonly string[]> {
    const values =
      sid === undefined
        ? this.#values(provider, { subject })
        : [...this.#values(provider, { sid }), ...this.#nameless(provider, subject)];
    const found = await Promise.all(
      values
        .flatMap((value) => this.#ring.namesOf(value, 'index'))
        .map((name) => this.#records.members(`i:${name}`)),
    );
    return [...new Set(found.flat())];
  }

  async remove(id: string, provider: string, target: LogoutTarget): Promise<void> {
    const values = [...this.#values(provider, target), ...this.#nameless(provider, target.subject)];
    for (const value of new Set(values))
      for (const name of this.#ring.namesOf(value, 'index'))
        await this.#records.removeMember(`i:${name}`, id);
  }

  #values(provider: string, { sid, subject }: LogoutTarget): string[] {
    const values: string[] = [];
    if (sid !== undefined) values.push(JSON.stringify([this.#kind, provider, 'sid', sid]));
    if (subject !== undefined) values.push(JSON.stringify([this.#kind, provider, 'sub', subject]));
    if (sid === undefined) values.push(...this.#nameless(provider, subject));
    return values;
  }

  /** Of sessions of this user without a `sid`: providers may leave it out of ID tokens and send it in logout tokens. */
  #nameless(provider: string, subject: string | undefined): string[] {
    return subject === undefined ? [] : [JSON.stringify([this.#kind, provider, 'sub without sid', subject])];
  }
}
