import type { X509Certificate } from 'node:crypto';
import { DER, type DerValue, derMembers, derValues, oidText, readDer } from './der.ts';

/** The values of a certificate that are signed (RFC 5280 section 4.1); undefined where it cannot be taken apart. */
export function signedValues(certificate: X509Certificate): readonly DerValue[] | undefined {
  const [tbs] = derMembers(certificate.raw) ?? [];
  return tbs === undefined ? undefined : derMembers(tbs.whole);
}

/** What an extension of a certificate holds, in DER (RFC 5280 section 4.2); undefined where it has none of that object identifier. */
export function extensionOf(certificate: X509Certificate, oid: string): Buffer | undefined {
  const holder = signedValues(certificate)?.find(({ tag }) => tag === DER.context(3));
  const list = holder === undefined ? undefined : readDer(holder.content);
  for (const { whole } of (list === undefined ? undefined : derValues(list.content)) ?? []) {
    const members = derMembers(whole);
    const [name] = members ?? [];
    if (name !== undefined && oidText(name) === oid) return members?.at(-1)?.content;
  }
  return undefined;
}
