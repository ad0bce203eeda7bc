import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Answer, readAnswer } from './answers.ts';
import { turns } from './changes.ts';
import { RecordedSocket } from './recorded-socket.ts';

export interface RawClientOptions {
  readonly port: number;
  readonly host?: string;
  readonly tls?: ConnectionOptions;
  /** Local address to come from, such as 127.0.0.2. */
  readonly from?: string;
}

/** A client that sends exactly the octets it is told and reads answers with a parser of its own. */
export class RawClient extends RecordedSocket {
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
    if (!this.gone) await this.write(data);
  }

  /** Sends although the other side sends no more. */
  async sendAfterEnd(data: string): Promise<void> {
    await this.write(data);
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
      answer = readAnswer(this.rest, method, this.ended);
      return answer !== undefined || this.ended || this.closed;
    };
    await this.until(look, 'an answer');
    answer ??= readAnswer(this.rest, method, this.ended);
    if (!answer) throw new Error(`closed before an answer; ${this.state()}`);
    this.taken += answer.length;
    return answer;
  }

  /** Every answer until the gateway closes, for requests of these methods in turn (the last one goes on). */
  async answersUntilEnded(methods: readonly string[] = ['GET']): Promise<Answer[]> {
    await this.untilEnded();
    const answers: Answer[] = [];
    while (this.rest.length > 0) {
      const done = answers.filter((answer) => answer.status >= 200).length;
      const method = methods[Math.min(done, methods.length - 1)] as string;
      const answer = readAnswer(this.rest, method, true);
      if (!answer) throw new Error(`an answer is cut off; ${this.state()}`);
      this.taken += answer.length;
      answers.push(answer);
    }
    return answers;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
