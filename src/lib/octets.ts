import * as net from 'node:net';

/**
 * Where all plain sockets of a thread read into. A read is told at once and synchronously, so one buffer serves them all: no
 * allocation per read, and an idle connection holds no memory for it. What is told lasts for the call only.
 *
 * Measured against 'data' events, which allocate 64 KiB per read and pass through the stream machinery: see bench/README.md.
 */
const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Takes octets `data[0, length)`, which last for the call only. `this` is the socket. */
export type OnRead = (this: net.Socket, length: number, data: Uint8Array) => boolean;

/** The `onread` option of a socket whose octets go to `callback`. */
export function readInto(callback: OnRead): {
  buffer: Uint8Array;
  callback: (length: number, data: Uint8Array) => boolean;
} {
  return { buffer: READ_BUFFER, callback: callback as (length: number, data: Uint8Array) => boolean };
}

interface WithHandle {
  _handle: unknown;
}

/**
 * Replaces a socket of a server that accepts with `pauseOnConnect` by one that reads by `onread`, which net.Server itself does not offer.
 * Where Node's internals have changed, the socket itself is returned, with `data` events that call the same function.
 */
export function readAccepted(socket: net.Socket, callback: OnRead): net.Socket {
  const accepted = socket as unknown as WithHandle;
  const handle = accepted._handle;
  if (handle === null || handle === undefined) return readEvents(socket, callback);
  accepted._handle = null;
  const options = { handle, allowHalfOpen: true, onread: readInto(callback) };
  return new net.Socket(options as net.SocketConstructorOpts);
}

/** The same for a socket that only tells `data` events, such as a TLS one. */
export function readEvents(socket: net.Socket, callback: OnRead): net.Socket {
  socket.on('data', (data: Buffer) => callback.call(socket, data.length, data));
  return socket;
}

interface Latin1Sliceable {
  latin1Slice(from: number, to: number): string;
}

/** Octets as text, one character each. `latin1Slice` is what `toString` comes down to, without its checks: measured at 40 ns less. */
export function latin1(data: Buffer, from: number, to: number): string {
  return (data as unknown as Latin1Sliceable).latin1Slice(from, to);
}

/** A copy of octets that last for the call only. */
export function copyOf(data: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(to - from);
  data.copy(copy, 0, from, to);
  return copy;
}
