import { createHmac, timingSafeEqual } from 'node:crypto';
import { cookieValue } from '../../http/cookie.ts';
import type { Fields } from '../../http/fields.ts';
import type { Endpoint } from './balancer.ts';
import type { StickySettings } from './schema.ts';

/** Characters of a value: 32 octets in base64url. */
const VALUE_CHARS = 43;
/** Characters by which a value finds its target; the other 32, 192 bits, prove that it is no guess. */
const INDEX_CHARS = 11;

interface Ticket<E> {
  readonly endpoint: E;
  /** What a client proves with. */
  readonly proof: Buffer;
  readonly value: string;
}

/**
 * Sticky sessions: a cookie names the target that a client was sent to, and later requests go there while it may be asked. The value is the
 * HMAC-SHA256 of service and target. So it is its own signature, it tells nothing about the target's address, and all that is
 * computed is computed when the list changes: a request costs a look-up and one comparison, in constant time.
 */
export class Sticky<E extends Endpoint> {
  readonly #service: string;
  readonly #settings: StickySettings;
  readonly #attributes: string;
  readonly #given = Buffer.alloc(VALUE_CHARS - INDEX_CHARS);
  #byName = new Map<string, Ticket<E>>();
  #byIndex = new Map<string, Ticket<E>>();

  /** The name of the service is part of what is signed: a cookie of one service is worth nothing at another. */
  constructor(service: string, settings: StickySettings) {
    this.#service = service;
    this.#settings = settings;
    const maxAge = settings.maxAge > 0 ? `; Max-Age=${Math.ceil(settings.maxAge / 1000)}` : '';
    this.#attributes = `; Path=/${maxAge}; HttpOnly; SameSite=Lax`;
  }

  /** From now on these may be asked, and clients of all others move. */
  update(endpoints: readonly E[]): void {
    const byName = new Map<string, Ticket<E>>();
    const byIndex = new Map<string, Ticket<E>>();
    for (const endpoint of endpoints) {
      const value = this.#byName.get(endpoint.name)?.value ?? this.#sign(endpoint.name);
      const ticket = { endpoint, value, proof: Buffer.from(value.slice(INDEX_CHARS), 'latin1') };
      byName.set(endpoint.name, ticket);
      byIndex.set(value.slice(0, INDEX_CHARS), ticket);
    }
    this.#byName = byName;
    this.#byIndex = byIndex;
  }

  /** The endpoint that a request's cookie names; undefined when it names none that may be asked. */
  find(fields: Fields): E | undefined {
    const value = cookieValue(fields.get('cookie'), this.#settings.cookie);
    if (value?.length !== VALUE_CHARS) return undefined;
    const ticket = this.#byIndex.get(value.slice(0, INDEX_CHARS));
    if (ticket === undefined) return undefined;
    this.#given.write(value.slice(INDEX_CHARS), 'latin1');
    return timingSafeEqual(this.#given, ticket.proof) ? ticket.endpoint : undefined;
  }

  /**
   * The value of Set-Cookie that makes a client stay with an endpoint, for an answer to a request whose cookie does not name it already;
   * undefined when the endpoint may not be asked any more. `secure`: the client came by https.
   */
  setCookie(endpoint: E, secure: boolean): string | undefined {
    const ticket = this.#byName.get(endpoint.name);
    if (ticket === undefined) return undefined;
    return `${this.#settings.cookie}=${ticket.value}${this.#attributes}${secure ? '; Secure' : ''}`;
  }

  #sign(name: string): string {
    return createHmac('sha256', this.#settings.secret)
      .update(`sticky\0${this.#service}\0${name}`)
      .digest('base64url');
  }
}
