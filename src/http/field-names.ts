import { keptText } from '../lib/kept-text.ts';
import { copyOf, latin1 } from '../lib/octets.ts';
import { FIELD, type FieldKind } from './field-kind.ts';
import { FieldSection } from './field-section.ts';
import { type Authority, parseAuthority } from './host.ts';
import { RequestLine } from './request-line.ts';

export { FIELD, type FieldKind };

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
  /** Used by one head after the other: parsing is synchronous, so they are never in use twice. */
  readonly line = new RequestLine();
  readonly section = new FieldSection();
  readonly #names = new Map<string, KnownName>();
  readonly #authorities = new Map<string, Authority>();
  /** The last Host field, which most often is the next one too: to compare octets costs 100 ns less than to find a new string in a map. */
  #host: Buffer = Buffer.alloc(0);
  #authority: Authority | undefined;

  /** The name as written, looked up; undefined when it is no token (RFC 9110 section 5.6.2). */
  find(name: string): KnownName | undefined {
    return this.#names.get(name) ?? this.#learn(name);
  }

  /** `parseAuthority` of a Host field whose value is `data[from, to)`, remembered: most requests of most gateways are for a few hosts. */
  authority(data: Buffer, from: number, to: number): Authority | undefined {
    if (isSame(data, from, to, this.#host)) return this.#authority;
    const text = latin1(data, from, to);
    const authority = this.#authorities.get(text) ?? this.#learnAuthority(text);
    if (authority === undefined) return undefined;
    this.#host = copyOf(data, from, to);
    this.#authority = authority;
    return authority;
  }

  #learnAuthority(text: string): Authority | undefined {
    const authority = parseAuthority(text);
    if (authority !== undefined && this.#authorities.size < MAX_NAMES) this.#authorities.set(text, authority);
    return authority;
  }

  #learn(name: string): KnownName | undefined {
    if (!TOKEN.test(name)) return undefined;
    const lower = keptText(name.toLowerCase());
    const known: KnownName = {
      lower,
      kind: KINDS.get(lower) ?? (isLookalike(lower) ? FIELD.lookalike : FIELD.other),
    };
    if (this.#names.size < MAX_NAMES && name.length <= MAX_NAME_LENGTH)
      this.#names.set(keptText(name), known);
    return known;
  }
}

function isSame(data: Buffer, from: number, to: number, other: Buffer): boolean {
  if (to - from !== other.length) return false;
  for (let i = 0; i < other.length; i++) if (data[from + i] !== other[i]) return false;
  return true;
}

/** `Transfer_Encoding`, `Content--Length` and their like: CGI-style recipients fold them into the real field. */
function isLookalike(lower: string): boolean {
  const letters = lower.replace(/[^a-z0-9]/g, '');
  return letters === 'transferencoding' || letters === 'contentlength';
}
