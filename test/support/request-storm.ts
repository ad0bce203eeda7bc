import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { Changes } from './changes.ts';

/** How long an answer may take altogether, with what it is sent again for. */
const PATIENCE_MS = 25_000;

/** Many requests at once over several nodes, each on a connection of its own that nothing else uses meanwhile. One whose connection breaks is sent to another node, as a load balancer does it. */
export class RequestStorm implements Disposable {
  /** Requests that were written to a connection. */
  sent = 0;
  /** Requests whose connection broke. */
  broken = 0;
  /** Requests that were on the way at the same time, at most. */
  most = 0;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #changes = new Changes();
  #underWay = 0;

  /** `urls`: of the nodes; each in turn is asked. Resolves with how many answers there were, by status, and by code where it is a problem. */
  async send(
    urls: readonly string[],
    fields: readonly Readonly<Record<string, string>>[],
    count: number,
  ): Promise<Readonly<Record<string, number>>> {
    const answers = Array.from({ length: count }, (_, i) =>
      this.#one(urls, i % urls.length, fields[Math.floor(i / urls.length) % fields.length] ?? {}),
    );
    const counts: Record<string, number> = {};
    for (const answer of await Promise.all(answers)) counts[answer] = (counts[answer] ?? 0) + 1;
    return counts;
  }

  untilSent(count: number): Promise<void> {
    return this.#changes.until(() => this.sent >= count, `${count} requests that are sent`);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #one(
    urls: readonly string[],
    node: number,
    headers: Readonly<Record<string, string>>,
  ): Promise<string> {
    for (let sent = 0; sent < urls.length; sent++) {
      try {
        return await this.#answer(urls[(node + sent) % urls.length] ?? '', headers);
      } catch {
        this.broken++;
      }
    }
    return 'none';
  }

  async #answer(url: string, headers: Readonly<Record<string, string>>): Promise<string> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const asked = request(url, { headers, agent: this.#agent, signal }).end();
    asked.once('finish', () => {
      this.sent++;
      this.#underWay++;
      this.most = Math.max(this.most, this.#underWay);
      asked.once('close', () => this.#underWay--);
      this.#changes.tell();
    });
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    let text = '';
    for await (const piece of answer.setEncoding('utf8')) text += String(piece);
    if (answer.statusCode === 200) return '200';
    return `${answer.statusCode} ${/"code":"([a-z_]+)"/.exec(text)?.[1] ?? ''}`;
  }
}
