// The library below asks for this polyfill and does not bring it.
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import {
  AuthorityInfoAccessExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  Extension as PlainExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509';

export interface Pair {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface IssueOptions {
  /** Bits of an RSA key; default: ECDSA with P-256. */
  readonly rsaBits?: number;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Address of an OCSP responder. */
  readonly ocsp?: string;
  /** Whether it demands that an OCSP response goes with it (RFC 7633). */
  readonly mustStaple?: boolean;
  /** Address of the certificate of the issuer. */
  readonly caIssuers?: string;
}

/** A certificate authority that lives as long as a test. */
export class TestAuthority {
  readonly #certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #signing: webcrypto.EcdsaParams | webcrypto.RsaHashedImportParams;

  private constructor(
    certificate: X509Certificate,
    keys: webcrypto.CryptoKeyPair,
    signing: webcrypto.EcdsaParams | webcrypto.RsaHashedImportParams = ALGORITHM,
  ) {
    this.#certificate = certificate;
    this.#keys = keys;
    this.#signing = signing;
  }

  /** With SHA-1 its key is of RSA, and its signatures are weak. */
  static async make(name = 'Test authority', hash: 'SHA-256' | 'SHA-1' = 'SHA-256'): Promise<TestAuthority> {
    const signing = hash === 'SHA-1' ? rsa(2048, hash) : ALGORITHM;
    const keys = await crypto.subtle.generateKey(signing, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      signingAlgorithm: signing,
      ...validity(),
      extensions: [new BasicConstraintsExtension(true, 1, true)],
    });
    return new TestAuthority(certificate, keys, signing);
  }

  /** PEM. */
  get cert(): string {
    return this.#certificate.toString('pem');
  }

  /** PEM of its private key. */
  key(): Promise<string> {
    return pemOf(this.#keys.privateKey);
  }

  /** An authority below this one. */
  async issueAuthority(name: string): Promise<TestAuthority> {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const extensions = [new BasicConstraintsExtension(true, 0, true)];
    return new TestAuthority(await this.#sign(`CN=${name}`, keys.publicKey, extensions, {}), keys);
  }

  /** A certificate for host names, addresses and URIs, or for a client when none are given. An empty name: its subject has no parts. */
  async issue(name: string, hosts: readonly string[] = [], options: IssueOptions = {}): Promise<Pair> {
    const algorithm = options.rsaBits === undefined ? ALGORITHM : rsa(options.rsaBits, 'SHA-256');
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const usage = hosts.length === 0 ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth;
    const extensions: Extension[] = [new ExtendedKeyUsageExtension([usage])];
    if (hosts.length > 0) {
      const names = hosts.map((value) => ({ type: kindOf(value), value }));
      extensions.push(new SubjectAlternativeNameExtension(names));
    }
    // A list of one: status_request.
    if (options.mustStaple === true)
      extensions.push(new PlainExtension('1.3.6.1.5.5.7.1.24', false, Buffer.from('3003020105', 'hex')));
    const { ocsp, caIssuers } = options;
    const access = {
      ...(ocsp === undefined ? {} : { ocsp }),
      ...(caIssuers === undefined ? {} : { caIssuers }),
    };
    if (Object.keys(access).length > 0) extensions.push(new AuthorityInfoAccessExtension(access));
    const subject = name === '' ? '' : `CN=${name}`;
    const certificate = await this.#sign(subject, keys.publicKey, extensions, options);
    return { cert: certificate.toString('pem'), key: await pemOf(keys.privateKey) };
  }

  /** PEM of its list of revoked certificates, which are given as PEM. */
  async revoke(certificates: readonly string[], nextUpdate = validity().notAfter): Promise<string> {
    const list = await X509CrlGenerator.create({
      issuer: this.#certificate.subject,
      thisUpdate: validity().notBefore,
      nextUpdate,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: this.#signing,
      entries: certificates.map((pem) => ({
        serialNumber: new X509Certificate(pem).serialNumber,
        revocationDate: validity().notBefore,
      })),
    });
    // The library has a label of its own; that of RFC 7468 section 7 is another.
    return `${list.toString('pem').replaceAll(' CRL-', ' X509 CRL-')}\n`;
  }

  #sign(
    subject: string,
    publicKey: webcrypto.CryptoKey,
    extensions: Extension[],
    { notBefore, notAfter }: IssueOptions,
  ): Promise<X509Certificate> {
    const usual = validity();
    return X509CertificateGenerator.create({
      subject,
      issuer: this.#certificate.subject,
      publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: this.#signing,
      notBefore: notBefore ?? usual.notBefore,
      notAfter: notAfter ?? usual.notAfter,
      extensions,
    });
  }
}

function rsa(modulusLength: number, hash: string) {
  const publicExponent = new Uint8Array([1, 0, 1]);
  return { name: 'RSASSA-PKCS1-v1_5', modulusLength, publicExponent, hash };
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
}

function kindOf(name: string): 'url' | 'ip' | 'dns' {
  if (name.includes('://')) return 'url';
  return /^[\d.]+$|:/.test(name) ? 'ip' : 'dns';
}

function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + 86_400_000) };
}
