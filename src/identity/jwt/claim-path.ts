/** A claim by its name, or by a path of names with dots: `realm_access.roles`. */
export type Claims = Readonly<Record<string, unknown>>;

/** Reads a claim; undefined where there is none. A claim whose whole name is the text comes first: names of claims may have dots in them. */
export class ClaimPath {
  readonly #name: string;
  readonly #steps: readonly string[];

  constructor(text: string) {
    this.#name = text;
    this.#steps = text.split('.');
  }

  read(claims: Claims): unknown {
    if (Object.hasOwn(claims, this.#name)) return claims[this.#name];
    let value: unknown = claims;
    for (const step of this.#steps) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
      value = (value as Claims)[step];
    }
    return value;
  }
}

/** A list of names in a claim: a list of texts, or one text with blanks between them (RFC 6749 section 3.3). Anything else in it is passed over. */
export function namesIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((name) => name !== '');
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}
