import type { SecureContextOptions } from 'node:tls';
import type { ListenerConfig } from '../schema.ts';

/** What is spoken of TLS: how old, with what, and by whose order of preference. */
export interface TlsSettings {
  readonly minVersion: '1.2' | '1.3';
  /** OpenSSL's names, of TLS 1.2 and 1.3 alike. */
  readonly ciphers: readonly string[];
  readonly groups: readonly string[];
  readonly serverPreference: boolean;
}

const TLS_1_3_CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
] as const;
const TLS_1_2_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
] as const;

/** Every cipher that a listener may be told to use: all have forward secrecy and authenticate what they encrypt. */
export const CIPHERS = [...TLS_1_3_CIPHERS, ...TLS_1_2_CIPHERS] as const;
export const GROUPS = ['X25519MLKEM768', 'X25519', 'prime256v1', 'secp384r1', 'secp521r1'] as const;

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
    // Without it, any authority that Node trusts could vouch for clients.
    ...(clientAuth === undefined ? {} : { ca: clientAuth.ca }),
    ...(clientAuth?.crl === undefined ? {} : { crl: clientAuth.crl }),
  };
}
