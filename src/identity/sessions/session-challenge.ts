import type { Fields } from '../../http/fields.ts';
import type { SessionConfig } from './schema.ts';

/** What 401s of sessions ask for (RFC 9110 section 11.6.1): each way in which these know somebody. */
export class SessionChallenge {
  readonly #ofPages: string;
  readonly #ofPrograms: string;
  readonly #bearer: string;
  readonly #basic: string;

  constructor(name: string, { cookie, devices, tokens, recognise }: SessionConfig) {
    const takesOwn = devices || tokens !== undefined;
    this.#bearer = `Bearer realm="${name}"`;
    this.#basic = `Basic realm="${name}", charset="UTF-8"`;
    const ways = [
      ...(takesOwn || recognise.includes('bearer') || recognise.includes('refresh') ? [this.#bearer] : []),
      ...(takesOwn || recognise.includes('basic') ? [this.#basic] : []),
    ];
    this.#ofPages = `Cookie realm="${name}", cookie-name="${cookie.name}"`;
    this.#ofPrograms = [this.#ofPages, ...ways].join(', ');
  }

  /** For who sends nothing, or nothing that is known. Git and curl send a password only where Basic is asked for (RFC 7617 section 2). */
  for(fields: Fields): string {
    return isOfPage(fields) ? this.#ofPages : this.#ofPrograms;
  }

  /** Where a token of the gateway's own is wanted, and nothing else. */
  forToken(fields: Fields): string {
    return isOfPage(fields) ? this.#bearer : `${this.#bearer}, ${this.#basic}`;
  }

  /** Where a token of the gateway's own is of no use. */
  forWrongToken(fields: Fields, scheme: 'bearer' | 'basic'): string {
    const wrong = 'Bearer error="invalid_token"';
    return scheme === 'bearer' || isOfPage(fields) ? wrong : `${wrong}, ${this.#basic}`;
  }
}

/** Sent for a page of a browser, which at Basic would ask its user for a password instead of leading to the login. */
function isOfPage(fields: Fields): boolean {
  return PAGE_FIELDS.some((name) => fields.has(name));
}

/** The last two for browsers that say no more, as over plain http. */
const PAGE_FIELDS = ['sec-fetch-mode', 'x-requested-with', 'origin', 'referer'];
