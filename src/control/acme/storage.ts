import type { Challenge } from './order.ts';

/** An account at an ACME server. */
export interface AccountRecord {
  /** What it is for: server, address and the authority's own account; another of these is another account. */
  readonly id: string;
  /** PEM. */
  readonly key: string;
  /** Its address there; empty until the server has told it. */
  readonly url: string;
}

/** A certificate that was issued. */
export interface CertificateRecord {
  readonly name: string;
  /** Digest of what was ordered: another is another order. */
  readonly ordered: string;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly issuedAtMs: number;
  readonly renewAtMs: number;
}

/** Orders that failed, since the last one that did not. */
export interface FailureRecord {
  readonly name: string;
  /** Digest of the settings that they failed with: others are tried at once. */
  readonly settings: string;
  readonly failures: number;
  /** What the server says, in a sentence. */
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly retryAtMs: number;
}

export interface AcmeState {
  /** Grows with every change, and tells whether there was one. */
  readonly version: number;
  readonly certificates: ReadonlyMap<string, CertificateRecord>;
  readonly failures: ReadonlyMap<string, FailureRecord>;
  readonly challenges: readonly Challenge[];
}

/** What the nodes of a gateway know of their certificates, by a clock that they share. Every method rejects where it cannot be reached. */
export interface AcmeStorage {
  /** Whether other nodes see it: they need a moment to. */
  readonly isShared: boolean;
  version(): Promise<number>;
  /** Without challenges that are over. */
  read(): Promise<AcmeState>;
  /** Certificates that were read last, also by an earlier process, for when the store is away. */
  lastKnown(): Promise<AcmeState['certificates']>;
  account(id: string): Promise<AccountRecord | undefined>;
  saveAccount(account: AccountRecord): Promise<void>;
  /** The failures of its name are forgotten. */
  saveCertificate(certificate: CertificateRecord): Promise<void>;
  saveFailure(failure: FailureRecord): Promise<void>;
  /** For so long, in the place of those of this certificate that are there, and of those of all that are over. */
  saveChallenges(name: string, challenges: readonly Challenge[], lifeMs: number): Promise<void>;
  /** Whether this holder may order now: nobody else may for so long. */
  lease(holder: string, lifeMs: number): Promise<boolean>;
  release(holder: string): Promise<void>;
}
