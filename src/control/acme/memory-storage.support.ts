import type { Challenge } from './order.ts';
import type { AccountRecord, AcmeState, AcmeStorage, CertificateRecord, FailureRecord } from './storage.ts';

/** What several keepers share, within a test. */
export class MemoryStorage implements AcmeStorage {
  isShared = true;
  /** Every method rejects with it. */
  outage: Error | undefined;
  holder: string | undefined;
  readonly accounts = new Map<string, AccountRecord>();
  readonly certificates = new Map<string, CertificateRecord>();
  readonly failures = new Map<string, FailureRecord>();
  readonly #challenges = new Map<string, { list: readonly Challenge[]; untilMs: number }>();
  readonly #nowMs: () => number;
  #version = 0;
  #leaseUntilMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  async version(): Promise<number> {
    this.#reach();
    return this.#version;
  }

  async read(): Promise<AcmeState> {
    this.#reach();
    const challenges = [...this.#challenges.values()].flatMap(({ list, untilMs }) =>
      untilMs > this.#nowMs() ? list : [],
    );
    return {
      version: this.#version,
      certificates: new Map(this.certificates),
      failures: new Map(this.failures),
      challenges,
    };
  }

  /** What an earlier process left. */
  kept: AcmeState['certificates'] = new Map();

  async lastKnown(): Promise<AcmeState['certificates']> {
    return this.kept;
  }

  async account(id: string): Promise<AccountRecord | undefined> {
    this.#reach();
    return this.accounts.get(id);
  }

  async saveAccount(account: AccountRecord): Promise<void> {
    this.#reach();
    this.accounts.set(account.id, account);
  }

  async saveCertificate(certificate: CertificateRecord): Promise<void> {
    this.#change();
    this.certificates.set(certificate.name, certificate);
    this.failures.delete(certificate.name);
  }

  async saveFailure(failure: FailureRecord): Promise<void> {
    this.#change();
    this.failures.set(failure.name, failure);
  }

  async saveChallenges(name: string, list: readonly Challenge[], lifeMs: number): Promise<void> {
    this.#change();
    this.#challenges.set(name, { list, untilMs: this.#nowMs() + lifeMs });
  }

  async lease(holder: string, lifeMs: number): Promise<boolean> {
    this.#reach();
    const nowMs = this.#nowMs();
    if (this.holder !== undefined && this.holder !== holder && this.#leaseUntilMs > nowMs) return false;
    this.holder = holder;
    this.#leaseUntilMs = nowMs + lifeMs;
    return true;
  }

  async release(holder: string): Promise<void> {
    this.#reach();
    if (this.holder === holder) this.holder = undefined;
  }

  #change(): void {
    this.#reach();
    this.#version++;
  }

  #reach(): void {
    if (this.outage !== undefined) throw this.outage;
  }
}
