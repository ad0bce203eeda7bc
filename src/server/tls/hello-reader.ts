import type * as net from 'node:net';
import { type ClientHello, HELLO_MAX_BYTES, readClientHello } from './client-hello.ts';

/**
 * Reads a client's first message and puts it back, so that the socket is as it was; `done` is called once, with undefined where it is none.
 * The caller has a limit on the time. A client that ends before is let go.
 */
export function whenHello(socket: net.Socket, done: (hello: ClientHello | undefined) => void): void {
  const pieces: Buffer[] = [];
  let length = 0;
  let wanted = 0;
  const read = (data: Buffer): void => {
    pieces.push(data);
    length += data.length;
    // What comes in single octets is not looked at after each of them.
    if (length < wanted) return;
    const all = pieces.length === 1 ? data : Buffer.concat(pieces);
    const reading = readClientHello(all);
    if (reading.kind === 'incomplete' && length < HELLO_MAX_BYTES) {
      wanted = reading.atLeast;
      return;
    }
    socket.off('data', read);
    socket.off('end', leave);
    socket.pause();
    socket.unshift(all);
    done(reading.kind === 'hello' ? reading.hello : undefined);
  };
  const leave = (): void => void socket.destroy();
  socket.on('data', read);
  socket.once('end', leave);
  socket.resume();
}
