import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { before, suite, test } from 'node:test';
import * as tls from 'node:tls';
import fc from 'fast-check';
import {
  type ClientHello,
  canonicalServerName,
  HELLO_MAX_BYTES,
  type HelloReading,
  HelloScan,
} from './client-hello.ts';

const readClientHello = (data: Buffer): HelloReading => new HelloScan().look(data);

/** What node:tls sends first. */
async function sentBy(options: tls.ConnectionOptions): Promise<Buffer> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tls.connect({ port: (server.address() as net.AddressInfo).port, ...options });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  let data = Buffer.alloc(0);
  for await (const piece of socket as AsyncIterable<Buffer>) {
    data = Buffer.concat([data, piece]);
    if (readClientHello(data).kind !== 'incomplete') break;
  }
  client.destroy();
  socket.destroy();
  server.close();
  return data;
}

suite("A client's first message", () => {
  let sent: Buffer;
  before(async () => {
    sent = await sentBy({
      servername: 'WWW.Example.test',
      ALPNProtocols: ['h2', 'http/1.1'],
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256',
      sigalgs: 'RSA-PSS+SHA256',
      ecdhCurve: 'X25519',
    });
  });
  const read = (data: Buffer): ClientHello => {
    const reading = readClientHello(data);
    assert.equal(reading.kind, 'hello');
    return (reading as { hello: ClientHello }).hello;
  };

  test('says what the client wants and can do', () => {
    const { cipherSuites, ...hello } = read(sent);
    assert.deepEqual(hello, {
      serverName: 'www.example.test',
      protocols: ['h2', 'http/1.1'],
      signatureSchemes: [0x0804],
      groups: [29],
      speaksTls13: true,
      ticketKeyName: undefined,
    });
    assert.ok(cipherSuites.includes(0xc02f) && cipherSuites.includes(0x1301));
  });

  test('is incomplete up to its last octet, and says how many there have to be', () => {
    for (let end = 0; end < sent.length; end++) {
      const reading = readClientHello(sent.subarray(0, end));
      assert.equal(reading.kind, 'incomplete', `after ${end}`);
      if (reading.kind === 'incomplete') assert.ok(reading.atLeast > end && reading.atLeast <= sent.length);
    }
  });

  test('may lie in several records', () => {
    const body = sent.subarray(5);
    const records: Buffer[] = [];
    for (let at = 0; at < body.length; at += 50) {
      const piece = body.subarray(at, at + 50);
      records.push(Buffer.from([22, 3, 1, 0, piece.length]), piece);
    }
    assert.deepEqual(read(Buffer.concat(records)), read(sent));
  });

  test('is read record by record as they come', () => {
    const octets = [...sent.subarray(5)].flatMap((octet) => [22, 3, 1, 0, 1, octet]);
    const all = Buffer.from(octets);
    const scan = new HelloScan();
    for (let end = 0; end < all.length; end++)
      assert.equal(scan.look(all.subarray(0, end)).kind, 'incomplete', `after ${end}`);
    assert.deepEqual(scan.look(all), { kind: 'hello', hello: read(sent) });
  });

  const hello = (length: number) => Buffer.from([22, 3, 1, 0, 4, 1, 0, length >> 8, length & 0xff]);
  for (const [title, data] of [
    ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['an alert', Buffer.from([21, 3, 1, 0, 2, 1, 0])],
    ['another message', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
    ['an empty message', hello(0)],
    ['a record without anything', Buffer.from([22, 3, 1, 0, 0])],
    ['a very long record', Buffer.from([22, 3, 1, 0xff, 0xff])],
    ['a very long message', hello(HELLO_MAX_BYTES)],
  ] as const) {
    test(`is none: ${title}`, () => assert.deepEqual(readClientHello(data), { kind: 'other' }));
  }

  test('may be anything at all', () => {
    fc.assert(
      fc.property(fc.nat(sent.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, octets) => {
        const changed = Buffer.from(sent);
        changed.set(octets.subarray(0, changed.length - at), at);
        assert.match(readClientHello(changed).kind, /^(?:hello|incomplete|other)$/);
      }),
      { numRuns: 500 },
    );
  });
});

suite('A server name', () => {
  for (const [given, name] of [
    ['a.example', 'a.example'],
    ['A.Example.', 'a.example'],
    ['localhost', 'localhost'],
    ['_acme.a-b.example', '_acme.a-b.example'],
    ['192.0.2.1', ''],
    ['::1', ''],
    ['a.example\0.evil', ''],
    ['a..example', ''],
    ['*.example', ''],
    ['', ''],
    ['.', ''],
    ['b\u00fccher.example', ''],
    [`${'a'.repeat(64)}.example`, ''],
    [`${'a.'.repeat(130)}example`, ''],
  ] as const) {
    test(`${JSON.stringify(given.slice(0, 30))} is ${name === '' ? 'of nobody' : name}`, () =>
      assert.equal(canonicalServerName(given), name));
  }
});
