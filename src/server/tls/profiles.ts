import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { ListenerConfig } from '../schema.ts';
import { CIPHERS, GROUPS, TLS_1_3_CIPHERS } from './ciphers.ts';

/** What is spoken of TLS: how old, with what, and by whose order of preference. */
export interface TlsSettings {
  readonly minVersion: '1.2' | '1.3';
  /** OpenSSL's names, of TLS 1.2 and 1.3 alike. */
  readonly ciphers: readonly string[];
  readonly groups: readonly string[];
  readonly serverPreference: boolean;
}

const RECOMMENDED_GROUPS = GROUPS.slice(0, 4);

/** Mozilla's Server Side TLS, version 6.0: hardware differs in what it is quick at, so that the client's order counts. */
const PROFILES: Readonly<Record<'modern' | 'intermediate', TlsSettings>> = {
  modern: {
    minVersion: '1.3',
    ciphers: TLS_1_3_CIPHERS,
    groups: RECOMMENDED_GROUPS,
    serverPreference: false,
  },
  intermediate: {
    minVersion: '1.2',
    ciphers: CIPHERS,
    groups: RECOMMENDED_GROUPS,
    serverPreference: false,
  },
};

/** The profile of a listener, with what it says itself. */
export function tlsSettings({ tls }: ListenerConfig): TlsSettings {
  const profile = PROFILES[tls?.profile ?? 'intermediate'];
  return {
    minVersion: tls?.minVersion ?? profile.minVersion,
    ciphers: tls?.ciphers ?? profile.ciphers,
    groups: tls?.groups ?? profile.groups,
    serverPreference: tls?.serverPreference ?? profile.serverPreference,
  };
}

/** As node:tls takes them. */
export function secureOptions(config: ListenerConfig): SecureContextOptions {
  const { minVersion, ciphers, groups, serverPreference } = tlsSettings(config);
  const clientAuth = config.tls?.clientAuth;
  return {
    minVersion: minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: ciphers.join(':'),
    ecdhCurve: groups.join(':'),
    honorCipherOrder: serverPreference,
    ...(config.tls?.sessionTickets === false ? { secureOptions: constants.SSL_OP_NO_TICKET } : {}),
    // Without it, any authority that Node trusts could vouch for clients.
    ...(clientAuth === undefined ? {} : { ca: clientAuth.ca }),
    ...(clientAuth?.crl === undefined ? {} : { crl: revocationLists(clientAuth.crl) }),
  };
}

/** Node reads one list of a text, and takes several texts. A text without one goes on as it is, so that OpenSSL refuses it. */
function revocationLists(pem: string): string[] {
  return pem.match(/-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g) ?? [pem];
}
