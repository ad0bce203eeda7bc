import type { Fields } from '../../http/fields.ts';
import { PERSONAL_TOKEN_PREFIX } from './personal-token.ts';
import type { SessionConfig } from './schema.ts';
import type { SentToken } from './sent-token.ts';

/** Longer than any: not looked into. */
const MAX_LENGTH = 1000;
const DEVICE_TOKEN = /^v1\.[A-Za-z0-9_-]{43}$/;
/** No scheme of others has anything like it by chance. */
const WHOLE = /^(?:pcp_|v1\.)[A-Za-z0-9_-]{43}$/;
const BLANK = /[ \t]/;

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

/**
 * Whether somebody may find one in this Authorization: also where it is written as the gateway does not take it, as behind a tab, as the user's name
 * of Basic, or with a scheme of others, such as `token`.
 */
export function isGatewayToken(authorization: string, made: GatewayTokens): boolean {
  const blank = authorization.search(BLANK);
  const scheme = authorization.slice(0, blank).toLowerCase();
  const rest = authorization.slice(blank + 1).trim();
  if (scheme === 'bearer') return isOurs(rest, made);
  if (scheme === 'basic') return pairIn(rest).some((half) => isOurs(half, made));
  return isOurs(rest, made) && WHOLE.test(rest);
}

function tokenIn(field: string, made: GatewayTokens): SentToken | undefined {
  if (field.length > MAX_LENGTH) return undefined;
  const space = field.indexOf(' ');
  const scheme = field.slice(0, space).toLowerCase();
  if (scheme !== 'bearer' && scheme !== 'basic') return undefined;
  const rest = field.slice(space + 1).trim();
  const token = scheme === 'bearer' ? rest : pairIn(rest)[1];
  return isOurs(token, made) ? { token, scheme } : undefined;
}

function isOurs(token: string, { devices, tokens }: GatewayTokens): boolean {
  return (
    (tokens !== undefined && token.startsWith(PERSONAL_TOKEN_PREFIX)) || (devices && DEVICE_TOKEN.test(token))
  );
}

/** User's name and password. */
function pairIn(credentials: string): readonly [user: string, password: string] {
  const text = Buffer.from(credentials, 'base64').toString('latin1');
  const colon = text.indexOf(':');
  return [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
}
