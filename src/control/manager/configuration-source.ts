import { type LoadedConfig, type LoadResult, loadConfig } from '../config/load.ts';
import { LoadCache } from '../config/load-cache.ts';
import type { StoreState } from '../store/entity.ts';
import type { StoreSettings } from '../store/schema.ts';
import { StoreConnection } from '../store/store-connection.ts';
import { StoreFollower } from './store-follower.ts';
import {
  type ConfigReloader,
  type LoadedOther,
  StoredConfiguration,
  type StoredConfigurationOptions,
} from './stored-configuration.ts';

export interface ConfigurationSourceOptions {
  /** Absolute path of the configuration. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
}

interface FollowedStore {
  readonly connection: StoreConnection;
  readonly follower: StoreFollower;
}

/** Where a node's configuration comes from: its file, and the store that the file names. One store for as long as it lives. */
export class ConfigurationSource {
  readonly #options: ConfigurationSourceOptions;
  readonly #cache = new LoadCache();
  #store: FollowedStore | undefined;
  #manager: StoredConfiguration | undefined;

  constructor(options: ConfigurationSourceOptions) {
    this.#options = options;
  }

  /** The file as it is now, with the newest that can be known of the store. */
  load(): Promise<LoadResult> {
    return this.#load(async (settings) => {
      const { follower } = this.#storeOf(settings);
      const state = await follower.pull();
      follower.offer(state.revision);
      return state;
    });
  }

  /** What asks of and changes the configuration that `reloader` begins with. */
  manage(
    { store }: Pick<LoadedConfig, 'store'>,
    reloader: Pick<ConfigReloader, 'current' | 'inTurn'>,
    options: Pick<StoredConfigurationOptions, 'node' | 'record'>,
  ): StoredConfiguration {
    const { connection, follower } = this.#storeOf(store);
    const manager = new StoredConfiguration({
      ...options,
      connection,
      follower,
      reloader,
      load: (state, newCertificates) => this.#load(state, newCertificates),
      loadOther: (other, state) => this.#loadOther(other, state),
      log: this.#options.log,
      nowMs: Date.now,
    });
    this.#manager = manager;
    return manager;
  }

  /** From now on what others change in the store is put into force here, too. */
  follow(reloader: Pick<ConfigReloader, 'current' | 'inTurn' | 'reload'>): void {
    const { store } = reloader.current;
    if (!store.enabled) return;
    const { follower } = this.#storeOf(store);
    follower.keep(reloader.current.stored);
    follower.follow(
      () => this.#catchUp(reloader, follower),
      () => void this.#manager?.report(),
    );
  }

  /** Why the store cannot be reached; undefined while it can. */
  get storeDown(): string | undefined {
    return this.#store?.follower.down;
  }

  /** The way to the store; others keep their tables in it, too. undefined before the first load. */
  get connection(): StoreConnection | undefined {
    return this.#store?.connection;
  }

  async close(): Promise<void> {
    await this.#manager?.close();
    await this.#store?.follower.close();
    await this.#store?.connection.close();
  }

  #storeOf(settings: StoreSettings): FollowedStore {
    if (this.#store === undefined) {
      const { log } = this.#options;
      const connection = new StoreConnection({ settings, log });
      this.#store = { connection, follower: new StoreFollower({ connection, log }) };
    }
    return this.#store;
  }

  #load(
    stored: StoreState | ((settings: StoreSettings) => Promise<StoreState>),
    newCertificates?: ReadonlySet<string>,
  ): Promise<LoadResult> {
    const { file, env } = this.#options;
    return loadConfig(file, { env, cache: this.#cache, stored, newCertificates });
  }

  /** With a memory of its own: what is tried and put away is not to take the place of what is known. */
  async #loadOther(other: Readonly<Record<string, unknown>>, stored: StoreState): Promise<LoadedOther> {
    const name = `${this.#options.file}.json`;
    const result = await loadConfig(name, { env: this.#options.env, text: JSON.stringify(other), stored });
    return { name, result };
  }

  /** What this node changed itself is known by the time that it has the turn. */
  async #catchUp(
    reloader: Pick<ConfigReloader, 'inTurn' | 'reload'>,
    follower: StoreFollower,
  ): Promise<void> {
    const isNews = await reloader.inTurn(() => follower.hasNews());
    if (isNews) await reloader.reload('store');
  }
}
