import type { X509Certificate } from 'node:crypto';
import { ABSENT, type Authenticator, type Finding, type Refused } from '../../identity/authenticator.ts';
import type { Certificates } from '../../identity/consumers/certificates.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import type { ClientCertificate, Exchange } from '../../policy/contract.ts';
import { certificatePrincipal } from './certificate-principal.ts';
import { readAuthorities, readCertificateField } from './certificate-text.ts';
import type { MtlsOptions } from './schema.ts';

/** Certificates that a proxy passes are read once each. */
const READ_FIELDS = 1000;

function refused(detail: string): Refused {
  return { kind: 'refused', code: 'invalid_credentials', detail };
}

const UNKNOWN = refused('The client certificate is not that of anybody known here.');
const UNVERIFIED = refused('The client certificate is signed by nobody who is trusted here.');
const OUTDATED = refused('The client certificate is not valid at this time.');
const MALFORMED = refused('The field with the client certificate cannot be read.');

/** What a certificate tells, and when that is so. */
interface Judged {
  readonly finding: Finding;
  readonly fromMs: number;
  readonly toMs: number;
}

const UNREADABLE: Judged = { finding: MALFORMED, fromMs: 0, toMs: Number.POSITIVE_INFINITY };

/** TLS client certificates of consumers: that of the connection, or one that a trusted proxy passes. */
export class MtlsAuthenticator implements Authenticator {
  readonly method = 'mtls';
  readonly #certificates: Certificates;
  readonly #authorities: readonly X509Certificate[] | undefined;
  readonly #header: string | undefined;
  readonly #forward: boolean;
  readonly #unknown: MtlsOptions['unknown'];
  readonly #nowMs: () => number;
  /** By certificate of a connection: a connection has many requests. */
  readonly #judged = new WeakMap<ClientCertificate, Judged>();
  readonly #passed = new BoundedMap<string, Judged>(READ_FIELDS);

  constructor(options: MtlsOptions, certificates: Certificates, nowMs: () => number) {
    const { ca, header, forward, unknown } = options;
    this.#certificates = certificates;
    this.#authorities = ca === undefined ? undefined : (readAuthorities(ca) ?? []);
    this.#header = header?.toLowerCase();
    this.#forward = forward;
    this.#unknown = unknown;
    this.#nowMs = nowMs;
  }

  authenticate(exchange: Exchange): Finding {
    const judged = this.#judge(exchange);
    if (judged === undefined) return ABSENT;
    const nowMs = this.#nowMs();
    return nowMs >= judged.fromMs && nowMs <= judged.toMs ? judged.finding : OUTDATED;
  }

  /** A 401 has to have one (RFC 9110 section 15.5.2), and no scheme is registered for what TLS itself asks for. */
  challenge(): string {
    return 'ClientCertificate';
  }

  /** RFC 9440 section 2.1 has whoever does not trust the sender take the field off. */
  strip({ request, isPeerTrusted }: Exchange): void {
    const header = this.#header;
    if (header !== undefined && !(this.#forward && isPeerTrusted)) request.fields.delete(header);
  }

  #judge({ client, request, isPeerTrusted }: Exchange): Judged | undefined {
    const header = this.#header;
    if (header !== undefined && isPeerTrusted) {
      // The connection is the proxy's, and so is its certificate.
      const value = request.fields.get(header);
      if (value === undefined) return undefined;
      return request.fields.repeats(header) ? UNREADABLE : this.#judgePassed(value);
    }
    const { certificate } = client;
    if (certificate === undefined) return undefined;
    let judged = this.#judged.get(certificate);
    if (judged === undefined) {
      judged = this.#judgeCertificate(certificate);
      this.#judged.set(certificate, judged);
    }
    return judged;
  }

  #judgePassed(value: string): Judged {
    let judged = this.#passed.get(value);
    if (judged === undefined) {
      const leaf = readCertificateField(value);
      // The proxy has verified it: it passes no other (RFC 9440 section 4).
      judged = leaf === undefined ? UNREADABLE : this.#judgeCertificate({ leaf, isVerified: true });
      this.#passed.set(value, judged);
    }
    return judged;
  }

  #judgeCertificate({ leaf, isVerified }: ClientCertificate): Judged {
    const fromMs = leaf.validFromDate.getTime();
    const toMs = leaf.validToDate.getTime();
    return { finding: this.#find(leaf, isVerified), fromMs, toMs };
  }

  #find(leaf: X509Certificate, isVerified: boolean): Finding {
    const match = this.#certificates.find(leaf);
    // A certificate that is named itself needs nobody who vouches for it; its client has shown that it has the key.
    const isTrusted = isVerified || match?.isPinned === true;
    if (!isTrusted || !this.#isAllowed(leaf)) return UNVERIFIED;
    return match?.known ?? this.#findUnknown(leaf);
  }

  #findUnknown(leaf: X509Certificate): Finding {
    if (this.#unknown === 'refuse') return UNKNOWN;
    const principal = certificatePrincipal(leaf, this.#unknown);
    return principal === undefined ? UNKNOWN : { kind: 'known', principal };
  }

  #isAllowed(leaf: X509Certificate): boolean {
    const authorities = this.#authorities;
    return (
      authorities === undefined ||
      authorities.some((authority) => leaf.checkIssued(authority) && leaf.verify(authority.publicKey))
    );
  }
}
