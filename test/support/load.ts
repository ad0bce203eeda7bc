import { Agent, request } from 'node:http';

/** What became of the requests of a load. */
export interface LoadResult {
  readonly answered: number;
  /** Requests whose connection broke. */
  readonly broken: number;
  /** Answers that were not 200, by status. */
  readonly others: Readonly<Record<number, number>>;
}

/** Clients that each ask again as soon as they are answered, on a connection that they keep. */
export class Load {
  readonly #url: string;
  readonly #running: Promise<void>[] = [];
  readonly #others: Record<number, number> = {};
  #answered = 0;
  #broken = 0;
  #over = false;
  #waiting: { readonly count: number; readonly wake: () => void } | undefined;

  constructor(url: string, clients: number) {
    this.#url = url;
    for (let i = 0; i < clients; i++) this.#running.push(this.#client());
  }

  /** Resolves once so many more requests were answered. */
  answers(more: number): Promise<void> {
    return new Promise((wake) => {
      this.#waiting = { count: this.#answered + more, wake };
    });
  }

  async stop(): Promise<LoadResult> {
    this.#over = true;
    await Promise.all(this.#running);
    return { answered: this.#answered, broken: this.#broken, others: this.#others };
  }

  async #client(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.#over) {
      const status = await ask(this.#url, agent);
      if (status === undefined) this.#broken++;
      else if (status !== 200) this.#others[status] = (this.#others[status] ?? 0) + 1;
      else this.#answered++;
      if (this.#waiting !== undefined && this.#answered >= this.#waiting.count) this.#waiting.wake();
    }
    agent.destroy();
  }
}

/** The status, or undefined when the connection broke. */
function ask(url: string, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve) => {
    const sent = request(url, { agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
      response.on('error', () => resolve(undefined));
    });
    sent.on('error', () => resolve(undefined));
    sent.end();
  });
}
