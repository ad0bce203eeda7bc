/** Tables of what comes by ACME, beside those of the store. Times are milliseconds since 1970. */
export interface AcmeTables {
  readonly acme_accounts: AccountRow;
  readonly acme_certificates: CertificateRow;
  readonly acme_failures: FailureRow;
  readonly acme_challenges: ChallengeRow;
  readonly acme_state: StateRow;
}

/** `value` and `secrets` are what the store's sealer makes of a key, and of the certificate for it. */
interface Sealed {
  readonly value: string;
  readonly secrets: string | null;
}

export interface AccountRow extends Sealed {
  readonly id: string;
  readonly url: string;
}

export interface CertificateRow extends Sealed {
  readonly name: string;
  readonly ordered: string;
  readonly issued_at_ms: number;
  readonly renew_at_ms: number;
}

interface FailureRow {
  readonly name: string;
  readonly settings: string;
  readonly failures: number;
  readonly reason: string;
  readonly at_ms: number;
  readonly retry_at_ms: number;
}

interface ChallengeRow {
  readonly name: string;
  readonly type: string;
  readonly host: string;
  readonly token: string;
  readonly key_authorization: string;
  readonly until_ms: number;
}

/** One row, whose `id` is 1. */
interface StateRow {
  readonly id: number;
  readonly version: number;
  readonly holder: string | null;
  readonly leased_until_ms: number;
}
