/** Type and subtype of a Content-Type in small letters, without its parameters (RFC 9110 section 8.3.1); empty when there is none. */
export function essenceOf(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const semicolon = contentType.indexOf(';');
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}

/** RFC 6839 section 3.1: what ends in +json is JSON too. */
export function isJson(essence: string): boolean {
  return essence === 'application/json' || essence.endsWith('+json');
}

export function isForm(essence: string): boolean {
  return essence === 'application/x-www-form-urlencoded';
}

/** RFC 8259 section 8.1: JSON is UTF-8; some say so, and who says something else means something else. */
export function saysOtherCharset(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1]?.toLowerCase();
  return charset !== undefined && charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii';
}

/** Values by media range: `application/json`, `text/*`, and all. */
export class ByMediaType<Value> {
  readonly #exact = new Map<string, Value>();

  constructor(entries: Iterable<readonly [range: string, value: Value]>) {
    for (const [range, value] of entries) this.#exact.set(essenceOf(range), value);
  }

  /** The most specific range wins. */
  get(essence: string): Value | undefined {
    const exact = this.#exact.get(essence);
    if (exact !== undefined) return exact;
    return this.#exact.get(`${essence.slice(0, essence.indexOf('/'))}/*`) ?? this.#exact.get('*/*');
  }
}
