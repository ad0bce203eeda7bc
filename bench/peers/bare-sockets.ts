/**
 * The least that a proxy over node:net, or node:tls towards its clients, can do: it believes what it reads, knows only answers with a length, and has no limits, no log and
 * no metrics. It shows what Node's sockets cost, and thus how much of a gateway's cost is its own. Never use it as a proxy.
 */
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';

const [, , port, targetPort, cert, key] = process.argv;
const idle: Upstream[] = [];

interface Upstream {
  readonly socket: Socket;
  client: Client | undefined;
  /** Octets of the answer's body still to come; -1 within its head. */
  left: number;
  head: string;
}

interface Client {
  readonly socket: Socket;
  upstream: Upstream | undefined;
  left: number;
  head: string;
}

function take(): Upstream {
  const kept = idle.pop();
  if (kept) return kept;
  const socket = connect({ port: Number(targetPort), host: '127.0.0.1', noDelay: true });
  const upstream: Upstream = { socket, client: undefined, left: -1, head: '' };
  socket.on('data', (data: Buffer) => onAnswer(upstream, data));
  socket.on('drain', () => upstream.client?.socket.resume());
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    const at = idle.indexOf(upstream);
    if (at !== -1) idle.splice(at, 1);
    upstream.client?.socket.destroy();
  });
  return upstream;
}

function lengthOf(head: string): number {
  const at = head.search(/\r\ncontent-length:/i);
  return at === -1 ? 0 : Number.parseInt(head.slice(at + 17, at + 40), 10);
}

function onRequest(client: Client, data: Buffer): void {
  if (client.upstream !== undefined) {
    client.left -= data.length;
    if (!client.upstream.socket.write(data)) client.socket.pause();
    return;
  }
  client.head += data.toString('latin1');
  const end = client.head.indexOf('\r\n\r\n');
  if (end === -1) return;
  const upstream = take();
  upstream.client = client;
  client.upstream = upstream;
  const name = client.head.indexOf('\r\n');
  upstream.socket.write(
    `${client.head.slice(0, name)}\r\nX-Forwarded-For: 127.0.0.1${client.head.slice(name)}`,
    'latin1',
  );
  client.left = lengthOf(client.head) - (client.head.length - end - 4);
  client.head = '';
}

function onAnswer(upstream: Upstream, data: Buffer): void {
  const client = upstream.client;
  if (client === undefined) {
    upstream.socket.destroy();
    return;
  }
  if (upstream.left === -1) {
    upstream.head += data.toString('latin1');
    const end = upstream.head.indexOf('\r\n\r\n');
    if (end === -1) return;
    upstream.left = lengthOf(upstream.head) - (upstream.head.length - end - 4);
    const sent = client.socket.write(upstream.head, 'latin1');
    upstream.head = '';
    if (!sent) upstream.socket.pause();
  } else {
    upstream.left -= data.length;
    if (!client.socket.write(data)) upstream.socket.pause();
  }
  if (upstream.left > 0) return;
  upstream.left = -1;
  upstream.client = undefined;
  client.upstream = undefined;
  upstream.socket.resume();
  idle.push(upstream);
}

function serve(socket: Socket): void {
  const client: Client = { socket, upstream: undefined, left: 0, head: '' };
  socket.on('data', (data: Buffer) => onRequest(client, data));
  socket.on('drain', () => client.upstream?.socket.resume());
  socket.on('error', () => socket.destroy());
  socket.on('close', () => client.upstream?.socket.destroy());
}

const server =
  cert === undefined || key === undefined
    ? createServer({ noDelay: true }, serve)
    : createSecureServer({ noDelay: true, cert: readFileSync(cert), key: readFileSync(key) }, serve);
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
