import { hasControlCharacter } from './passwords/characters.ts';

/** Base64 of a user name and a password as long as the configuration takes them. */
const MAX_CHARACTERS = 4096;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$/;

export interface BasicCredentials {
  readonly name: string;
  readonly password: string;
}

/** What stands behind `Basic` in Authorization (RFC 7617 section 2); undefined for what is no user name and password. */
export function readBasic(sent: string): BasicCredentials | undefined {
  if (sent.length > MAX_CHARACTERS || !BASE64.test(sent)) return undefined;
  const text = Buffer.from(sent, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0 || hasControlCharacter(text)) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
