import type { X509Certificate } from 'node:crypto';

/** Whole subject or issuer as RFC 4514 writes it: most specific part first, `CN=alice,O=Example`; undefined when it has no parts. */
export function distinguishedName(openssl: string): string | undefined {
  // Node has none for a name without parts, which RFC 5280 section 4.1.2.6 lets stand where there are alternative names.
  if ((openssl as string | undefined) === undefined || openssl === '') return undefined;
  // OpenSSL has a line per part in the order of the certificate, with the escapes of RFC 4514, so that no value holds a line end.
  return openssl.split('\n').reverse().join(',');
}

/** As `distinguishedName` writes it, without spaces around the parts and with types in capital letters; undefined when it is none. */
export function canonicalName(text: string): string | undefined {
  // A comma or a space that belongs to a value has a backslash before it.
  const parts = text.split(/(?<!\\),/).map((part) => part.trim());
  const canonical = parts.map((part) => /^([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=\s*(.+)$/s.exec(part));
  if (canonical.some((match) => match === null)) return undefined;
  return canonical.map((match) => `${match?.[1] ?? ''}=${match?.[2] ?? ''}`).join(',');
}

/** SHA-256 as hex digits in small letters; undefined when the text is no `sha256:` and 64 hex digits, with or without colons. */
export function canonicalFingerprint(text: string): string | undefined {
  const digits = /^sha256:([0-9A-Fa-f:]+)$/.exec(text)?.[1]?.replaceAll(':', '').toLowerCase();
  return digits?.length === 64 ? digits : undefined;
}

export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Serial number as hex digits in small letters without leading zeros; undefined when it is none. */
export function canonicalSerial(text: string): string | undefined {
  const digits = text.replaceAll(':', '').toLowerCase();
  return /^[0-9a-f]{1,64}$/.test(digits) ? digits.replace(/^0+(?=.)/, '') : undefined;
}

const SAN_KINDS = { dns: 'DNS', uri: 'URI', email: 'email', ip: 'IP' } as const;

/** `DNS:a.example.com`, `URI:…`, `email:…` or `IP:…`, host names in small letters; undefined when it is none of them. */
export function canonicalSan(text: string): string | undefined {
  const colon = text.indexOf(':');
  const kind = SAN_KINDS[text.slice(0, Math.max(0, colon)).toLowerCase() as keyof typeof SAN_KINDS];
  const value = text.slice(colon + 1);
  if (kind === undefined || value === '') return undefined;
  return `${kind}:${kind === 'DNS' ? value.toLowerCase() : value}`;
}

/** The alternative names of a certificate, as `canonicalSan` writes them; kinds that are none of its four are left out. */
export function alternativeNames(certificate: X509Certificate): readonly string[] {
  const names: string[] = [];
  // Node quotes a value that could be taken for several names, as JSON does.
  for (const match of (certificate.subjectAltName ?? '').matchAll(
    /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)/g,
  )) {
    const kind = match[1] === 'IP Address' ? 'IP' : (match[1] as string);
    const name = canonicalSan(`${kind}:${unquoted(match[2] as string)}`);
    if (name !== undefined) names.push(name);
  }
  return names;
}

function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    // Not a name that could be meant: it equals none.
    return '';
  }
}
