import { randomUUID } from 'node:crypto';
import type { AcmeKeeper, AcmeStatus } from '../control/acme/keeper.ts';
import type { LoadedConfig } from '../control/config/load.ts';
import type { StoreConnection } from '../control/store/store-connection.ts';
import { systemTimers } from '../lib/timers.ts';
import type { DataPlaneConfig } from '../server/config.ts';
import type { Log, News } from './messages.ts';
import { VERSION } from './version.ts';

export interface AcmeOptions {
  /** The way to the store, once there is a configuration. */
  readonly connection: () => StoreConnection | undefined;
  readonly log: Log;
  /** Tells every worker. */
  readonly publish: (news: News) => void;
  /** There are other certificates than those that a configuration was completed with. Resolves with why they cannot be put into force. */
  readonly changed: () => Promise<string | undefined>;
}

/** Certificates by ACME in this process. Nothing of it is loaded before a configuration has one. */
export class Acme {
  readonly #options: AcmeOptions;
  #keeper: AcmeKeeper | undefined;

  constructor(options: AcmeOptions) {
    this.#options = options;
  }

  /** What the workers get: with the certificates that were issued, or something in their place. */
  async complete({ dataPlane, acme }: LoadedConfig): Promise<DataPlaneConfig> {
    if (Object.keys(acme).length === 0) return dataPlane;
    this.#keeper ??= await this.#open();
    const pairs = await this.#keeper.pairs(acme);
    return { ...dataPlane, certificates: { ...dataPlane.certificates, ...pairs } };
  }

  /** This configuration is in force. */
  keep({ acme }: LoadedConfig): void {
    this.#keeper?.keep(acme);
  }

  /** What a new worker is told. */
  news(): readonly News[] {
    return this.#keeper?.news() ?? [];
  }

  status(): readonly AcmeStatus[] {
    return this.#keeper?.status() ?? [];
  }

  async close(): Promise<void> {
    await this.#keeper?.close();
  }

  async #open(): Promise<AcmeKeeper> {
    const { connection, log, publish, changed } = this.#options;
    const [{ AcmeKeeper: Keeper }, { StoreStorage }, { issueCertificate }, { askRenewalInfo }] =
      await Promise.all([
        import('../control/acme/keeper.ts'),
        import('../control/acme/store-storage.ts'),
        import('../control/acme/issue.ts'),
        import('../control/acme/renewal-info.ts'),
      ]);
    return new Keeper({
      storage: async () => {
        const store = connection();
        if (store === undefined) throw new Error('there is no store');
        return new StoreStorage(store);
      },
      node: randomUUID(),
      issue: issueCertificate,
      askRenewalInfo,
      userAgent: `portcullis/${VERSION}`,
      timers: systemTimers,
      nowMs: Date.now,
      random: Math.random,
      log,
      publish,
      changed,
    });
  }
}
