import type { Socket } from 'node:net';
import { Changes } from './changes.ts';

/** One end of a connection: keeps all that comes, and lets a test wait for it. */
export class RecordedSocket {
  readonly socket: Socket;
  /** All that came, to the octet, what was taken already included. */
  received: Buffer = Buffer.alloc(0);
  /** The other side closed its half in an orderly way. */
  ended = false;
  /** The connection is gone. */
  closed = false;
  /** ECONNRESET and the like, or undefined. */
  error: NodeJS.ErrnoException | undefined;
  protected readonly changes = new Changes();
  /** Octets that were taken. */
  protected taken = 0;

  /** `onChange` is called after every change, besides those who wait here. */
  protected constructor(socket: Socket, onChange: () => void = () => {}) {
    this.socket = socket;
    socket.setNoDelay(true);
    const changed = () => {
      this.changes.tell();
      onChange();
    };
    socket.on('data', (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
      changed();
    });
    socket.on('end', () => {
      this.ended = true;
      changed();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
      changed();
    });
  }

  /** Nothing can be sent any more. */
  get gone(): boolean {
    return this.ended || this.closed || this.socket.destroyed;
  }

  /** Octets that came and were not taken. */
  get rest(): Buffer {
    return this.received.subarray(this.taken);
  }

  /** The next octets, once they are there. Takes them. */
  async octets(count: number): Promise<Buffer> {
    await this.until(() => this.rest.length >= count, `${count} octets`);
    const octets = this.rest.subarray(0, count);
    this.taken += count;
    return octets;
  }

  async until(check: () => boolean, what: string): Promise<void> {
    await this.changes.until(check, what, () => this.state());
  }

  /** Resolves when the gateway closed its side or the connection is gone. */
  async untilEnded(): Promise<void> {
    await this.until(() => this.ended || this.closed, 'the gateway to close');
  }

  async untilClosed(): Promise<void> {
    await this.until(() => this.closed, 'the connection to be gone');
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

  /** Resolves when the octets were handed to the system, which back-pressure can keep from happening. */
  protected async write(data: string | Uint8Array): Promise<void> {
    const octets = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    await new Promise<void>((resolve) => this.socket.write(octets, () => resolve()));
  }

  /** For the message of a test that waited in vain. */
  protected state(): string {
    const text = JSON.stringify(this.rest.toString('latin1', 0, 500));
    return `received ${this.received.length} octets, untaken ${text}, ended ${this.ended}, closed ${this.closed}${this.error ? `, ${this.error.code}` : ''}`;
  }
}
