import type { KeyObject, X509Certificate } from 'node:crypto';
import { certificateHosts, coversHost } from '../../lib/certificate-hosts.ts';
import { DER, derMembers, oidText, readDer } from '../../lib/der.ts';
import { keyKindOf } from '../../server/tls/key-kind.ts';
import { keyType } from './describe.ts';

/** What is wrong with a certificate for a listener. */
export interface CertificateFault {
  readonly severity: 'error' | 'warning';
  /** Which part of its entry; `hosts` is one of these by number. */
  readonly at: readonly ['cert'] | readonly ['hosts', number];
  readonly message: string;
}

export interface CertificateQuestion {
  /** Leaf first; at least one. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  /** Hosts that it has to be for, as they are written; what is no text is skipped. */
  readonly hosts: readonly unknown[];
  readonly nowMs: number;
  /** Whether it is in force already: what ended meanwhile must not keep a gateway from its other work. */
  readonly isInForce: boolean;
}

const MIN_RSA_BITS = 2048;

/** Signatures whose hash can be forged (RFC 9155; RFC 6151). */
const WEAK_SIGNATURES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.4', 'MD5'],
  ['1.2.840.113549.1.1.5', 'SHA-1'],
  ['1.2.840.10045.4.1', 'SHA-1'],
  ['1.2.840.10040.4.3', 'SHA-1'],
]);
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USAGE = '2.5.29.37.0';

/** Everything that is wrong with a certificate and its chain: none of it needs its key. */
export function certificateFaults(question: CertificateQuestion): CertificateFault[] {
  const faults: CertificateFault[] = [];
  const tell = (severity: 'error' | 'warning', message: string): void =>
    void faults.push({ severity, at: ['cert'], message });
  const [leaf] = question.chain;
  checkDates(question, tell);
  checkKey(leaf.publicKey, tell);
  checkChain(question.chain, tell);
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.some((use) => use === SERVER_AUTH || use === ANY_USAGE))
    tell('warning', 'the certificate is not for servers (extended key usage), so that clients refuse it');
  checkHosts(question, faults);
  return faults;
}

type Tell = (severity: 'error' | 'warning', message: string) => void;

function checkDates({ chain: [leaf], nowMs, isInForce }: CertificateQuestion, tell: Tell): void {
  if (leaf.validToDate.getTime() < nowMs)
    tell(isInForce ? 'warning' : 'error', `the certificate is over since ${leaf.validToDate.toISOString()}`);
  else if (leaf.validFromDate.getTime() > nowMs)
    tell('warning', `the certificate begins only at ${leaf.validFromDate.toISOString()}`);
}

function checkKey(key: KeyObject, tell: Tell): void {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < MIN_RSA_BITS)
    tell(
      'error',
      `the key of the certificate is weak: ${keyType(key)}, where ${MIN_RSA_BITS} bits are the least`,
    );
  else if (keyKindOf(key).name === 'other')
    tell('error', `TLS has no use for a key of the kind ${keyType(key)}: take ECDSA P-256, or RSA`);
}

function checkChain(chain: readonly X509Certificate[], tell: Tell): void {
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1];
    const number = index + 1;
    const hash = WEAK_SIGNATURES.get(signatureAlgorithm(certificate));
    // Nobody checks the signature of an authority by itself.
    if (hash !== undefined && !certificate.checkIssued(certificate))
      tell('error', `the certificate number ${number} is signed with ${hash}, which can be forged`);
    if (issuer === undefined) continue;
    if (certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)) continue;
    const right = chain.findIndex((other) => other !== certificate && certificate.checkIssued(other));
    tell(
      'error',
      `the chain is out of order: the certificate number ${number + 1} did not sign number ${number}${
        right < 0 ? ', nor did any other in it' : `; number ${right + 1} did`
      }`,
    );
    return;
  }
  const [leaf] = chain;
  const namesIssuer = /^CA Issuers - URI:(\S+)$/m.exec(leaf?.infoAccess ?? '')?.[1];
  if (chain.length === 1 && namesIssuer !== undefined && leaf?.checkIssued(leaf) === false)
    tell(
      'warning',
      `the chain ends with the certificate itself: what signed it (${namesIssuer}) has to follow, or clients that do not know it refuse the certificate`,
    );
}

function checkHosts({ chain: [leaf], hosts }: CertificateQuestion, faults: CertificateFault[]): void {
  const names = certificateHosts(leaf);
  const covered = new Set(names);
  for (const [index, host] of hosts.entries()) {
    if (typeof host !== 'string' || coversHost(covered, host.toLowerCase())) continue;
    const list = names.length === 0 ? 'it has no alternative names' : `it is for ${someOf(names)}`;
    faults.push({
      severity: 'error',
      at: ['hosts', index],
      message: `the certificate is not for ${host}: ${list}`,
    });
  }
}

/** A certificate may have a hundred names. */
function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/** Object identifier of the algorithm that a certificate is signed by (RFC 5280 section 4.1.1.2). */
function signatureAlgorithm(certificate: X509Certificate): string {
  const algorithm = derMembers(certificate.raw)?.[1];
  const oid = algorithm?.tag === DER.sequence ? readDer(algorithm.content) : undefined;
  return oid === undefined ? '' : oidText(oid);
}
