import type { Fields } from '../../http/fields.ts';
import { definePolicy, type Exchange, type PolicyHooks } from '../../policy/contract.ts';
import { type Header, hstsHeader, plainHeaders } from './header-values.ts';
import { type SecurityHeadersOptions, securityHeadersSchema } from './schema.ts';

export const securityHeadersPolicy = definePolicy({
  name: 'security-headers',
  stage: 'transform',
  unique: true,
  schema: securityHeadersSchema,
  create: (options) => new SecurityHeaders(options),
});

const HSTS = 'strict-transport-security';

class SecurityHeaders implements PolicyHooks {
  readonly #removed: readonly string[];
  readonly #plain: readonly Header[];
  readonly #secure: readonly Header[];
  readonly #override: boolean;

  constructor(options: SecurityHeadersOptions) {
    this.#removed = options.remove.map((name) => name.toLowerCase());
    this.#plain = plainHeaders(options);
    const hsts = hstsHeader(options);
    this.#secure = hsts === undefined ? this.#plain : [hsts, ...this.#plain];
    this.#override = options.override;
  }

  onResponse({ request, response: { fields } }: Exchange): void {
    const removed = this.#removed;
    for (let i = 0; i < removed.length; i++) fields.delete(removed[i] as string);
    if (request.scheme === 'https') return this.#write(fields, this.#secure);
    // RFC 6797 section 7.2: it must not stand in an answer over plain HTTP, whoever put it there.
    fields.delete(HSTS);
    this.#write(fields, this.#plain);
  }

  #write(fields: Fields, headers: readonly Header[]): void {
    for (let i = 0; i < headers.length; i++) {
      const { lower, name, value } = headers[i] as Header;
      if (!fields.has(lower)) fields.push(lower, name, value);
      else if (this.#override) fields.put(lower, name, value);
    }
  }
}
