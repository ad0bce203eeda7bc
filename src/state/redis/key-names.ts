import { sha256 } from '../../lib/sha256.ts';
import type { Limit } from '../limiter.ts';

/**
 * Names keys in Redis. What is in braces decides the slot of a cluster: of limits that count by one key it is that key, so that keys are
 * spread over the cluster and all that one decision needs lie together; of others it is their scope, for want of anything in common.
 *
 * Only hashes stand there. What a client sent may be a secret, and be as long as it likes.
 */
export class KeyNames {
  readonly #prefix: string;
  readonly #suffix: string;
  readonly #slot: string | undefined;

  constructor(prefix: string, { id, sharedSlot }: Limit) {
    this.#slot = sharedSlot === undefined ? undefined : slotOf(sharedSlot);
    this.#prefix = `${prefix}limit:`;
    this.#suffix = `:${digest(id)}`;
  }

  nameOf(key: string): string {
    return this.#slot === undefined
      ? this.#prefix + slotOf(key) + this.#suffix
      : `${this.#prefix}${this.#slot}${this.#suffix}:${digest(key)}`;
  }
}

/** What decides the slot of a cluster in a whole name. */
export function slotIn(name: string): string {
  return name.slice(name.indexOf('{'), name.indexOf('}'));
}

/** The part of a name that decides the slot of a cluster: the same of the same text. */
export function slotOf(text: string): string {
  return `{${digest(text)}}`;
}

/** 132 bits of a hash, for the names of keys. */
export function digest(text: string): string {
  return sha256(text).slice(0, 22);
}
