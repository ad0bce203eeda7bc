import { Agent, request } from 'node:http';

export interface OfferedLoadOptions {
  /** Asked in turn by the clients. */
  readonly urls: readonly string[];
  /** How many there are, told apart by the field X-Key. */
  readonly keys: number;
  /** Of each key; each asks again as soon as it is answered, on a connection that it keeps. */
  readonly clients: number;
}

/** Of one key: so many at once, and then so many a second. */
export interface OfferedLimit {
  readonly burst: number;
  readonly rate: number;
}

/** How often what a limit lets through is offered. */
const TIMES = 5;

/** Requests that are offered as fast as they are answered, by many keys at once. */
export class OfferedLoad {
  /** Answers with 200, by key. */
  readonly admitted: number[];
  /** How many answers there were of each status; 0 is a connection that broke. */
  readonly statuses = new Map<number, number>();
  offered = 0;
  longestMs = 0;
  readonly #agents: readonly Agent[];
  readonly #options: OfferedLoadOptions;
  readonly #waiting = new Set<() => void>();
  #isOver = false;
  #beganMs = 0;
  /** Of each key, when the last request was sent that was not let through. */
  readonly #refusedMs: number[];
  #lastAdmittedMs = 0;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: OfferedLoadOptions) {
    this.#options = options;
    this.admitted = Array.from({ length: options.keys }, () => 0);
    this.#refusedMs = Array.from({ length: options.keys }, () => 0);
    this.#agents = Array.from(
      { length: options.keys * options.clients },
      () => new Agent({ keepAlive: true, maxSockets: 1 }),
    );
  }

  get elapsedMs(): number {
    return performance.now() - this.#beganMs;
  }

  /** The most that a limit lets through of one key until the last answer that let something through had come. */
  mostOf({ burst, rate }: OfferedLimit): number {
    return burst + (rate * Math.max(0, this.#lastAdmittedMs - this.#beganMs)) / 1000;
  }

  /**
   * The least that it lets through of one key. Whoever was refused found nothing left: all was taken then that had come until it was
   * sent. So a machine that answers late, or asks seldom, makes the limit no less accurate.
   */
  leastOf({ burst, rate }: OfferedLimit, key: number): number {
    const sentMs = this.#refusedMs[key] ?? 0;
    return Math.floor(burst + (rate * Math.max(0, sentMs - this.#beganMs)) / 1000);
  }

  /** Opens every connection first: what that takes is not counted. */
  async start(): Promise<void> {
    await Promise.all(this.#agents.map((agent, i) => statusOf(this.#urlOf(i), 'to connect', agent)));
    this.#beganMs = performance.now();
    this.#running = Promise.all(this.#agents.map((agent, i) => this.#client(agent, i)));
  }

  /** Waits until the condition holds; it is looked at with every answer. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** Waits until five times what the limit lets through in that time was offered, and for some seconds at least: by count, however slow the machine is. */
  async offer({ burst, rate }: OfferedLimit, seconds: number): Promise<void> {
    const { keys } = this.#options;
    await this.until(
      () =>
        this.elapsedMs >= seconds * 1000 &&
        this.offered >= TIMES * keys * (burst + (rate * this.elapsedMs) / 1000),
    );
  }

  /** Waits for the next answer of that status. */
  async answered(status: number): Promise<void> {
    const before = this.statuses.get(status) ?? 0;
    await this.until(() => (this.statuses.get(status) ?? 0) > before);
  }

  /** Waits for what was sent. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    for (const agent of this.#agents) agent.destroy();
  }

  #urlOf(client: number): string {
    const { keys, urls } = this.#options;
    return urls[Math.floor(client / keys) % urls.length] as string;
  }

  async #client(agent: Agent, client: number): Promise<void> {
    const key = client % this.#options.keys;
    const url = this.#urlOf(client);
    while (!this.#isOver) {
      this.offered++;
      const begun = performance.now();
      const status = await statusOf(url, `key ${key}`, agent);
      const now = performance.now();
      this.longestMs = Math.max(this.longestMs, now - begun);
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
      if (status === 200) {
        this.admitted[key] = (this.admitted[key] ?? 0) + 1;
        this.#lastAdmittedMs = now;
      } else this.#refusedMs[key] = Math.max(this.#refusedMs[key] ?? 0, begun);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    }
  }
}

/** 0 where the connection broke. */
function statusOf(url: string, key: string, agent: Agent): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(url, { agent, headers: { 'x-key': key } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', () => resolve(0));
    });
    sent.on('error', () => resolve(0));
    sent.end();
  });
}
