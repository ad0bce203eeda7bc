import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Answer, readAnswer } from './answers.ts';
import { Changes, turns } from './changes.ts';

export interface RawClientOptions {
  readonly port: number;
  readonly host?: string;
  readonly tls?: ConnectionOptions;
  /** Local address to come from, such as 127.0.0.2. */
  readonly from?: string;
}

/** A client that sends exactly the octets it is told and reads answers with a parser of its own. */
export class RawClient {
  readonly socket: Socket;
  /** All that came, answers already taken included. */
  received: Buffer = Buffer.alloc(0);
  /** The gateway closed its side in an orderly way. */
  ended = false;
  /** The connection is gone. */
  closed = false;
  /** ECONNRESET and the like, or undefined. */
  error: NodeJS.ErrnoException | undefined;
  readonly #changes = new Changes();
  #taken = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
      this.#changes.tell();
    });
    socket.on('end', () => {
      this.ended = true;
      this.#changes.tell();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
      this.#changes.tell();
    });
  }

  static async connect(options: RawClientOptions): Promise<RawClient> {
    const target = {
      port: options.port,
      host: options.host ?? '127.0.0.1',
      localAddress: options.from,
      allowHalfOpen: true,
    };
    const socket = options.tls ? connectTls({ ...target, ...options.tls }) : connectTcp(target);
    await new Promise<void>((resolve, reject) => {
      socket.once(options.tls ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Begins TLS on this connection, which is used no more itself. */
  async secure(options: ConnectionOptions): Promise<RawClient> {
    this.socket.removeAllListeners('data').removeAllListeners('end');
    const secured = connectTls({ socket: this.socket, ...options });
    await new Promise<void>((resolve, reject) => {
      secured.once('secureConnect', resolve);
      secured.once('error', reject);
    });
    return new RawClient(secured);
  }

  /** Resolves when the octets were handed to the system, which back-pressure can keep from happening. */
  async send(data: string | Uint8Array): Promise<void> {
    const octets = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    if (this.closed || this.ended || this.socket.destroyed) return;
    await new Promise<void>((resolve) => this.socket.write(octets, () => resolve()));
  }

  /** Sends although the other side sends no more. */
  async sendAfterEnd(data: string): Promise<void> {
    await new Promise<void>((resolve) => this.socket.write(data, 'latin1', () => resolve()));
  }

  /** Sends in pieces cut at the positions given, each read on its own by a gateway in this process. */
  async sendSplit(data: string, positions: readonly number[]): Promise<void> {
    let from = 0;
    for (const position of [...positions, data.length]) {
      if (position <= from) continue;
      await this.send(data.slice(from, position));
      await turns();
      from = position;
    }
  }

  /** The next answer, interim ones included. `method` is that of the request it answers. */
  async answer(method = 'GET'): Promise<Answer> {
    let answer: Answer | undefined;
    const look = () => {
      answer = readAnswer(this.received.subarray(this.#taken), method, this.ended);
      return answer !== undefined || this.ended || this.closed;
    };
    await this.#changes.until(look, 'an answer', () => this.#state());
    answer ??= readAnswer(this.received.subarray(this.#taken), method, this.ended);
    if (!answer) throw new Error(`closed before an answer; ${this.#state()}`);
    this.#taken += answer.length;
    return answer;
  }

  /** Octets that came behind the answers taken so far. */
  get rest(): Buffer {
    return this.received.subarray(this.#taken);
  }

  /** Resolves when at least so many octets came behind the answers taken, which are then taken too. */
  async octets(count: number): Promise<Buffer> {
    await this.#changes.until(
      () => this.rest.length >= count,
      `${count} octets`,
      () => this.#state(),
    );
    const octets = this.rest.subarray(0, count);
    this.#taken += count;
    return octets;
  }

  async until(check: () => boolean, what: string): Promise<void> {
    await this.#changes.until(check, what, () => this.#state());
  }

  /** Resolves when the gateway closed its side or the connection is gone. */
  async untilEnded(): Promise<void> {
    await this.#changes.until(
      () => this.ended || this.closed,
      'the connection to be closed',
      () => this.#state(),
    );
  }

  /** Every answer until the gateway closes, for requests of these methods in turn (the last one goes on). */
  async answersUntilEnded(methods: readonly string[] = ['GET']): Promise<Answer[]> {
    await this.untilEnded();
    const answers: Answer[] = [];
    while (this.rest.length > 0) {
      const done = answers.filter((answer) => answer.status >= 200).length;
      const method = methods[Math.min(done, methods.length - 1)] as string;
      const answer = readAnswer(this.rest, method, true);
      if (!answer) throw new Error(`an answer is cut off; ${this.#state()}`);
      this.#taken += answer.length;
      answers.push(answer);
    }
    return answers;
  }

  /** Closes the sending side alone. */
  halfClose(): void {
    this.socket.end();
  }

  /** Sends RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #state(): string {
    const text = JSON.stringify(this.rest.toString('latin1', 0, 500));
    return `received ${this.received.length} octets, untaken ${text}, ended ${this.ended}, closed ${this.closed}${this.error ? `, ${this.error.code}` : ''}`;
  }
}
