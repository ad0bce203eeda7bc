import { X509Certificate } from 'node:crypto';
import { certificateBlocks } from '../../lib/pem.ts';

/** Longest field that is read as a certificate: those of clients have a few kilobytes. */
const MAX_CHARACTERS = 16_384;
const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]+={0,2}):$/;

/** A certificate as a byte sequence (RFC 9440 section 2.2), or as percent-encoded PEM; undefined when it is neither. */
export function readCertificateField(value: string): X509Certificate | undefined {
  if (value.length > MAX_CHARACTERS) return undefined;
  try {
    const encoded = BYTE_SEQUENCE.exec(value)?.[1];
    if (encoded !== undefined) return new X509Certificate(Buffer.from(encoded, 'base64'));
    const text = decodeURIComponent(value);
    return text.startsWith('-----BEGIN CERTIFICATE-----') ? new X509Certificate(text) : undefined;
  } catch {
    return undefined;
  }
}

/** The certificates of a PEM text; undefined when there is none, or one that cannot be read. */
export function readAuthorities(text: string): readonly X509Certificate[] | undefined {
  const blocks = certificateBlocks(text);
  try {
    return blocks.length === 0 ? undefined : blocks.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}
