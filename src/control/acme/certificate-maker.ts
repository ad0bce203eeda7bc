/** What is made of keys by @peculiar/x509, which takes long to load: import this where something has to be made. */
// The library below asks for this polyfill and does not bring it.
import 'reflect-metadata';
import { createHash, type webcrypto } from 'node:crypto';
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  Pkcs10CertificateRequestGenerator,
  Extension as PlainExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { CertificatePair } from '../../server/tls/certificate-table.ts';

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
} as const;

const STAND_IN_MS = 365 * 86_400_000;
const CHALLENGE_MS = 7 * 86_400_000;
/** RFC 8737 section 6.1: id-pe-acmeIdentifier. */
const ACME_IDENTIFIER = '1.3.6.1.5.5.7.1.31';

/** A new key, and what an authority is asked to certify it with: PKCS #10 (RFC 2986) in base64url, as RFC 8555 section 7.4 wants it. */
export async function makeRequest(
  hosts: readonly string[],
  keyType: 'ecdsa' | 'rsa',
): Promise<{ readonly key: string; readonly request: string }> {
  const keys = await makeKeys(keyType);
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: keyType === 'rsa' ? RSA : ECDSA,
    extensions: [alternativeNames(hosts)],
  });
  return { key: await pemOf(keys.privateKey), request: Buffer.from(request.rawData).toString('base64url') };
}

/** A certificate that nobody vouches for, for hosts that have no other yet. */
export async function makeStandIn(hosts: readonly string[], nowMs: number): Promise<CertificatePair> {
  const usage = new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]);
  return {
    ...(await selfSigned('Portcullis stand-in', hosts, nowMs, STAND_IN_MS, [usage])),
    isStandIn: true,
  };
}

/** The answer to a challenge of TLS-ALPN-01 (RFC 8737 section 3). */
export function makeChallengeAnswer(
  host: string,
  keyAuthorization: string,
  nowMs: number,
): Promise<CertificatePair> {
  const digest = createHash('sha256').update(keyAuthorization).digest();
  // An OCTET STRING of 32 octets in DER.
  const value = Buffer.concat([Buffer.from([0x04, digest.length]), digest]);
  return selfSigned('Portcullis ACME challenge', [host], nowMs, CHALLENGE_MS, [
    new PlainExtension(ACME_IDENTIFIER, true, value),
  ]);
}

async function selfSigned(
  name: string,
  hosts: readonly string[],
  nowMs: number,
  lifeMs: number,
  extensions: readonly Extension[],
): Promise<CertificatePair> {
  const keys = await makeKeys('ecdsa');
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ECDSA,
    // A client's clock may be behind.
    notBefore: new Date(nowMs - 3_600_000),
    notAfter: new Date(nowMs + lifeMs),
    extensions: [alternativeNames(hosts), ...extensions],
  });
  return { cert: certificate.toString('pem'), key: await pemOf(keys.privateKey) };
}

function makeKeys(keyType: 'ecdsa' | 'rsa'): Promise<webcrypto.CryptoKeyPair> {
  return keyType === 'rsa'
    ? crypto.subtle.generateKey(RSA, true, ['sign', 'verify'])
    : crypto.subtle.generateKey(ECDSA, true, ['sign', 'verify']);
}

function alternativeNames(hosts: readonly string[]): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns', value })));
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const octets = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${octets.replace(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`;
}
