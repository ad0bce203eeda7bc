import type { Fields } from '../../http/fields.ts';
import { PERSONAL_TOKEN_PREFIX } from './personal-token.ts';
import type { SessionConfig } from './schema.ts';
import type { SentToken } from './sent-token.ts';

/** Longer than any: not looked into. */
const MAX_LENGTH = 1000;
const DEVICE_TOKEN = /^v1\.[A-Za-z0-9_-]{43}$/;

/**
 * The token that the gateway gave a device or a user, in Authorization: as a bearer token, or as the password of Basic, as git sends it. One
 * that merely begins as those of users do is one too: it is refused rather than passed on.
 */
export function gatewayTokenOf(
  fields: Fields,
  { devices, tokens }: Pick<SessionConfig, 'devices' | 'tokens'>,
): SentToken | undefined {
  if (!devices && tokens === undefined) return undefined;
  const field = fields.get('authorization');
  if (field === undefined || field.length > MAX_LENGTH) return undefined;
  const space = field.indexOf(' ');
  const scheme = field.slice(0, space).toLowerCase();
  if (scheme !== 'bearer' && scheme !== 'basic') return undefined;
  const rest = field.slice(space + 1).trim();
  const token = scheme === 'bearer' ? rest : passwordOf(rest);
  const isPersonal = tokens !== undefined && token.startsWith(PERSONAL_TOKEN_PREFIX);
  return isPersonal || (devices && DEVICE_TOKEN.test(token)) ? { token, scheme } : undefined;
}

function passwordOf(credentials: string): string {
  const text = Buffer.from(credentials, 'base64').toString('latin1');
  return text.slice(text.indexOf(':') + 1);
}
