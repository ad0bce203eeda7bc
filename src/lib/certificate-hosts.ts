import type { X509Certificate } from 'node:crypto';
import { SocketAddress } from 'node:net';

/**
 * What a server certificate is for, by its alternative names alone (RFC 9525 section 6.3; the common name does not count): DNS names in
 * small letters, wildcards as `*.example.com`, and IP addresses as node:net writes them.
 */
export function certificateHosts(certificate: X509Certificate): readonly string[] {
  const hosts: string[] = [];
  // Node quotes a value that could be taken for several names, as JSON does: such a one is no host.
  for (const [, kind, value = ''] of (certificate.subjectAltName ?? '').matchAll(
    /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)/g,
  )) {
    if (kind === 'DNS' && /^(?:\*\.)?[\w-]+(?:\.[\w-]+)*$/.test(value)) hosts.push(value.toLowerCase());
    else if (kind === 'IP Address') hosts.push(canonicalAddress(value));
  }
  return hosts;
}

/** Whether a certificate with these names is for a host: a name in small letters, or an address without brackets. */
export function coversHost(hosts: ReadonlySet<string>, host: string): boolean {
  if (hosts.has(host)) return true;
  const dot = host.indexOf('.');
  return dot > 0 && hosts.has(`*${host.slice(dot)}`);
}

/** OpenSSL writes IPv6 in full: `2001:DB8:0:0:0:0:0:1`. */
function canonicalAddress(text: string): string {
  return text.includes(':') ? (SocketAddress.parse(`[${text}]:1`)?.address ?? text.toLowerCase()) : text;
}
