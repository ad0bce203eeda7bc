/** A token that a request has in Authorization. */
export interface SentToken {
  readonly token: string;
  readonly scheme: 'bearer' | 'basic';
}

const MIN_LENGTH = 16;
const MAX_LENGTH = 8192;

/** The token of `Bearer`, or the password of `Basic` (git clients have no other place for one); undefined for anything else. */
export function sentToken(authorization: string | undefined): SentToken | undefined {
  if (authorization === undefined || authorization.length > 2 * MAX_LENGTH) return undefined;
  const space = authorization.indexOf(' ');
  const scheme = authorization.slice(0, space).toLowerCase();
  const value = authorization.slice(space + 1).trim();
  if (scheme === 'bearer') return plausible(value, scheme);
  if (scheme !== 'basic') return undefined;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : plausible(pair.slice(colon + 1), scheme);
}

function plausible(token: string, scheme: SentToken['scheme']): SentToken | undefined {
  return token.length < MIN_LENGTH || token.length > MAX_LENGTH ? undefined : { token, scheme };
}
