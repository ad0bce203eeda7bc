import { request } from 'node:http';
import type { ConfigurationManager } from '../../manager/manager.ts';
import type { GatewayControl } from '../endpoint.ts';
import { AdminServer, type AdminServerOptions } from '../server.ts';
import { holdToDocument } from './hold-to-document.support.ts';

export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Data is sent as JSON, a text and octets as they are. */
  readonly body?: unknown;
}

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** Of JSON; undefined for anything else. */
  readonly body: unknown;
}

/** An admin port in front of a configuration, and nothing else behind it. Every answer has to be as its OpenAPI document says. */
export interface TestApi extends AsyncDisposable {
  readonly port: number;
  readonly logged: readonly string[];
  send(sent: Sent): Promise<Received>;
}

/** `behind` is what else there is. */
export async function startApi(
  configuration: ConfigurationManager,
  identify?: AdminServerOptions['identify'],
  behind: Partial<GatewayControl> = {},
): Promise<TestApi> {
  const logged: string[] = [];
  const absent = () => Promise.reject(new Error('there is nothing behind this admin port'));
  const gateway: GatewayControl = {
    version: '1.2.3',
    ready: () => true,
    metrics: () => '',
    reload: absent,
    config: () => ({}),
    services: () => ({}),
    acme: () => [],
    registry: {
      list: () => [],
      register: absent,
      heartbeat: neverHeard,
      deregister: absent,
      setState: absent,
    },
    quotas: { list: absent, reset: absent },
    configuration: () => configuration,
    rights: undefined,
    warn: () => {},
    explain: absent,
    ...behind,
  };
  const server = new AdminServer({
    address: '127.0.0.1',
    port: 0,
    hosts: [],
    gateway,
    log: (_level, message, detail) => logged.push(`${message} ${String(detail)}`),
    identify,
  });
  const { port } = await server.listen();
  return {
    port,
    logged,
    send: async (sent) => {
      const received = await send(port, sent);
      holdToDocument(sent, received);
      return received;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function neverHeard(): never {
  throw new Error('there is nothing behind this admin port');
}

function send(port: number, { method = 'GET', path, headers = {}, body }: Sent): Promise<Received> {
  const octets =
    body === undefined || typeof body === 'string' || body instanceof Uint8Array
      ? body
      : JSON.stringify(body);
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, method, path, headers: { ...type, ...headers } },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => {
          const received = Buffer.concat(pieces).toString();
          const isJson = /[/+]json/.test(response.headers['content-type'] ?? '') && received !== '';
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Readonly<Record<string, string | undefined>>,
            text: received,
            body: isJson ? JSON.parse(received) : undefined,
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(octets);
  });
}
