import type * as net from 'node:net';
import { type ClientHello, HELLO_MAX_BYTES, HelloScan } from './client-hello.ts';

/**
 * Reads a client's first message and puts it back, so that the socket is as it was; `done` is called once, with undefined where it is none.
 * The caller has a limit on the time. A client that ends before is let go.
 */
export function whenHello(socket: net.Socket, done: (hello: ClientHello | undefined) => void): void {
  const scan = new HelloScan();
  const received = new Received();
  let wanted = 0;
  const read = (data: Buffer): void => {
    received.add(data);
    // What comes in single octets is not looked at after each of them.
    if (received.length < wanted) return;
    const reading = scan.look(received.octets);
    if (reading.kind === 'incomplete' && received.length < HELLO_MAX_BYTES) {
      wanted = reading.atLeast;
      return;
    }
    socket.off('data', read);
    socket.off('end', leave);
    socket.pause();
    socket.unshift(received.octets);
    done(reading.kind === 'hello' ? reading.hello : undefined);
  };
  const leave = (): void => void socket.destroy();
  socket.on('data', read);
  socket.once('end', leave);
  socket.resume();
}

/** Octets in one piece, however they came: pieces of their own would take a hundred times the memory of what is in them. */
class Received {
  length = 0;
  #octets: Buffer = Buffer.of();

  add(data: Buffer): void {
    const length = this.length + data.length;
    if (this.length === 0) this.#octets = data;
    else {
      if (length > this.#octets.length) this.#grow(2 * length);
      data.copy(this.#octets, this.length);
    }
    this.length = length;
  }

  get octets(): Buffer {
    return this.#octets.subarray(0, this.length);
  }

  #grow(length: number): void {
    const octets = Buffer.allocUnsafeSlow(length);
    this.#octets.copy(octets, 0, 0, this.length);
    this.#octets = octets;
  }
}
