import { type Authority, parseAuthority } from './host.ts';

/** What the engine itself does with a field; any other field is passed on unread. */
export const FIELD = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  upgrade: 5,
  expect: 6,
  te: 7,
  /** Hop-by-hop by tradition (RFC 9110 section 7.6.1): never passed on, whatever Connection says. */
  dropped: 8,
  /** Looks like a framing field to some recipient, and is none: the message is refused. */
  lookalike: 9,
} as const;

export type FieldKind = (typeof FIELD)[keyof typeof FIELD];

/** A field name that is known to be a token, with its form for lookups and what the engine does with it. */
export interface KnownName {
  readonly lower: string;
  readonly kind: FieldKind;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const KINDS: ReadonlyMap<string, FieldKind> = new Map<string, FieldKind>([
  ['host', FIELD.host],
  ['content-length', FIELD.contentLength],
  ['transfer-encoding', FIELD.transferEncoding],
  ['connection', FIELD.connection],
  ['upgrade', FIELD.upgrade],
  ['expect', FIELD.expect],
  ['te', FIELD.te],
  ['keep-alive', FIELD.dropped],
  ['proxy-connection', FIELD.dropped],
  ['http2-settings', FIELD.dropped],
]);

/** Names kept beyond this number are looked up anew each time: a client that invents names cannot fill the memory. */
const MAX_NAMES = 2048;
const MAX_NAME_LENGTH = 64;

/**
 * The field names seen so far. Most messages use a few dozen names over and over, so that checking and lower-casing one
 * is a lookup.
 */
export class FieldNames {
  readonly #names = new Map<string, KnownName>();
  readonly #authorities = new Map<string, Authority>();

  /** The name as written, looked up; undefined when it is no token (RFC 9110 section 5.6.2). */
  find(name: string): KnownName | undefined {
    return this.#names.get(name) ?? this.#learn(name);
  }

  /** `parseAuthority`, remembered: most requests of most gateways are for a few hosts. */
  authority(text: string): Authority | undefined {
    const known = this.#authorities.get(text);
    if (known !== undefined) return known;
    const authority = parseAuthority(text);
    if (authority !== undefined && this.#authorities.size < MAX_NAMES) this.#authorities.set(text, authority);
    return authority;
  }

  #learn(name: string): KnownName | undefined {
    if (!TOKEN.test(name)) return undefined;
    const lower = name.toLowerCase();
    const known: KnownName = {
      lower,
      kind: KINDS.get(lower) ?? (isLookalike(lower) ? FIELD.lookalike : FIELD.other),
    };
    if (this.#names.size < MAX_NAMES && name.length <= MAX_NAME_LENGTH) this.#names.set(name, known);
    return known;
  }
}

/** `Transfer_Encoding`, `Content--Length` and their like: CGI-style recipients fold them into the real field. */
function isLookalike(lower: string): boolean {
  const letters = lower.replace(/[^a-z0-9]/g, '');
  return letters === 'transferencoding' || letters === 'contentlength';
}
