/** From the main thread to every worker, at any time. */
export type TlsNews =
  /** Secrets of session tickets: new tickets are made with the first, and those of the others are taken too. Never empty. */
  | { readonly kind: 'ticketSecrets'; readonly secrets: readonly Uint8Array[] }
  /** OCSP responses (DER) by the fingerprint of their certificate; these are all. */
  | { readonly kind: 'staples'; readonly staples: ReadonlyMap<string, Uint8Array> };
