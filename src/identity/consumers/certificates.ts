import type { X509Certificate } from 'node:crypto';
import type { Known } from '../authenticator.ts';
import {
  alternativeNames,
  canonicalFingerprint,
  canonicalName,
  canonicalSan,
  canonicalSerial,
  distinguishedName,
  fingerprintOf,
} from './certificate-names.ts';
import { type Consumer, principalOf } from './consumer.ts';

/** Whose certificate it is, and whether the certificate itself is named rather than what an authority says of its owner. */
interface Match {
  readonly known: Known;
  readonly isPinned: boolean;
}

/** The client certificates of consumers. */
export class Certificates {
  readonly #known = new Map<string, Known>();
  readonly #shared: Certificates | undefined;

  /** `shared` are known beside them. */
  constructor(consumers: Iterable<Consumer>, shared?: Certificates) {
    this.#shared = shared;
    for (const consumer of consumers) {
      if (consumer.config.certificates.length === 0) continue;
      const known: Known = { kind: 'known', principal: principalOf(consumer, 'mtls') };
      for (const { fingerprint, subject, san, issuer, serial } of consumer.config.certificates) {
        if (fingerprint !== undefined)
          this.#known.set(`fingerprint ${canonicalFingerprint(fingerprint)}`, known);
        if (subject !== undefined) this.#known.set(`subject ${canonicalName(subject)}`, known);
        if (san !== undefined) this.#known.set(`san ${canonicalSan(san)}`, known);
        if (issuer !== undefined && serial !== undefined)
          this.#known.set(`serial ${canonicalSerial(serial)} ${canonicalName(issuer)}`, known);
      }
    }
  }

  /** The most exact way first: the certificate itself, its issuer and number, its alternative names, its subject. */
  find(certificate: X509Certificate): Match | undefined {
    const pinned = this.#knownBy(`fingerprint ${fingerprintOf(certificate)}`);
    if (pinned !== undefined) return { known: pinned, isPinned: true };
    const issuer = distinguishedName(certificate.issuer);
    const subject = distinguishedName(certificate.subject);
    const keys = [
      ...(issuer === undefined ? [] : [`serial ${canonicalSerial(certificate.serialNumber)} ${issuer}`]),
      ...alternativeNames(certificate).map((name) => `san ${name}`),
      ...(subject === undefined ? [] : [`subject ${subject}`]),
    ];
    for (const key of keys) {
      const known = this.#knownBy(key);
      if (known !== undefined) return { known, isPinned: false };
    }
    return undefined;
  }

  #knownBy(key: string): Known | undefined {
    const own = this.#known.get(key);
    return own !== undefined || this.#shared === undefined ? own : this.#shared.#knownBy(key);
  }
}
