import { Outgoing } from '../../identity/outgoing.ts';
import { type Decision, readDecision } from './decision.ts';
import type { Decider } from './opa.ts';
import type { OpaOptions } from './schema.ts';

/** OPA's Data API: `POST /v1/data/<path>` with the input. Connections are kept; redirects are not followed. */
export class OpaClient implements Decider {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #outgoing: Outgoing;

  constructor({ url, decision, token, timeout, maxAnswer }: OpaOptions) {
    this.#url = `${url.replace(/\/+$/, '')}/v1/data/${decision}`;
    this.#headers = {
      'Content-Type': 'application/json',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    };
    // A question may be repeated. OPA is mostly a neighbour that is asked over http.
    this.#outgoing = new Outgoing({ insecure: true, timeoutMs: timeout, maxBytes: maxAnswer, reuse: true });
  }

  async ask(input: string, signal: AbortSignal): Promise<Decision> {
    const request = { method: 'POST', headers: this.#headers, body: `{"input":${input}}`, signal };
    const answer = await this.#outgoing.fetch(this.#url, request);
    if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
    return readDecision(await answer.text());
  }

  close(): void {
    this.#outgoing.close();
  }
}
