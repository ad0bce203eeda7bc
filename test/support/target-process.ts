import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TargetBehaviour } from './running-target.ts';

/**
 * A service that is a process of its own. Arguments: its port, 0 for any, and how it behaves. It tells `{ port }` once it listens. Told
 * a behaviour, it says that it has it and has it for requests from then on; told `arrivals`, it tells when each request came. Its
 * checks, at /healthz, it passes always, and does not count.
 */

let behaviour = JSON.parse(process.argv[3] ?? '{}') as TargetBehaviour;
const arrivals: number[] = [];

function answer(response: ServerResponse): void {
  if (behaviour.reset === true) response.socket?.resetAndDestroy();
  else response.writeHead(behaviour.status ?? 200, { 'x-target': String(port) }).end('an answer');
}

const server = createServer((request, response) => {
  if (request.url === '/healthz') {
    response.end();
    return;
  }
  arrivals.push(performance.timeOrigin + performance.now());
  request.resume().on('error', () => {});
  const { delayMs = 0 } = behaviour;
  if (delayMs === 0) answer(response);
  else setTimeout(answer, delayMs, response);
});

process.on('message', (message: TargetBehaviour | 'arrivals') => {
  if (message === 'arrivals') {
    process.send?.(arrivals);
    return;
  }
  behaviour = message;
  process.send?.('behaving');
});
// Whoever started it is gone.
process.on('disconnect', () => process.exit());

server.listen(Number(process.argv[2]), '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address() as AddressInfo;
process.send?.({ port });
