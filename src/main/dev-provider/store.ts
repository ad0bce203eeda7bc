import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

interface Kept {
  readonly payload: AdapterPayload;
  readonly expiresAtMs: number;
}

const SWEPT_PER_WRITE = 4;

/** What an issuer for development remembers: in memory, until it ends. It outlives a change of keys. */
export class DevStore {
  readonly #kept = new Map<string, Kept>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A view of it for one model, as oidc-provider wants it. */
  readonly adapter: AdapterFactory = (model): Adapter => {
    const at = (id: string): string => `${model}:${id}`;
    return {
      upsert: async (id, payload, expiresIn) => {
        this.#sweep();
        const expiresAtMs =
          expiresIn === undefined ? Number.POSITIVE_INFINITY : this.#nowMs() + expiresIn * 1000;
        this.#kept.set(at(id), { payload, expiresAtMs });
      },
      find: async (id) => this.#live(at(id)),
      findByUid: async (uid) => this.#search(model, (payload) => payload.uid === uid),
      findByUserCode: async (userCode) => this.#search(model, (payload) => payload.userCode === userCode),
      consume: async (id) => {
        const payload = this.#live(at(id));
        if (payload !== undefined) payload.consumed = Math.floor(this.#nowMs() / 1000);
      },
      destroy: async (id) => void this.#kept.delete(at(id)),
      revokeByGrantId: async (grantId) => {
        for (const [key, { payload }] of this.#kept) if (payload.grantId === grantId) this.#kept.delete(key);
      },
    };
  };

  #live(key: string): AdapterPayload | undefined {
    const kept = this.#kept.get(key);
    return kept !== undefined && kept.expiresAtMs > this.#nowMs() ? kept.payload : undefined;
  }

  #search(model: string, wanted: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const [key, { payload, expiresAtMs }] of this.#kept)
      if (key.startsWith(`${model}:`) && expiresAtMs > this.#nowMs() && wanted(payload)) return payload;
    return undefined;
  }

  /** A few of the oldest with each write, so that what is over goes away faster than it comes. */
  #sweep(): void {
    let looked = 0;
    for (const [key, kept] of this.#kept) {
      this.#kept.delete(key);
      if (kept.expiresAtMs > this.#nowMs()) this.#kept.set(key, kept);
      if (++looked === SWEPT_PER_WRITE) return;
    }
  }
}
