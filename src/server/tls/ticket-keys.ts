import { hkdfSync } from 'node:crypto';

/**
 * Key of session tickets as node:tls takes it: 16 octets that name it in each ticket, 16 to sign and 16 to encrypt. It follows from a secret
 * that workers and nodes share, and from what the session is good for, so that a ticket opens nowhere else.
 */
export function ticketKeys(secret: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `portcullis session tickets ${purpose}`, 48));
}

/** As the ClientHello shows it, in latin1. */
export function keyNameIn(keys: Buffer): string {
  return keys.toString('latin1', 0, 16);
}
