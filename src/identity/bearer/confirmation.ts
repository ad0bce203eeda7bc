import type { X509Certificate } from 'node:crypto';
import { isRecord } from '../../lib/is-record.ts';
import type { ClientView } from '../../policy/contract.ts';
import type { Refused } from '../authenticator.ts';

function refused(detail: string): Refused {
  return { kind: 'refused', code: 'invalid_token', detail };
}

const NOT_THE_HOLDER = refused('The token is bound to the client certificate of another connection.');
const UNKNOWN_BINDING = refused('The token is bound to its client in a way that is not checked here.');

/** A connection has many requests. */
const thumbprints = new WeakMap<X509Certificate, string>();

/**
 * Why whoever sent a token is not whom it is bound to (RFC 7800 section 3.1) by `confirmation`, its `cnf`; undefined for the holder, and for a token
 * that is bound to nobody. A certificate is that of the connection (RFC 8705 section 3). A key that has to sign each request (RFC 9449) cannot be checked here,
 * and as a bearer token it would be anybody's who got hold of it.
 */
export function refusalOfHolder(
  confirmation: unknown,
  { certificate }: Pick<ClientView, 'certificate'>,
): Refused | undefined {
  if (confirmation === undefined) return undefined;
  if (!isRecord(confirmation)) return UNKNOWN_BINDING;
  const names = Object.keys(confirmation);
  if (names.length !== 1 || names[0] !== 'x5t#S256') return UNKNOWN_BINDING;
  if (certificate === undefined) return NOT_THE_HOLDER;
  return confirmation['x5t#S256'] === thumbprintOf(certificate.leaf) ? undefined : NOT_THE_HOLDER;
}

/** SHA-256 of the certificate in base64url, without padding. */
function thumbprintOf(leaf: X509Certificate): string {
  let thumbprint = thumbprints.get(leaf);
  if (thumbprint === undefined) {
    thumbprint = Buffer.from(leaf.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
    thumbprints.set(leaf, thumbprint);
  }
  return thumbprint;
}
