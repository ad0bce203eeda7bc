import { createHash, verify, X509Certificate } from 'node:crypto';
import { signedValues } from '../../../lib/certificate-extension.ts';
import {
  DER,
  type DerValue,
  der,
  derMembers,
  derValues,
  oidText,
  readDer,
  timeOf,
} from '../../../lib/der.ts';

/** A certificate as an OCSP responder knows it (RFC 6960 section 4.1.1), in DER. */
export type CertificateId = Buffer;

const SHA1 = Buffer.from('300906052b0e03021a0500', 'hex');
const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const ENUMERATED = 0x0a;
const GOOD = 0x80;
const REVOKED = 0xa1;

/** Clocks of others may be a little ahead. */
const SKEW_MS = 5 * 60_000;
/** A response that does not say when there will be a newer one is good for so long. */
const DEFAULT_LIFE_MS = 3_600_000;

/** By object identifier; undefined is for keys that have a hash of their own. SHA-1 is not among them. */
const SIGNATURES: ReadonlyMap<string, string | undefined> = new Map([
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.3.101.112', undefined],
]);

/** Throws an Error when the certificates cannot be taken apart. */
export function certificateId(leaf: X509Certificate, issuer: X509Certificate): CertificateId {
  const own = tbsOf(leaf);
  const of = tbsOf(issuer);
  // SHA-1 names the issuer here and protects nothing; it is what every responder knows (RFC 5019 section 2.1.1).
  const hash = (data: Buffer) => der(DER.octetString, createHash('sha1').update(data).digest());
  const key = derMembers(of.publicKey.whole)?.[1];
  if (key === undefined) throw new Error('the key of the issuer cannot be read');
  return der(
    DER.sequence,
    SHA1,
    hash(own.issuer.whole),
    // Without the count of unused bits.
    hash(key.content.subarray(1)),
    own.serial.whole,
  );
}

interface Tbs {
  readonly serial: DerValue;
  readonly issuer: DerValue;
  readonly publicKey: DerValue;
}

/** RFC 5280 section 4.1 */
function tbsOf(certificate: X509Certificate): Tbs {
  const members = signedValues(certificate);
  const version = members?.[0]?.tag === DER.context(0) ? 1 : 0;
  const serial = members?.[version];
  const issuer = members?.[version + 2];
  const publicKey = members?.[version + 5];
  if (serial === undefined || issuer === undefined || publicKey === undefined)
    throw new Error('the certificate cannot be taken apart');
  return { serial, issuer, publicKey };
}

export function ocspRequest(id: CertificateId): Buffer {
  const { sequence } = DER;
  return der(sequence, der(sequence, der(sequence, der(sequence, id))));
}

export type OcspOutcome =
  | { readonly kind: 'good'; readonly thisUpdateMs: number; readonly nextUpdateMs: number }
  | { readonly kind: 'refused'; readonly reason: string };

const refused = (reason: string): OcspOutcome => ({ kind: 'refused', reason });

/** Whether a response says, now and with a signature that counts, that a certificate is good (RFC 6960 section 3.2). */
export function checkResponse(
  response: Buffer,
  id: CertificateId,
  issuer: X509Certificate,
  nowMs: number,
): OcspOutcome {
  const [status, bytes] = derMembers(response) ?? [];
  if (status?.tag !== ENUMERATED) return refused('what came is no OCSP response');
  if (status.content[0] !== 0) return refused(`the responder says no: status ${status.content[0]}`);
  const [type, octets] = bytes === undefined ? [] : (derMembers(bytes.content) ?? []);
  if (type === undefined || octets === undefined || oidText(type) !== BASIC_RESPONSE)
    return refused('the response is of a kind that is not known');
  const [data, algorithm, signature, certificates] = derMembers(octets.content) ?? [];
  if (data === undefined || algorithm === undefined || signature === undefined)
    return refused('what came is no OCSP response');
  if (!isSigned(data.whole, algorithm, signature, signers(certificates, issuer, nowMs)))
    return refused('the signature is not that of the issuer, nor of a responder that it names');
  return singleOutcome(data, id, nowMs);
}

function singleOutcome(data: DerValue, id: CertificateId, nowMs: number): OcspOutcome {
  const list = derValues(data.content)?.find(({ tag }) => tag === DER.sequence);
  const singles = list === undefined ? undefined : derValues(list.content);
  for (const single of singles ?? []) {
    const [of, state, thisUpdate, next] = derMembers(single.whole) ?? [];
    if (of === undefined || state === undefined || thisUpdate === undefined || !isSame(of, id)) continue;
    if (state.tag === REVOKED) return refused('the certificate is revoked');
    if (state.tag !== GOOD) return refused('the responder does not know the certificate');
    const thisUpdateMs = timeOf(thisUpdate);
    const until = next?.tag === DER.context(0) ? readDer(next.content) : undefined;
    const nextUpdateMs = until === undefined ? nowMs + DEFAULT_LIFE_MS : timeOf(until);
    if (!(thisUpdateMs <= nowMs + SKEW_MS)) return refused('the response is of a time to come');
    if (!(nextUpdateMs > nowMs)) return refused('the response is over');
    return { kind: 'good', thisUpdateMs, nextUpdateMs };
  }
  return refused('the response is for another certificate');
}

/** The parameters of the hash may be left out (RFC 5754 section 2), so that the values are compared. */
function isSame(of: DerValue, id: CertificateId): boolean {
  const [algorithm, ...values] = derMembers(of.whole) ?? [];
  const [own, ...wanted] = derMembers(id) ?? [];
  const name = (value: DerValue | undefined) =>
    value === undefined ? undefined : readDer(value.content)?.content.toString('hex');
  return (
    name(algorithm) === name(own) &&
    values.length === wanted.length &&
    values.every((value, index) => value.content.equals(wanted[index]?.content ?? Buffer.alloc(0)))
  );
}

/** RFC 6960 section 4.2.2.2: the issuer, or whom it gave the right to answer. */
function signers(
  certificates: DerValue | undefined,
  issuer: X509Certificate,
  nowMs: number,
): X509Certificate[] {
  const found = [issuer];
  const list = certificates === undefined ? undefined : derMembers(certificates.content);
  for (const { whole } of list?.slice(0, 4) ?? []) {
    const certificate = certificateOf(whole);
    if (
      certificate?.keyUsage?.includes(OCSP_SIGNING) === true &&
      certificate.validFromDate.getTime() <= nowMs &&
      certificate.validToDate.getTime() > nowMs &&
      certificate.checkIssued(issuer) &&
      certificate.verify(issuer.publicKey)
    )
      found.push(certificate);
  }
  return found;
}

function certificateOf(raw: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(raw);
  } catch {
    return undefined;
  }
}

function isSigned(
  data: Buffer,
  algorithm: DerValue,
  signature: DerValue,
  by: readonly X509Certificate[],
): boolean {
  const oid = readDer(algorithm.content);
  const name = oid === undefined ? '' : oidText(oid);
  if (!SIGNATURES.has(name)) return false;
  const value = signature.content.subarray(1);
  return by.some(({ publicKey }) => {
    try {
      return verify(SIGNATURES.get(name), data, publicKey, value);
    } catch {
      // A key of another kind than the algorithm.
      return false;
    }
  });
}
