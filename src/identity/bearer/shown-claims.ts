import { isRecord } from '../../lib/is-record.ts';

/** What a JWT says, of which somebody else has to say whether it is good; undefined for any other token: nothing can be seen in it. */
export function shownClaims(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, claims, , ...more] = token.split('.');
  if (claims === undefined || more.length > 0) return undefined;
  try {
    const read: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString());
    return isRecord(read) ? read : undefined;
  } catch {
    return undefined;
  }
}
