/**
 * The upstream as a cheap process over bare sockets: a sink that reads uploads, a WebSocket echo, and, where nginx is not there to
 * do it more cheaply, the short and the long answer. It trusts its clients, which are the proxies under test. Argument: the port.
 */

import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { TARGET_ADDRESSES } from '../peers/peer.ts';
import { jsonAnswer, LARGE_BYTES, LARGE_PATH } from './answers.ts';

const port = Number(process.argv[2]);
const large = Buffer.alloc(LARGE_BYTES, 'portcullis ');
const largeHead = `HTTP/1.1 200 OK\r\nServer: upstream\r\nContent-Type: application/octet-stream\r\nContent-Length: ${large.length}\r\n\r\n`;
const json = jsonAnswer();
const received =
  'HTTP/1.1 200 OK\r\nServer: upstream\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}';
const LAST_CHUNK = '0\r\n\r\n';

/** What the octets of a connection belong to now. */
type State =
  | { kind: 'head' }
  | { kind: 'length'; left: number }
  | { kind: 'chunked' }
  | { kind: 'websocket' };

function serve(socket: Socket): void {
  let state: State = { kind: 'head' };
  let head = '';

  /** Answers one request, or says which body comes first. */
  const begin = (request: string): State => {
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(request)?.[1] ?? 0);
    const chunked = /\r\ntransfer-encoding:/i.test(request);
    if ((length > 0 || chunked) && /\r\nexpect: *100-continue/i.test(request))
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    if (length > 0) return { kind: 'length', left: length };
    if (chunked) return { kind: 'chunked' };
    if (/\r\nupgrade: *websocket/i.test(request)) {
      acceptWebSocket(socket, request);
      return { kind: 'websocket' };
    }
    if (request.startsWith(`GET ${LARGE_PATH}`)) {
      socket.cork();
      socket.write(largeHead, 'latin1');
      socket.write(large);
      socket.uncork();
    } else socket.write(json, 'latin1');
    return { kind: 'head' };
  };

  socket.on('data', (data: Buffer) => {
    let at = 0;
    while (at < data.length) {
      if (state.kind === 'websocket') return echoFrames(socket, data.subarray(at));
      if (state.kind === 'chunked') {
        if (data.toString('latin1', data.length - LAST_CHUNK.length) !== LAST_CHUNK) return;
        at = data.length;
      } else if (state.kind === 'length') {
        const taken = Math.min(state.left, data.length - at);
        state.left -= taken;
        at += taken;
        if (state.left > 0) return;
      } else {
        const before = head.length;
        head += data.toString('latin1', at);
        const end = head.indexOf('\r\n\r\n');
        if (end === -1) return;
        at += end + 4 - before;
        state = begin(head.slice(0, end + 4));
        head = '';
        continue;
      }
      state = { kind: 'head' };
      socket.write(received, 'latin1');
    }
  });
  socket.on('error', () => socket.destroy());
}

/** RFC 6455 section 4.2.2 */
function acceptWebSocket(socket: Socket, request: string): void {
  const key = /\r\nsec-websocket-key: *(\S+)/i.exec(request)?.[1] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
}

/** Echoes whole short frames (RFC 6455 section 5.2); the bench sends no other. */
function echoFrames(socket: Socket, data: Buffer): void {
  for (let at = 0; at + 6 <= data.length; ) {
    const length = (data[at + 1] ?? 0) & 0x7f;
    if (length > 125 || at + 6 + length > data.length) return;
    const frame = Buffer.allocUnsafe(2 + length);
    frame[0] = data[at] ?? 0;
    frame[1] = length;
    for (let i = 0; i < length; i += 1)
      frame[2 + i] = (data[at + 6 + i] ?? 0) ^ (data[at + 2 + (i & 3)] ?? 0);
    socket.write(frame);
    at += 6 + length;
  }
}

for (const host of TARGET_ADDRESSES)
  createServer({ noDelay: true }, serve).listen({ port, host, backlog: 4096 });
