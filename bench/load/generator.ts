/**
 * The load generator for machines without wrk: bare sockets and the same requests. It uses more CPU than wrk, so the proxy gets fewer
 * requests per second; CPU per request stays comparable between peers. Argument: a Load as JSON. Prints a LoadResult as JSON.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Load, LoadResult } from './load.ts';

const load: Load = JSON.parse(process.argv[2] ?? '{}');
const url = new URL(load.url);
/** Counts per microsecond up to 2^20, then per 64; the last one takes all that is longer. */
const FINE = 1 << 20;
const latencies = new Uint32Array(FINE + (1 << 20));
const failures = new Map<string, number>();
const requests = requestTexts();
let next = 0;
let done = 0;
let stopped = false;
const sockets = new Set<Socket>();

function requestTexts(): string[] {
  const more = Object.entries(load.headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  const connection = load.keepAlive ? '' : 'Connection: close\r\n';
  const length =
    load.bodyBytes > 0 ? `Content-Type: application/json\r\nContent-Length: ${load.bodyBytes}\r\n` : '';
  const text = (path: string) =>
    `${load.bodyBytes > 0 ? 'POST' : 'GET'} ${path} HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: bench\r\nAccept: application/json\r\n${more}${connection}${length}\r\n`;
  if (load.routes === 0) return [text(url.pathname)];
  return Array.from({ length: load.routes }, (_, i) => text(`/svc-${(i * 7919) % load.routes}/items/42`));
}

/** The same text as in wrk.lua: a list of things, filled up with spaces. */
function jsonOf(bytes: number): Buffer {
  const item = '{"id":4711,"name":"portcullis","tags":["gateway","bench"]}';
  const count = Math.floor((bytes - 1) / (item.length + 1));
  const list = `[${Array.from({ length: count }, () => item).join(',')}`;
  return Buffer.from(`${list.padEnd(bytes - 1)}]`);
}

function fail(kind: string): void {
  if (!stopped) failures.set(kind, (failures.get(kind) ?? 0) + 1);
}

function open(): void {
  if (stopped) return;
  const body = load.bodyBytes > 0 ? jsonOf(load.bodyBytes) : undefined;
  const address = { port: Number(url.port), host: url.hostname };
  const socket =
    url.protocol === 'https:'
      ? connectTls({ ...address, rejectUnauthorized: false })
      : connect({ ...address, noDelay: true });
  sockets.add(socket);
  let head = '';
  let left = -1;
  let sentAt = 0;
  const send = () => {
    sentAt = performance.now();
    next = (next + 1) % requests.length;
    socket.cork();
    socket.write(requests[next] ?? '', 'latin1');
    if (body) socket.write(body);
    socket.uncork();
  };
  socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', send);
  socket.on('data', (data: Buffer) => {
    if (left === -1) {
      head += data.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      const status = head.slice(9, 12);
      if (status[0] !== '2') fail(`status ${status}`);
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
      if (length === undefined) {
        fail('answer without Content-Length');
        socket.destroy();
        return;
      }
      left = Number(length) - (head.length - end - 4);
      head = '';
    } else left -= data.length;
    if (left > 0) return;
    left = -1;
    if (stopped) return;
    done += 1;
    const us = Math.round((performance.now() - sentAt) * 1000);
    const slot = us < FINE ? us : Math.min(FINE + ((us - FINE) >> 6), latencies.length - 1);
    latencies[slot] = (latencies[slot] ?? 0) + 1;
    if (load.keepAlive) send();
    else socket.destroy();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
  socket.on('close', () => {
    sockets.delete(socket);
    if (load.keepAlive && left !== -1) fail('closed within an answer');
    if (!stopped) setImmediate(open);
  });
}

function percentileUs(share: number): number {
  let left = Math.ceil(done * share);
  for (let slot = 0; slot < latencies.length; slot += 1) {
    left -= latencies[slot] ?? 0;
    if (left <= 0) return slot < FINE ? slot : FINE + ((slot - FINE) << 6);
  }
  return 0;
}

const begun = performance.now();
for (let i = 0; i < load.connections; i += 1) open();
setTimeout(() => {
  stopped = true;
  const result: LoadResult = {
    requests: done,
    seconds: (performance.now() - begun) / 1000,
    p50Us: percentileUs(0.5),
    p99Us: percentileUs(0.99),
    failed: [...failures.values()].reduce((sum, count) => sum + count, 0),
    failures: [...failures].map(([kind, count]) => `${kind} ${count}`).join(', '),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  for (const socket of sockets) socket.destroy();
}, load.seconds * 1000);
