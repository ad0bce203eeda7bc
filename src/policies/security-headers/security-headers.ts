import { Fields } from '../../http/fields.ts';
import type { Exchange, PolicyHooks } from '../../policy/contract.ts';
import { type Header, hstsHeader, plainHeaders } from './header-values.ts';
import type { SecurityHeadersOptions } from './schema.ts';

const HSTS = 'strict-transport-security';

export class SecurityHeaders implements PolicyHooks {
  readonly #removed: readonly string[];
  readonly #plain: HeaderSet;
  readonly #secure: HeaderSet;
  readonly #override: boolean;

  constructor(options: SecurityHeadersOptions) {
    this.#removed = options.remove.map((name) => name.toLowerCase());
    const plain = plainHeaders(options);
    const hsts = hstsHeader(options);
    this.#plain = new HeaderSet(plain);
    this.#secure = hsts === undefined ? this.#plain : new HeaderSet([hsts, ...plain]);
    this.#override = options.override;
  }

  onResponse({ request, response: { fields } }: Exchange): void {
    const removed = this.#removed;
    let changed = false;
    for (let i = 0; i < removed.length; i++) if (fields.delete(removed[i] as string)) changed = true;
    if (request.scheme === 'https') return this.#secure.write(fields, this.#override, changed);
    // RFC 6797 section 7.2: it must not stand in an answer over plain HTTP, whoever put it there.
    if (fields.delete(HSTS)) changed = true;
    this.#plain.write(fields, this.#override, changed);
  }
}

class HeaderSet {
  readonly #headers: readonly Header[];
  readonly #kept: Fields;

  constructor(headers: readonly Header[]) {
    this.#headers = headers;
    const all = new Fields();
    for (const { lower, name, value } of headers) all.push(lower, name, value);
    this.#kept = all.kept();
  }

  /**
   * Nearly every answer has none of them. Where its fields are still the text that came, `changed` false, they are then added as one text:
   * 70 ns instead of 600; where they were taken apart, one by one: 1.8 us for all instead of 3.6. `pushAll` may take apart what it is given.
   */
  write(fields: Fields, override: boolean, changed: boolean): void {
    const headers = this.#headers;
    let found = changed;
    for (let i = 0; !found && i < headers.length; i++) found = fields.has((headers[i] as Header).lower);
    if (!found) return fields.pushAll(this.#kept.clone());
    for (let i = 0; i < headers.length; i++) {
      const { lower, name, value } = headers[i] as Header;
      if (!fields.has(lower)) fields.push(lower, name, value);
      else if (override) fields.put(lower, name, value);
    }
  }
}
