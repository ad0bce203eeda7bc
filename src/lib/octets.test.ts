import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { suite, test } from 'node:test';
import { Changes } from '../../test/support/changes.ts';
import { copyOf, latin1, type OnRead, readFrom, readInto } from './octets.ts';

const EVERY = Buffer.from(Array.from({ length: 256 }, (_, code) => code));

suite('octets', () => {
  test('as text are one character each', () => {
    const text = latin1(EVERY, 0, 256);
    assert.equal(text.length, 256);
    for (let code = 0; code < 256; code++) assert.equal(text.charCodeAt(code), code);
    assert.equal(latin1(EVERY, 0x61, 0x64), 'abc');
    assert.equal(latin1(EVERY, 5, 5), '');
  });

  test('that are kept are a copy of their own', () => {
    const data = Buffer.from('-hello-');
    const copy = copyOf(data, 1, 6);
    data.fill('!');
    assert.equal(copy.toString(), 'hello');
    assert.equal(copy.buffer.byteLength, 5, 'no larger buffer is held with it');
    assert.equal(copyOf(data, 3, 3).length, 0);
  });
});

/** Everything that a socket was told, copied, since it lasts for the call only. */
class Ear {
  text = '';
  ended = false;
  readonly sockets = new Set<net.Socket>();
  readonly #changes = new Changes();

  readonly onRead: OnRead = ((ear: Ear): OnRead =>
    function (this: net.Socket, length, data) {
      ear.sockets.add(this);
      ear.text += Buffer.from(data.subarray(0, length)).toString('latin1');
      data.fill(0x21, 0, length);
      ear.tell();
      return true;
    })(this);

  tell(): void {
    this.#changes.tell();
  }

  async hears(text: string): Promise<void> {
    await this.#changes.until(
      () => this.text === text,
      JSON.stringify(text),
      () => JSON.stringify(this.text),
    );
  }

  async hearsTheEndOf(socket: net.Socket): Promise<void> {
    socket.once('end', () => {
      this.ended = true;
      this.tell();
    });
    await this.#changes.until(() => this.ended, 'the end');
  }
}

type Read = (socket: net.Socket, onRead: OnRead) => void;

/** Where Node's internals are not what they are today. */
const readByEvents: Read = (socket, onRead) => readFrom(socket, onRead, null);

/** A server whose sockets are read by `read`, and a client that is connected to it and has sent `early` before that. */
async function connected(
  read: Read,
  early = '',
): Promise<{ ear: Ear; client: net.Socket; socket: net.Socket } & AsyncDisposable> {
  const ear = new Ear();
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect({
    port: (server.address() as net.AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  if (early !== '') {
    client.write(early);
    // Read before anybody wants it, as a TLS socket does while it shakes hands.
    socket.read(0);
    await once(socket, 'readable');
  }
  read(socket, ear.onRead);
  return {
    ear,
    client,
    socket,
    async [Symbol.asyncDispose]() {
      server.close();
      socket.destroy();
      client.destroy();
      await once(client, 'close');
    },
  };
}

for (const [title, read] of [
  ['an accepted socket that reads into the shared buffer', readFrom],
  ['a socket that tells of reads by events', readByEvents],
] as const) {
  suite(title, () => {
    test('hears every octet, with itself as `this`', async () => {
      await using pair = await connected(read);
      pair.client.write(EVERY);
      await pair.ear.hears(EVERY.toString('latin1'));
      assert.deepEqual([...pair.ear.sockets], [pair.socket]);
    });

    test('hears what came before it was listened to, once and first', async () => {
      await using pair = await connected(read, 'early ');
      pair.client.write('and late');
      await pair.ear.hears('early and late');
    });

    test('answers, and knows whom it talks to', async () => {
      await using pair = await connected(read);
      pair.socket.write('hello');
      const [data] = (await once(pair.client, 'data')) as [Buffer];
      assert.equal(data.toString(), 'hello');
      assert.equal(pair.socket.remoteAddress, '127.0.0.1');
    });

    test('hears the end of the other side, and can still answer', async () => {
      await using pair = await connected(read);
      pair.client.end('hello');
      await pair.ear.hearsTheEndOf(pair.socket);
      assert.equal(pair.ear.text, 'hello');
      pair.socket.end('bye');
      const [data] = (await once(pair.client, 'data')) as [Buffer];
      assert.equal(data.toString(), 'bye');
    });

    test('hears nothing while it is paused, and all of it after', async () => {
      await using pair = await connected(read);
      pair.client.write('a');
      await pair.ear.hears('a');
      pair.socket.pause();
      await new Promise<void>((resolve) => pair.client.write('bc', () => resolve()));
      for (let i = 0; i < 5; i++) await new Promise(setImmediate);
      assert.equal(pair.ear.text, 'a');
      pair.socket.resume();
      await pair.ear.hears('abc');
    });
  });
}

suite('several sockets that share the buffer', () => {
  test('each hear their own octets', async () => {
    await using one = await connected(readFrom);
    await using two = await connected(readFrom);
    for (let i = 0; i < 20; i++) {
      one.client.write('1'.repeat(1000));
      two.client.write('2'.repeat(1000));
    }
    await one.ear.hears('1'.repeat(20_000));
    await two.ear.hears('2'.repeat(20_000));
  });

  test('hear more than the buffer holds', async () => {
    await using pair = await connected(readFrom);
    const text = 'abcdefghij'.repeat(50_000);
    pair.client.write(text, 'latin1');
    await pair.ear.hears(text);
  });

  test('also those that connect', async () => {
    const ear = new Ear();
    const server = net.createServer((socket) => socket.end('hello'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = net.connect({
      port: (server.address() as net.AddressInfo).port,
      host: '127.0.0.1',
      onread: readInto(ear.onRead),
    });
    await ear.hears('hello');
    socket.destroy();
    server.close();
    await once(server, 'close');
  });
});

suite('a socket without the handle that Node gives it today', () => {
  test('is read by its events', async () => {
    const ear = new Ear();
    const socket = new net.Socket();
    readFrom(socket, ear.onRead);
    socket.emit('data', Buffer.from('hello'));
    await ear.hears('hello');
    socket.destroy();
  });
});
