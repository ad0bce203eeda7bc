import { type Decision, readDecision } from './decision.ts';
import type { Decider } from './opa.ts';
import type { OpaOptions } from './schema.ts';

/** OPA's Data API: `POST /v1/data/<path>` with the input. Connections are kept; redirects are not followed. */
export class OpaClient implements Decider {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  readonly #maxBytes: number;
  readonly #closing = new AbortController();

  constructor({ url, decision, token, timeout, maxAnswer }: OpaOptions) {
    this.#url = `${url.replace(/\/+$/, '')}/v1/data/${decision}`;
    this.#headers = {
      'Content-Type': 'application/json',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    };
    this.#timeoutMs = timeout;
    this.#maxBytes = maxAnswer;
  }

  async ask(input: string): Promise<Decision> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#timeoutMs)]);
    let answer: Response;
    try {
      answer = await fetch(this.#url, {
        method: 'POST',
        headers: this.#headers,
        body: `{"input":${input}}`,
        redirect: 'error',
        signal,
      });
    } catch (error) {
      throw new Error(causeOf(error), { cause: error });
    }
    const text = await this.#read(answer);
    if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
    return readDecision(text);
  }

  close(): void {
    this.#closing.abort();
  }

  async #read({ body }: Response): Promise<string> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of body ?? []) {
      length += piece.length;
      if (length > this.#maxBytes) throw new Error(`its answer is longer than ${this.#maxBytes} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString();
  }
}

/** `fetch` hides the cause, such as ECONNREFUSED, within an error that says that it failed. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
