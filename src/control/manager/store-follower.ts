import { messageOf } from '../../lib/message-of.ts';
import { StoreRefused } from '../store/database.ts';
import type { StoreState } from '../store/entity.ts';
import { EMPTY_STATE } from '../store/state.ts';
import type { StoreConnection } from '../store/store-connection.ts';
import { Snapshot } from './snapshot.ts';

export interface StoreFollowerOptions {
  readonly connection: Pick<StoreConnection, 'existing' | 'sealer' | 'settings'>;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/**
 * Knows the newest state of the store that this node has seen, and finds out that there is a newer one: from the store's announcements, and
 * by asking it from time to time. While it cannot be reached the last one stays; where there was none yet, that of the snapshot.
 */
export class StoreFollower {
  readonly #connection: StoreFollowerOptions['connection'];
  readonly #log: StoreFollowerOptions['log'];
  #latest: StoreState = EMPTY_STATE;
  /** The newest revision that was tried to be put into force, well or not. */
  #offered = 0;
  #hasRead = false;
  #fromSnapshot = false;
  #down: string | undefined;
  #snapshot: Snapshot | undefined;
  /** What could not be written to the snapshot, and is tried again. */
  #unkept: StoreState | undefined;
  #timer: NodeJS.Timeout | undefined;
  #listener: { close(): void } | undefined;
  #onNews: (() => Promise<void>) | undefined;
  #looking: Promise<void> | undefined;
  #isAskedFor = false;
  #closed = false;

  constructor({ connection, log }: StoreFollowerOptions) {
    this.#connection = connection;
    this.#log = log;
  }

  get latest(): StoreState {
    return this.#latest;
  }

  /** Why the store cannot be reached, or used; undefined while it can. */
  get down(): string | undefined {
    return this.#down;
  }

  /** Whether what is known comes from the snapshot. */
  get fromSnapshot(): boolean {
    return this.#fromSnapshot;
  }

  /** The newest state, or the one known last. Rejects where none is known, and where the store is not to be used. */
  async pull(): Promise<StoreState> {
    try {
      const store = await this.#connection.existing();
      this.know(store === undefined ? EMPTY_STATE : await store.read(this.#latest));
    } catch (error) {
      if (error instanceof StoreRefused && !this.#hasRead) throw error;
      this.lost(error);
      if (!this.#hasRead) await this.#takeSnapshot();
    }
    return this.#latest;
  }

  /** The store was reached, and this is what it holds. */
  know(state: StoreState): void {
    if (this.#down !== undefined) this.#log('info', 'the store can be reached again');
    this.#down = undefined;
    this.#fromSnapshot = false;
    this.#hasRead = true;
    this.#latest = state;
  }

  /** This revision was put into force, or was refused for good. */
  offer(revision: number): void {
    this.#offered = revision;
  }

  /** The store was not reached. */
  lost(error: unknown): void {
    const reason = messageOf(error);
    if (this.#down === undefined)
      this.#log('error', `the store cannot be reached, the configuration stays as it is: ${reason}`);
    this.#down = reason;
  }

  /**
   * Calls back when there seems to be something newer than what was offered, until it is closed. `onPoll` is called every time that the store was
   * asked by the clock.
   */
  follow(onNews: () => Promise<void>, onPoll: () => void): void {
    this.#onNews = onNews;
    const lookAgain = async (): Promise<void> => {
      await this.#look();
      if (this.#unkept !== undefined) this.keep(this.#unkept);
      onPoll();
      if (this.#closed) return;
      const { pollMs } = this.#connection.settings;
      this.#timer = setTimeout(() => void lookAgain(), pollMs).unref();
    };
    void lookAgain();
  }

  /** Whether the store holds another revision than was offered, or can be reached again. Does not reject. */
  async hasNews(): Promise<boolean> {
    try {
      const store = await this.#connection.existing();
      if (this.#closed) return false;
      if (store !== undefined) this.#listener ??= store.database.listen(() => void this.#look());
      const newest = store === undefined ? 0 : await store.newest();
      return this.#down !== undefined || newest !== this.#offered;
    } catch (error) {
      if (!this.#closed) this.lost(error);
      return false;
    }
  }

  /** One look at a time, whatever is announced meanwhile: after it there is one more. */
  #look(): Promise<void> {
    this.#isAskedFor = true;
    this.#looking ??= this.#lookWhileAskedFor().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookWhileAskedFor(): Promise<void> {
    while (this.#isAskedFor && !this.#closed) {
      this.#isAskedFor = false;
      if (await this.hasNews()) await this.#onNews?.();
    }
  }

  /** Keeps a state that is in force for a start without the store. A file needs no copy. */
  keep(state: StoreState): void {
    if (this.#connection.settings.place.kind === 'sqlite' || this.#fromSnapshot) return;
    this.#snapshotFile()
      .write(state)
      .then(
        () => {
          if (this.#unkept !== undefined) this.#log('info', 'the snapshot of the store can be written again');
          this.#unkept = undefined;
        },
        (error: unknown) => {
          if (this.#unkept === undefined) this.#log('warn', messageOf(error));
          this.#unkept = state;
        },
      );
  }

  /** Resolves when the snapshot is written. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listener?.close();
    await this.#snapshot?.settled();
  }

  async #takeSnapshot(): Promise<void> {
    const state =
      this.#connection.settings.place.kind === 'sqlite' ? undefined : await this.#snapshotFile().read();
    if (state === undefined)
      throw new Error(`the store cannot be reached, and there is no snapshot of it: ${this.#down}`);
    this.#log(
      'warn',
      `serving revision ${state.revision} from the snapshot of the store, which cannot be reached`,
    );
    this.#latest = state;
    this.#hasRead = true;
    this.#fromSnapshot = true;
  }

  #snapshotFile(): Snapshot {
    this.#snapshot ??= new Snapshot(this.#connection.settings.snapshotFile, this.#connection.sealer());
    return this.#snapshot;
  }
}
