import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { suite, test } from 'node:test';
import { get, HOST, post } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import { startGatewayBefore } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const PIECE = Buffer.alloc(256 * 1024, 'x');
const PIECES = 400;
const TOTAL = PIECE.length * PIECES;
/** What the kernel's buffers of two connections and the gateway together may take of a sender whom nobody reads: most is the kernel's. */
const HELD_AT_MOST = 32 * 1024 * 1024;
/** What the gateway itself may hold, on top of the kernel: two buffers of a socket. */
const HEAP_AT_MOST = 8 * 1024 * 1024;

/** Counts instead of collecting. */
class Count {
  octets = 0;
  constructor(socket: Socket) {
    socket.removeAllListeners('data');
    socket.on('data', (data: Buffer) => {
      this.octets += data.length;
    });
  }
}

/** Writes all pieces, each when the one before was taken. */
class Pump {
  taken = 0;
  readonly done: Promise<void>;
  constructor(send: (data: Uint8Array) => Promise<void>) {
    this.done = this.#run(send);
  }

  async #run(send: (data: Uint8Array) => Promise<void>): Promise<void> {
    for (let i = 0; i < PIECES; i++) {
      await send(PIECE);
      this.taken += PIECE.length;
    }
  }

  /** Resolves when no piece was taken through many turns of the event loop: everyone waits for someone. */
  async still(): Promise<void> {
    for (let before = -1; before !== this.taken || this.taken === 0; ) {
      before = this.taken;
      await turns(200);
    }
  }
}

function assertHeld(pump: Pump, before: NodeJS.MemoryUsage): void {
  assert.ok(pump.taken < HELD_AT_MOST, `${pump.taken} octets were taken of a sender whom nobody reads`);
  const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers;
  assert.ok(grown < HEAP_AT_MOST, `${grown} octets are held in buffers`);
}

suite('back-pressure', () => {
  for (const [title, head] of [
    ['with a length', `Content-Length: ${TOTAL}\r\n\r\n`],
    ['until the close', '\r\n'],
  ] as const) {
    test(`a client that does not read stops the upstream, and gets all when it reads again (${title})`, async () => {
      const begun = Promise.withResolvers<Pump>();
      await using upstream = await ScriptedUpstream.start(async (connection) => {
        await connection.head();
        await connection.send(`HTTP/1.1 200 OK\r\n${head}`);
        const pump = new Pump((data) => connection.send(data));
        begun.resolve(pump);
        await pump.done;
        connection.halfClose();
      });
      await using gateway = await startGatewayBefore(upstream.url);
      using client = await RawClient.connect({ port: gateway.port });
      const count = new Count(client.socket);
      client.socket.pause();
      const before = process.memoryUsage();
      await client.send(get(['Connection: close']));
      const pump = await begun.promise;
      await pump.still();
      assertHeld(pump, before);
      client.socket.resume();
      await pump.done;
      await client.untilEnded();
      assert.ok(count.octets >= TOTAL);
    });
  }

  for (const [title, bytes, end] of [
    ['with a length', post([`Content-Length: ${TOTAL}`]), ''],
    ['chunked', post(['Transfer-Encoding: chunked'], `${TOTAL.toString(16)}\r\n`), '\r\n0\r\n\r\n'],
  ] as const) {
    test(`an upstream that does not read stops the client, and gets all when it reads again (${title})`, async () => {
      const begun = Promise.withResolvers<Count>();
      await using upstream = await ScriptedUpstream.start(async (connection) => {
        await connection.head();
        const count = new Count(connection.socket);
        connection.socket.pause();
        begun.resolve(count);
      });
      await using gateway = await startGatewayBefore(upstream.url);
      using client = await RawClient.connect({ port: gateway.port });
      await client.send(bytes);
      const count = await begun.promise;
      const before = process.memoryUsage();
      const pump = new Pump((data) => client.send(data));
      await pump.still();
      assertHeld(pump, before);
      const connection = await upstream.connection(0);
      connection.socket.resume();
      await pump.done;
      await client.send(end);
      while (count.octets < TOTAL) await turns();
      await connection.send(answer(200, 'all'));
      assert.equal((await client.answer()).body.toString(), 'all');
    });
  }

  test('a tunnel holds either side back', async () => {
    await using upstream = await ScriptedUpstream.start(async (connection) => {
      await connection.head();
      await connection.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    });
    await using gateway = await startGatewayBefore(upstream.url);
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(`GET / HTTP/1.1\r\n${HOST}\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n`);
    await client.answer();
    const far = await upstream.connection(0);
    for (const [from, to] of [
      [client, far],
      [far, client],
    ] as const) {
      const count = new Count(to.socket);
      to.socket.pause();
      const before = process.memoryUsage();
      const pump = new Pump((data) => from.send(data));
      await pump.still();
      assertHeld(pump, before);
      to.socket.resume();
      await pump.done;
      while (count.octets < TOTAL) await turns();
    }
  });
});
