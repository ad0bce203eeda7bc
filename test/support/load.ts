import { Agent, request } from 'node:http';

/** One request and what became of it. */
export interface Received {
  /** When it was sent, in milliseconds since 1970, on a clock that does not jump. */
  readonly sentMs: number;
  readonly tookMs: number;
  /** undefined when the connection broke. */
  readonly status: number | undefined;
  /** What the answer says in `x-target`. */
  readonly target: string | undefined;
}

/** What became of the requests of a load. */
export interface LoadResult {
  readonly answered: number;
  /** Requests whose connection broke. */
  readonly broken: number;
  /** Answers that were not 200, by status. */
  readonly others: Readonly<Record<number, number>>;
}

/** Requests to one URL, and what became of each. `await using` ends them also when the test fails. */
abstract class Requests implements AsyncDisposable {
  /** In the order in which they ended. */
  readonly received: Received[] = [];
  readonly #url: string;
  readonly #method: string;
  #answered = 0;
  #waiting: { readonly isOver: () => boolean; readonly wake: () => void } | undefined;

  constructor(url: string, method: string) {
    this.#url = url;
    this.#method = method;
  }

  /** Resolves once so many more requests were answered with 200. */
  answers(more: number): Promise<void> {
    const count = this.#answered + more;
    return this.#until(() => this.#answered >= count);
  }

  /** Resolves once so many more requests ended, however they did. */
  ends(more: number): Promise<void> {
    const count = this.received.length + more;
    return this.#until(() => this.received.length >= count);
  }

  /** Sends no more. Resolves when every request that was sent has ended. */
  abstract stop(): Promise<LoadResult>;

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #until(isOver: () => boolean): Promise<void> {
    return new Promise((wake) => {
      this.#waiting = { isOver, wake };
    });
  }

  protected async ask(agent: Agent): Promise<void> {
    const received = await send(this.#url, this.#method, agent);
    this.received.push(received);
    if (received.status === 200) this.#answered++;
    if (this.#waiting?.isOver() === true) this.#waiting.wake();
  }

  protected get result(): LoadResult {
    const others: Record<number, number> = {};
    let broken = 0;
    for (const { status } of this.received) {
      if (status === undefined) broken++;
      else if (status !== 200) others[status] = (others[status] ?? 0) + 1;
    }
    return { answered: this.#answered, broken, others };
  }
}

/** Clients that each ask again as soon as they are answered, on a connection that they keep. */
export class Load extends Requests {
  readonly #running: Promise<void>[] = [];
  #over = false;

  constructor(url: string, clients: number, method = 'GET') {
    super(url, method);
    for (let i = 0; i < clients; i++) this.#running.push(this.#client());
  }

  async stop(): Promise<LoadResult> {
    this.#over = true;
    await Promise.all(this.#running);
    return this.result;
  }

  async #client(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.#over) await this.ask(agent);
    agent.destroy();
  }
}

/** How often it is looked how many requests are due. */
const STEP_MS = 5;

/** Requests at an even rate, whether those before them are answered or not. */
export class SteadyLoad extends Requests {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #running = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  constructor(url: string, perSecond: number) {
    super(url, 'GET');
    const startMs = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - startMs) * perSecond) / 1000;
      while (this.#sent < due) this.#send();
    }, STEP_MS);
  }

  async stop(): Promise<LoadResult> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
    this.#agent.destroy();
    return this.result;
  }

  #send(): void {
    this.#sent++;
    const running = this.ask(this.#agent).then(() => {
      this.#running.delete(running);
    });
    this.#running.add(running);
  }
}

/** By the clock of `sentMs`, which is that of other processes too. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

function send(url: string, method: string, agent: Agent): Promise<Received> {
  return new Promise((resolve) => {
    const sentMs = epochMs();
    const done = (status: number | undefined, target?: string | string[]) =>
      resolve({ sentMs, tookMs: epochMs() - sentMs, status, target: target?.toString() });
    const sent = request(url, { method, agent }, (response) => {
      response.resume();
      response.on('end', () => done(response.statusCode, response.headers['x-target']));
      response.on('error', () => done(undefined));
    });
    sent.on('error', () => done(undefined));
    sent.end(method === 'POST' ? 'an order' : undefined);
  });
}
