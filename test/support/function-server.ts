import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A call as the function service got it. */
export interface FunctionCall {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as it came, and as JSON. */
  readonly text: string;
  readonly body: unknown;
}

/** A function service: it records its calls, and answers as the function of that name says. */
export class FunctionServer implements AsyncDisposable {
  readonly calls: FunctionCall[];
  readonly url: string;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>, calls: FunctionCall[]) {
    this.calls = calls;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#server = server;
  }

  static async start(
    functions: Readonly<Record<string, (response: ServerResponse, input: unknown) => void>>,
  ): Promise<FunctionServer> {
    const calls: FunctionCall[] = [];
    const server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        const body = JSON.parse(text) as { functionName: string; input: unknown };
        const { method = '', url = '', headers } = request;
        calls.push({ method, target: url, headers, text, body });
        functions[body.functionName]?.(response, body.input);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FunctionServer(server, calls);
  }

  /** The calls since the last time. */
  take(): FunctionCall[] {
    return this.calls.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
