import * as net from 'node:net';
import * as tls from 'node:tls';
import { readFrom, readInto } from './octets.ts';

/** What is told of a socket. One object per socket, and functions that all sockets share: no closures per connection. */
export interface SocketOwner {
  /** In the middle of something that goes on, such as a body: large reads then get a buffer of their own. */
  readonly streaming: boolean;
  /** `data[from, to)` lasts for the call only. */
  received(data: Buffer, from: number, to: number): void;
  /** The other side sends no more. */
  ended(): void;
  /** Everything that was written is passed on. */
  drained(): void;
  /** `closed` follows, so that whoever does without the cause needs no `failed`. */
  failed?(error: NodeJS.ErrnoException): void;
  closed(): void;
}

interface OwnedSocket extends net.Socket {
  owner: SocketOwner;
}

/** Opens a connection, by TLS with `secure`. It tells `owner`, also when it could not be made; `connected` is called once. */
export function connectOwned(
  options: net.TcpNetConnectOpts,
  secure: tls.ConnectionOptions | undefined,
  owner: SocketOwner,
  connected: () => void,
): net.Socket {
  const read = { ...options, onread: readInto(onRead) };
  const socket = secure ? tls.connect({ ...read, ...secure }) : net.connect(read);
  socket.once(secure ? 'secureConnect' : 'connect', connected);
  return own(socket, owner);
}

/** Takes over a socket that a server accepted; `own` comes first, since what it has read already is told at once. */
export function readOwned(socket: net.Socket): void {
  readFrom(socket, onRead);
}

/** From now on the socket tells `owner`. */
export function own(socket: net.Socket, owner: SocketOwner): net.Socket {
  (socket as OwnedSocket).owner = owner;
  socket.on('end', onEnd);
  socket.on('drain', onDrain);
  socket.on('error', onError);
  socket.on('close', onClose);
  return socket;
}

function onRead(this: net.Socket, length: number, data: Uint8Array): boolean {
  const { owner } = this as OwnedSocket;
  owner.received(data as Buffer, 0, length);
  return owner.streaming;
}
function onEnd(this: net.Socket): void {
  (this as OwnedSocket).owner.ended();
}
function onDrain(this: net.Socket): void {
  (this as OwnedSocket).owner.drained();
}
function onError(this: net.Socket, error: Error): void {
  (this as OwnedSocket).owner.failed?.(error);
}
function onClose(this: net.Socket): void {
  (this as OwnedSocket).owner.closed();
}
