import { hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 'v1.';
const SECRET_BYTES = 32;
/** 32 octets in base64url. */
const TEXT_LENGTH = VERSION.length + 43;
const TEXT = /^v1\.[A-Za-z0-9_-]{43}$/;

/** What only a browser has: the name of its session and the key to it follow from it, and it is stored nowhere. */
export interface CookieSecret {
  readonly octets: Buffer;
  /** As the cookie has it. */
  readonly text: string;
}

export function newSecret(): CookieSecret {
  const octets = randomBytes(SECRET_BYTES);
  return { octets, text: VERSION + octets.toString('base64url') };
}

/** Undefined for all that `newSecret` does not make: another version, other characters, more or less of them, spare bits set. */
export function readSecret(text: string): CookieSecret | undefined {
  if (text.length !== TEXT_LENGTH || !TEXT.test(text)) return undefined;
  const octets = Buffer.from(text.slice(VERSION.length), 'base64url');
  return octets.toString('base64url') === text.slice(VERSION.length) ? { octets, text } : undefined;
}

/** Names the session of a secret, of which it tells nothing (RFC 5869). Sessions of another kind have other names. */
export function sessionIdOf(secret: CookieSecret, kind: string): string {
  return Buffer.from(hkdfSync('sha256', secret.octets, '', `portcullis session id ${kind}`, 24)).toString(
    'base64url',
  );
}
