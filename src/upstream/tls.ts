import * as tls from 'node:tls';

/** `tls` of a service, its files read. */
export interface ServiceTls {
  readonly serverName?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly verify?: boolean | undefined;
}

/** What all connections to a service share. Throws the error of OpenSSL when a certificate or key is unusable. */
export function clientContext(settings: ServiceTls | undefined): tls.SecureContext {
  return tls.createSecureContext({ ca: settings?.ca, cert: settings?.cert, key: settings?.key });
}

/** How a TLS connection to `host` (no brackets) is made. */
export function clientTls(
  host: string,
  settings: ServiceTls | undefined,
  secureContext: tls.SecureContext,
): tls.ConnectionOptions {
  return {
    // RFC 6066 section 3: an address is no server name.
    servername: settings?.serverName ?? (/^[\d.]+$|:/.test(host) ? '' : host),
    secureContext,
    rejectUnauthorized: settings?.verify ?? true,
    ALPNProtocols: ['http/1.1'],
  };
}
