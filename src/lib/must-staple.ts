import type { X509Certificate } from 'node:crypto';
import { extensionOf } from './certificate-extension.ts';
import { DER, derMembers } from './der.ts';

const TLS_FEATURE = '1.3.6.1.5.5.7.1.24';
/** The extension of TLS that OCSP responses come in (RFC 6066 section 8). */
const STATUS_REQUEST = 5;

/** Whether a certificate demands that an OCSP response goes with it (RFC 7633): clients that heed that refuse it without. */
export function isMustStaple(certificate: X509Certificate): boolean {
  const features = derMembers(extensionOf(certificate, TLS_FEATURE) ?? Buffer.alloc(0));
  return (
    features?.some(({ tag, content }) => tag === DER.integer && content.equals(Buffer.of(STATUS_REQUEST))) ??
    false
  );
}
