// A JSON REST service with state: orders are kept in memory, and are gone when it stops.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from './listen.ts';

interface Order {
  readonly id: number;
  readonly item: string;
  readonly quantity: number;
}

const MAX_BODY_BYTES = 16 * 1024;

const orders = new Map<number, Order>([
  [1, { id: 1, item: 'lantern', quantity: 2 }],
  [2, { id: 2, item: 'rope', quantity: 1 }],
]);
const ids = { next: 3 };

function send(
  response: ServerResponse,
  status: number,
  body?: unknown,
  headers: Record<string, string> = {},
): void {
  if (body === undefined) response.writeHead(status, headers).end();
  else
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(`${JSON.stringify(body)}\n`);
}

/** The order in the request's body, or what is wrong with it. */
async function readOrder(request: IncomingMessage): Promise<Omit<Order, 'id'> | string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MAX_BODY_BYTES) return 'the body is too long';
    pieces.push(piece);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(pieces).toString());
  } catch {
    return 'the body is not JSON';
  }
  const { item, quantity } = (value ?? {}) as { item?: unknown; quantity?: unknown };
  if (typeof item !== 'string' || item === '') return 'item must be a text';
  if (typeof quantity !== 'number' || !Number.isInteger(quantity) || quantity < 1)
    return 'quantity must be 1 or more';
  return { item, quantity };
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const [, id] = /^\/orders\/(\d{1,9})$/.exec(path) ?? [];
  const method = request.method === 'HEAD' ? 'GET' : request.method;

  if (path === '/orders') {
    if (method === 'GET') return send(response, 200, [...orders.values()]);
    if (method !== 'POST')
      return send(response, 405, { error: 'method not allowed' }, { allow: 'GET, HEAD, POST' });
    const order = await readOrder(request);
    if (typeof order === 'string') return send(response, 400, { error: order });
    const created = { id: ids.next++, ...order };
    orders.set(created.id, created);
    return send(response, 201, created, { location: `/orders/${created.id}` });
  }

  const found = id === undefined ? undefined : orders.get(Number(id));
  if (found === undefined) return send(response, 404, { error: 'there is no such order' });
  if (method === 'GET') return send(response, 200, found);
  if (method === 'DELETE') {
    orders.delete(found.id);
    return send(response, 204);
  }
  if (method !== 'PUT')
    return send(response, 405, { error: 'method not allowed' }, { allow: 'GET, HEAD, PUT, DELETE' });
  const order = await readOrder(request);
  if (typeof order === 'string') return send(response, 400, { error: order });
  const updated = { id: found.id, ...order };
  orders.set(found.id, updated);
  return send(response, 200, updated);
}

listen(
  createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  }),
);
