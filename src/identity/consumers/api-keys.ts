import { hash, timingSafeEqual } from 'node:crypto';
import { BoundedMap } from '../../lib/bounded-map.ts';
import type { Known } from '../authenticator.ts';
import { type Consumer, principalOf } from './consumer.ts';
import type { ApiKeyConfig } from './schema.ts';

/** Keys as they were sent, which are known to be right: a hash for each request would be most of what a key costs. */
const KNOWN_KEYS = 20_000;

const STORED = /^sha256:([A-Za-z0-9_-]{43})=?$/;

interface ApiKey {
  readonly digest: Buffer;
  readonly known: Known;
}

/** The key's SHA-256 in base64url, as it is stored; keys are long and random, so that no slow hash is needed. */
export function keyDigest(key: string): string {
  return hash('sha256', key, 'base64url');
}

/** What `hash` or `key` of a configuration stand for, as `keyDigest` has it; undefined where it is malformed. */
export function storedDigest({ key, hash: stored }: Pick<ApiKeyConfig, 'key' | 'hash'>): string | undefined {
  if (key !== undefined) return keyDigest(key);
  return STORED.exec(stored ?? '')?.[1];
}

/** The keys of consumers. */
export class ApiKeys {
  readonly #byDigest = new Map<string, ApiKey>();
  readonly #sent = new BoundedMap<string, Known>(KNOWN_KEYS);
  readonly #nowMs: () => number;
  readonly #shared: ApiKeys | undefined;

  /** `shared` are known beside them. */
  constructor(consumers: Iterable<Consumer>, nowMs: () => number, shared?: ApiKeys) {
    this.#nowMs = nowMs;
    this.#shared = shared;
    for (const consumer of consumers) {
      for (const key of consumer.config.apiKeys) {
        const digest = storedDigest(key);
        if (digest === undefined) continue;
        const expiresAtMs = key.expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(key.expires);
        const principal = principalOf(consumer, 'api-key', expiresAtMs);
        this.#byDigest.set(digest, {
          digest: Buffer.from(digest, 'base64url'),
          known: { kind: 'known', principal },
        });
      }
    }
  }

  /** Whose key it is; undefined when it is nobody's, or over. */
  find(key: string): Known | undefined {
    let known = this.#sent.get(key);
    if (known === undefined) {
      known = this.#lookUp(key);
      if (known === undefined) return undefined;
      this.#sent.set(key, known);
    }
    return known.principal.expiresAtMs > this.#nowMs() ? known : undefined;
  }

  #lookUp(key: string): Known | undefined {
    const digest = keyDigest(key);
    const found = this.#withDigest(digest);
    // The look-up is by a hash, whose time tells nothing of the key; that it is this one is decided in constant time.
    if (found === undefined || !timingSafeEqual(found.digest, Buffer.from(digest, 'base64url')))
      return undefined;
    return found.known;
  }

  #withDigest(digest: string): ApiKey | undefined {
    const own = this.#byDigest.get(digest);
    return own !== undefined || this.#shared === undefined ? own : this.#shared.#withDigest(digest);
  }
}
