import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A rule: what it makes of an input; undefined where it has nothing to say. */
export type Rule = (input: never) => unknown;

/**
 * As Open Policy Agent's Data API is documented (https://www.openpolicyagent.org/docs/rest-api, "Get a Document (with Input)"), with rules in
 * TypeScript: `POST /v1/data/<path>` with `{"input": …}` is answered with `{"result": …}`, without `result` where the rule is undefined, with 400
 * where the body is none.
 */
export class OpaServer {
  readonly url: string;
  /** Of every request, in order. */
  readonly inputs: unknown[] = [];
  readonly authorizations: (string | undefined)[] = [];
  /** How many connections were made. */
  connections = 0;
  /** Instead of an answer by the rules. */
  manner: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  readonly #server: Server;
  readonly #rules: Readonly<Record<string, Rule>>;

  private constructor(server: Server, rules: Readonly<Record<string, Rule>>) {
    this.#server = server;
    this.#rules = rules;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Rules by their path, such as `gateway/allow`. */
  static async start(rules: Readonly<Record<string, Rule>>): Promise<OpaServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const opa = new OpaServer(server, rules);
    server.on('connection', (_socket: Socket) => opa.connections++);
    server.on('request', (request, response) => void opa.#answer(request, response));
    return opa;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    this.authorizations.push(request.headers.authorization);
    if (this.manner !== undefined) return this.manner(request, response);
    const path = /^\/v1\/data\/(.+)$/.exec(request.url ?? '')?.[1] ?? '';
    const body = parsed(Buffer.concat(pieces).toString());
    if (request.method !== 'POST' || body === undefined)
      return send(response, 400, { code: 'invalid_parameter' });
    this.inputs.push(body.input);
    const result = this.#rules[path]?.(body.input as never);
    send(response, 200, result === undefined ? {} : { result });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function parsed(text: string): { readonly input: unknown } | undefined {
  try {
    return JSON.parse(text) as { readonly input: unknown };
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
