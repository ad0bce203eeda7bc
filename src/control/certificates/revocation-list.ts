import { DER, derMembers, timeOf } from '../../lib/der.ts';

const BLOCK = /-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----/g;

/**
 * When each list of a PEM text is over, in milliseconds since 1970; Infinity for one that does not say. undefined when there is none, or
 * one cannot be read (RFC 5280 section 5.1).
 */
export function revocationListEnds(pem: string): readonly number[] | undefined {
  const ends: number[] = [];
  for (const [, base64 = ''] of pem.matchAll(BLOCK)) {
    const list = derMembers(Buffer.from(base64, 'base64'))?.[0];
    const members = list === undefined ? undefined : derMembers(list.whole);
    if (members === undefined) return undefined;
    // A version may come before the algorithm and the issuer; the times follow them.
    const start = members[0]?.tag === DER.integer ? 3 : 2;
    const thisUpdate = members[start];
    if (thisUpdate === undefined || Number.isNaN(timeOf(thisUpdate))) return undefined;
    const next = members[start + 1];
    const end = next === undefined ? Number.NaN : timeOf(next);
    ends.push(Number.isNaN(end) ? Number.POSITIVE_INFINITY : end);
  }
  return ends.length === 0 ? undefined : ends;
}
