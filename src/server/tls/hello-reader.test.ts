import assert from 'node:assert/strict';
import type * as net from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import type { ClientHello } from './client-hello.ts';
import { whenHello } from './hello-reader.ts';

/** A socket that gets what the test pushes. */
function socketOf(): net.Socket {
  return new Duplex({ read() {}, write: (_data, _encoding, done) => done() }) as net.Socket;
}

/** A ClientHello that says nothing, as long as that; every octet in a record of its own. */
function helloInRecords(length: number): Buffer {
  const message = Buffer.alloc(4 + length);
  message[0] = 1;
  message.writeUIntBE(length, 1, 3);
  return Buffer.from([...message].flatMap((octet) => [22, 3, 1, 0, 1, octet]));
}

test('A hello whose octets come one by one, each in its record, costs as much as its length, and is put back', async () => {
  const socket = socketOf();
  const hello = Promise.withResolvers<ClientHello | undefined>();
  whenHello(socket, hello.resolve);
  const sent = helloInRecords(5000);
  const begun = process.cpuUsage();
  for (const octet of sent) socket.emit('data', Buffer.of(octet));
  const { user, system } = process.cpuUsage(begun);
  assert.deepEqual((await hello.promise)?.cipherSuites, []);
  assert.deepEqual(socket.read(), sent);
  // It took 40 s where each record was read anew with all before it; this takes 30 ms.
  assert.ok(user + system < 2_000_000, `${user + system} us`);
});

test('What comes behind a hello is put back with it', async () => {
  const socket = socketOf();
  const hello = Promise.withResolvers<ClientHello | undefined>();
  whenHello(socket, hello.resolve);
  const sent = Buffer.concat([helloInRecords(50), Buffer.from('more')]);
  socket.push(sent.subarray(0, 40));
  socket.push(sent.subarray(40));
  assert.notEqual(await hello.promise, undefined);
  assert.deepEqual(socket.read(), sent);
});
