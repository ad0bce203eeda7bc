const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** PEM blocks of certificates in a text, in their order. */
export function certificateBlocks(pem: string): readonly string[] {
  return pem.match(CERTIFICATE) ?? [];
}
