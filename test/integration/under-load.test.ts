import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { RunningCli, Workspace } from '../support/cli.ts';
import { DEADLY } from '../support/deadly-policy.ts';
import { Load } from '../support/load.ts';

/** The real program, its workers threads of their own; clients and service in this process. */
const LIMIT = { timeout: 60_000 };
const CLIENTS = 16;
/** Answers between one step of a story and the next: enough for every client to be in the middle of something. */
const A_WHILE = 500;

function config(service: string, extra: string): string {
  return `
listeners:
  http: { address: 127.0.0.1, port: 0 }
admin: { port: 0 }
runtime: { workers: 2 }
observability: { accessLog: { enabled: false } }
services:
  page: { url: '${service}' }
routes:
  page: { match: { paths: [/page] }, service: page }
  socket: { match: { paths: [/socket] }, service: page }
  die: { match: { paths: [/die] }, policies: [{ ./deadly.ts: {} }], respond: {} }
${extra}
`;
}

/** A service with pages and a WebSocket that echoes. */
async function startService(): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((_request, response) => response.end('a page'));
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) =>
    socket.on('message', (data) => socket.send(data as Buffer, { binary: false })),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function echoed(socket: WebSocket, text: string): Promise<string> {
  const answer = once(socket, 'message');
  socket.send(text);
  return String((await answer)[0]);
}

suite('under load', () => {
  test('reloads fail no request and drop no WebSocket on a route that stays', LIMIT, async () => {
    await using service = await startService();
    using files = new Workspace({ 'portcullis.yaml': config(service.url, ''), 'deadly.ts': DEADLY });
    await using cli = new RunningCli(['serve'], files.directory);
    const { url } = await cli.ready();
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket`);
    await once(socket, 'open');
    await using load = new Load(`${url}/page`, CLIENTS);
    await load.answers(A_WHILE);
    for (let i = 0; i < 5; i++) {
      const from = cli.log.length;
      files.write(
        'portcullis.yaml',
        config(service.url, `  new${i}: { match: { paths: [/new${i}] }, respond: {} }`),
      );
      await cli.logged(/^reload \(.*\): /, from);
      await load.answers(A_WHILE);
    }
    const { answered, broken, others } = await load.stop();
    assert.deepEqual({ broken, others }, { broken: 0, others: {} }, `of ${answered}`);
    assert.equal(await echoed(socket, 'still there'), 'still there');
    socket.close();
    await once(socket, 'close');
  });

  test(
    'a worker that dies breaks its own connections alone, and the others are served on',
    LIMIT,
    async () => {
      await using service = await startService();
      using files = new Workspace({ 'portcullis.yaml': config(service.url, ''), 'deadly.ts': DEADLY });
      await using cli = new RunningCli(['serve'], files.directory);
      const { url } = await cli.ready();
      await using load = new Load(`${url}/page`, CLIENTS);
      await load.answers(A_WHILE);
      await fetch(`${url}/die`).catch(() => {});
      await cli.logged(/^worker \d died and is replaced at once$/);
      await cli.logged(/^worker \d serves again$/);
      await load.answers(A_WHILE);
      const { broken, others } = await load.stop();
      assert.deepEqual(others, {});
      assert.ok(broken <= CLIENTS, `${broken} requests broke`);
      await using after = new Load(`${url}/page`, CLIENTS);
      await after.answers(A_WHILE);
      const { broken: brokenAfter, others: othersAfter } = await after.stop();
      assert.deepEqual([brokenAfter, othersAfter], [0, {}]);
    },
  );
});
