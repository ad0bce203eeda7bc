import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Load } from './load.ts';

export interface ConnectionEvents {
  /** Connected: requests can be sent. */
  open(connection: Connection): void;
  /** The answer to the last request is complete. `us` is since it was sent. */
  answer(connection: Connection, us: number): void;
  /** What went wrong, such as `status 500`; the answer counts nevertheless where there is one. */
  fail(kind: string): void;
  /** `within` an answer that was not complete. */
  close(connection: Connection, within: boolean): void;
}

/** One connection of a generator: a request at a time, answers with Content-Length. */
export class Connection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #body: Buffer | undefined;
  #head = '';
  /** Octets of the answer's body that are missing; -1 outside of a body. */
  #left = -1;
  #isWaiting = false;
  #sentAt = 0;

  constructor(url: URL, body: Buffer | undefined, events: ConnectionEvents) {
    this.#events = events;
    this.#body = body;
    const address = { port: Number(url.port), host: url.hostname };
    const isTls = url.protocol === 'https:';
    this.#socket = isTls
      ? connectTls({ ...address, rejectUnauthorized: false })
      : connect({ ...address, noDelay: true });
    this.#socket.once(isTls ? 'secureConnect' : 'connect', () => events.open(this));
    this.#socket.on('data', (data: Buffer) => this.#read(data));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => events.fail(error.code ?? error.message));
    this.#socket.on('close', () => events.close(this, this.#isWaiting));
  }

  send(head: string): void {
    this.#sentAt = performance.now();
    this.#isWaiting = true;
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    if (this.#body) this.#socket.write(this.#body);
    this.#socket.uncork();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    if (this.#left === -1) {
      this.#head += data.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end === -1) return;
      const status = this.#head.slice(9, 12);
      if (status[0] !== '2') this.#events.fail(`status ${status}`);
      const length = /\r\ncontent-length: *(\d+)/i.exec(this.#head)?.[1];
      if (length === undefined) {
        this.#events.fail('answer without Content-Length');
        this.destroy();
        return;
      }
      this.#left = Number(length) - (this.#head.length - end - 4);
      this.#head = '';
    } else this.#left -= data.length;
    if (this.#left > 0) return;
    this.#left = -1;
    this.#isWaiting = false;
    this.#events.answer(this, Math.round((performance.now() - this.#sentAt) * 1000));
  }
}

/** The head of the load's request for a path. */
export function requestHead(load: Load, url: URL, path: string): string {
  const more = Object.entries(load.headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  const connection = load.keepAlive ? '' : 'Connection: close\r\n';
  const length =
    load.bodyBytes > 0 ? `Content-Type: application/json\r\nContent-Length: ${load.bodyBytes}\r\n` : '';
  return `${load.bodyBytes > 0 ? 'POST' : 'GET'} ${path} HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: bench\r\nAccept: application/json\r\n${more}${connection}${length}\r\n`;
}

/** The same text as in wrk.lua: a list of things, filled up with spaces; undefined for no body. */
export function requestBody({ bodyBytes }: Load): Buffer | undefined {
  if (bodyBytes === 0) return undefined;
  const item = '{"id":4711,"name":"portcullis","tags":["gateway","bench"]}';
  const count = Math.floor((bodyBytes - 1) / (item.length + 1));
  const list = `[${Array.from({ length: count }, () => item).join(',')}`;
  return Buffer.from(`${list.padEnd(bodyBytes - 1)}]`);
}
