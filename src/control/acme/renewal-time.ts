import { X509Certificate } from 'node:crypto';

/** Certificates that were issued together are not renewed together. */
const SPREAD = 0.1;

/**
 * When to renew a certificate, in milliseconds since 1970: `beforeMs` before its end, or when two thirds of its life are over, and by chance
 * up to a tenth of the rest sooner. Never in the first half of its life, lest one that is short be ordered over and over.
 */
export function renewalTime(cert: string, beforeMs: number | undefined, random: () => number): number {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  const end = validToDate.getTime();
  const life = end - validFromDate.getTime();
  const before = Math.min(beforeMs ?? life / 3, life / 2 / (1 + SPREAD));
  return Math.round(end - before * (1 + SPREAD * random()));
}
