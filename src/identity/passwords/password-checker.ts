import { createHmac, randomBytes } from 'node:crypto';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { verifyPassword } from './password-hash.ts';
import { formatPhc, type PasswordHash } from './phc.ts';

/** Hashes that are computed at once in one worker: libuv has four threads for all workers, and files and DNS need some. */
const AT_ONCE = 2;
/** Checks that wait for their turn, in all, ... */
const WAITING = 64;
/** ... and of one client: whoever guesses passwords waits behind the others and not before them. */
const WAITING_PER_CLIENT = 8;

/** Pairs that are known to be right, ... */
const RIGHT_PAIRS = 10_000;
const RIGHT_MS = 10 * 60_000;
/** ... and to be wrong: a client that repeats one costs nothing, and one that tries many cannot push out the right ones. */
const WRONG_PAIRS = 1000;
const WRONG_MS = 60_000;

/** Too many checks wait already. */
export type PasswordVerdict = boolean | 'busy';

/** Told apart by a key of the process: no dump shows what was tried. */
interface Waiting {
  readonly client: string;
  readonly start: () => void;
}

/** Checks passwords against slow hashes, a few at once and each pair once: what was found out is kept for a while. One per worker. */
export class PasswordChecker {
  readonly #key = randomBytes(32);
  readonly #nowMs: () => number;
  readonly #verify: typeof verifyPassword;
  /** Until when, by pair. */
  readonly #right = new BoundedMap<string, number>(RIGHT_PAIRS);
  readonly #wrong = new BoundedMap<string, number>(WRONG_PAIRS);
  readonly #running = new Map<string, Promise<PasswordVerdict>>();
  readonly #queue: Waiting[] = [];
  readonly #waitingOf = new Map<string, number>();
  #computing = 0;

  constructor(nowMs: () => number, verify: typeof verifyPassword = verifyPassword) {
    this.#nowMs = nowMs;
    this.#verify = verify;
  }

  /** Whether the password is that of the hash. `client` is who asks, such as an address; the user is told apart, not looked up. */
  check(
    user: string,
    password: string,
    hash: PasswordHash,
    client: string,
  ): PasswordVerdict | Promise<PasswordVerdict> {
    const pair = this.#pairOf(user, password, hash);
    const nowMs = this.#nowMs();
    if ((this.#right.get(pair) ?? 0) > nowMs) return true;
    if ((this.#wrong.get(pair) ?? 0) > nowMs) return false;
    const running = this.#running.get(pair);
    if (running !== undefined) return running;
    const begun = this.#turn(client);
    if (begun === undefined) return 'busy';
    const checking = this.#compute(pair, password, hash, begun);
    this.#running.set(pair, checking);
    return checking;
  }

  async #compute(
    pair: string,
    password: string,
    hash: PasswordHash,
    begun: Promise<void>,
  ): Promise<PasswordVerdict> {
    await begun;
    try {
      const right = await this.#verify(password, hash);
      if (right) this.#right.set(pair, this.#nowMs() + RIGHT_MS);
      else this.#wrong.set(pair, this.#nowMs() + WRONG_MS);
      return right;
    } finally {
      this.#running.delete(pair);
      this.#next();
    }
  }

  /** Undefined where too many wait. */
  #turn(client: string): Promise<void> | undefined {
    if (this.#computing < AT_ONCE) {
      this.#computing++;
      return Promise.resolve();
    }
    const waiting = this.#waitingOf.get(client) ?? 0;
    if (waiting >= WAITING_PER_CLIENT || this.#queue.length >= WAITING) return undefined;
    this.#waitingOf.set(client, waiting + 1);
    return new Promise((start) => this.#queue.push({ client, start }));
  }

  #next(): void {
    const next = this.#queue.shift();
    if (next === undefined) {
      this.#computing--;
      return;
    }
    const left = (this.#waitingOf.get(next.client) ?? 1) - 1;
    if (left === 0) this.#waitingOf.delete(next.client);
    else this.#waitingOf.set(next.client, left);
    next.start();
  }

  /** A user name in Basic credentials has no colon, so that no two pairs are one text. */
  #pairOf(user: string, password: string, hash: PasswordHash): string {
    return createHmac('sha256', this.#key)
      .update(`${formatPhc(hash)}:${user}:${password}`)
      .digest('base64url');
  }
}
