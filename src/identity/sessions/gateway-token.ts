import type { Fields } from '../../http/fields.ts';
import { PERSONAL_TOKEN_PREFIX } from './personal-token.ts';
import type { SessionConfig } from './schema.ts';
import type { SentToken } from './sent-token.ts';

/** Longer than any: not looked into. */
const MAX_LENGTH = 1000;
const DEVICE_TOKEN = /^v1\.[A-Za-z0-9_-]{43}$/;

/** Which tokens the gateway makes. */
export type GatewayTokens = Pick<SessionConfig, 'devices' | 'tokens'>;

/**
 * The token that the gateway gave a device or a user, in Authorization: as a bearer token, or as the password of Basic, as git sends it. One
 * that merely begins as those of users do is one too: it is refused rather than passed on.
 */
export function gatewayTokenOf(fields: Fields, made: GatewayTokens): SentToken | undefined {
  if (!made.devices && made.tokens === undefined) return undefined;
  const field = fields.get('authorization');
  return field === undefined ? undefined : tokenIn(field, made);
}

/** Whether this is an Authorization with one. */
export function isGatewayToken(authorization: string, made: GatewayTokens): boolean {
  return tokenIn(authorization, made) !== undefined;
}

function tokenIn(field: string, { devices, tokens }: GatewayTokens): SentToken | undefined {
  if (field.length > MAX_LENGTH) return undefined;
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
