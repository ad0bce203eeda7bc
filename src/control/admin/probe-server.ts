import { createServer, type Server, type ServerResponse } from 'node:http';
import { NOBODY } from './access.ts';
import type { AdminRequest, GatewayControl } from './endpoint.ts';
import { ENDPOINTS } from './endpoints.ts';

const PROBES = ['/healthz', '/readyz', '/metrics'];
const TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 64;

/** What endpoints that look at nothing of a request get. */
const NOTHING: AdminRequest = {
  parameters: {},
  query: new URLSearchParams(),
  headers: {},
  contentType: undefined,
  body: '',
  caller: NOBODY,
  place: { address: '', scheme: 'http', authority: '' },
};

/** Tells whoever asks how the gateway is, and nothing else: for the kubelet and for Prometheus. */
export class ProbeServer {
  readonly #server: Server;

  constructor(gateway: GatewayControl, log: (level: 'error', message: string, detail?: unknown) => void) {
    this.#server = createServer(
      { headersTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS, maxHeaderSize: 8 * 1024 },
      ({ method, url = '' }, response) => {
        answer(gateway, method, url, response).catch((error: unknown) => {
          log('error', `probes: ${url} failed`, error);
          response.writeHead(500).end();
        });
      },
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Resolves with the address bound; rejects when it cannot be. */
  listen(address: string, port: number): Promise<{ readonly address: string; readonly port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: address, port }, () => {
        this.#server.off('error', reject);
        const bound = this.#server.address();
        if (bound === null || typeof bound === 'string') reject(new Error('the probes have no port'));
        else resolve({ address: bound.address, port: bound.port });
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

async function answer(
  gateway: GatewayControl,
  method: string | undefined,
  url: string,
  response: ServerResponse,
): Promise<void> {
  const [path = ''] = url.split('?', 1);
  const probe = PROBES.includes(path) ? ENDPOINTS.find((endpoint) => endpoint.path === path) : undefined;
  const made =
    probe === undefined || (method !== 'GET' && method !== 'HEAD')
      ? undefined
      : await probe.answer(gateway, NOTHING);
  if (made === undefined) {
    response.writeHead(probe === undefined ? 404 : 405, { connection: 'close' }).end();
    return;
  }
  response.writeHead(made.status, {
    'content-type': made.type,
    'content-length': Buffer.byteLength(made.body),
    'cache-control': 'no-store',
  });
  response.end(method === 'HEAD' ? undefined : made.body);
}
