export const TLS_1_3_CIPHERS = [
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
