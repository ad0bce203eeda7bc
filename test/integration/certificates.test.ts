import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import * as net from 'node:net';
import { after, before, describe, it } from 'node:test';
import * as tls from 'node:tls';
import { type Pair, TestAuthority } from '../support/certificates.ts';
import { configBefore, startGatewayWith, type TestGateway } from '../support/gateway.ts';

/** A client's kept connection. */
class Client {
  readonly socket: tls.TLSSocket;
  #text = '';

  private constructor(socket: tls.TLSSocket) {
    this.socket = socket;
    socket.on('data', (data: Buffer) => (this.#text += data.toString()));
    socket.on('error', () => {});
  }

  static async connect(port: number, options: tls.ConnectionOptions): Promise<Client> {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    await once(socket, 'secureConnect');
    return new Client(socket);
  }

  get certificate(): string {
    return String(this.socket.getPeerCertificate().subject.CN);
  }

  /** Status and body of a request for a host. */
  async ask(host: string): Promise<string> {
    this.#text = '';
    this.socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    while (!/\r\n\r\n[^]+/.test(this.#text)) await once(this.socket, 'data');
    const code = /"code":"([^"]+)"/.exec(this.#text)?.[1];
    return `${this.#text.slice(9, 12)} ${code ?? this.#text.split('\r\n\r\n')[1]}`;
  }
}

describe('Certificates of a running gateway', () => {
  const upstream = createServer((_request, response) => response.end('hello'));
  let authority: TestAuthority;
  let first: Pair;
  let renewed: Pair;
  before(async () => {
    authority = await TestAuthority.make();
    first = await authority.issue('first', ['a.example', '*.shop.example', '192.0.2.1', '2001:db8::1']);
    renewed = await authority.issue('renewed', ['a.example']);
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
  });
  after(() => upstream.close());

  const config = (certificates: Record<string, Pair>, settings: Record<string, unknown> = {}, port = 0) =>
    configBefore(
      `http://127.0.0.1:${(upstream.address() as net.AddressInfo).port}`,
      { port, protocol: 'https', tls: settings },
      {},
      certificates,
    );

  async function reload({ dataPlane, port }: TestGateway, certificates: Record<string, Pair>): Promise<void> {
    dataPlane.commit(await dataPlane.prepare(config(certificates, {}, port)));
  }

  it('change without a connection being lost, and without a handshake being refused', async () => {
    // A port of its own: a reload names it again.
    const free = net.createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as net.AddressInfo;
    free.close();
    await once(free, 'close');
    await using gateway = await startGatewayWith(config({ main: first }, {}, port));
    const servername = 'a.example';
    const old = await Client.connect(gateway.port, { servername });
    // Half a handshake, and half a request, while the certificate changes.
    const half = net.connect(gateway.port, '127.0.0.1');
    await once(half, 'connect');
    old.socket.write('GET / HTTP/1.1\r\nHo');
    await reload(gateway, { main: renewed });
    old.socket.write('st: a.example\r\n\r\n');
    await once(old.socket, 'data');
    assert.equal(await old.ask('a.example'), '200 hello');
    assert.equal(old.certificate, 'first');
    const young = await Client.connect(gateway.port, { servername });
    assert.equal(young.certificate, 'renewed');
    assert.equal(await young.ask('a.example'), '200 hello');
    const late = await Client.connect(gateway.port, { servername, socket: half });
    assert.equal(late.certificate, 'renewed');
    await assert.rejects(reload(gateway, { main: { cert: renewed.cert, key: first.key } }));
    assert.equal(await young.ask('a.example'), '200 hello');
    for (const client of [old, young, late]) client.socket.destroy();
  });

  describe('with strictHost', () => {
    let gateway: TestGateway;
    before(async () => {
      gateway = await startGatewayWith(config({ main: first, other: renewed }, { strictHost: true }));
    });
    after(() => gateway.close());

    for (const [servername, host, expected] of [
      ['a.example', 'a.example', '200 hello'],
      ['a.example', 'A.Example:8443', '200 hello'],
      ['a.example', 'a.example.', '200 hello'],
      ['a.example', 'www.shop.example', '200 hello'],
      ['www.shop.example', 'a.example', '200 hello'],
      ['a.example', 'shop.example', '421 misdirected_request'],
      ['a.example', 'b.example', '421 misdirected_request'],
      ['', '192.0.2.1', '200 hello'],
      ['', '[2001:db8::1]', '200 hello'],
      ['', '127.0.0.1', '421 misdirected_request'],
    ] as const) {
      it(`a connection for ${servername || 'no name'} and a request for ${host}: ${expected}`, async () => {
        const client = await Client.connect(gateway.port, { servername });
        assert.equal(await client.ask(host), expected);
        client.socket.destroy();
      });
    }
  });

  describe('of clients', () => {
    let middle: TestAuthority;
    const client: Record<string, Pair> = {};
    let gateway: TestGateway;
    before(async () => {
      middle = await authority.issueAuthority('middle');
      client['good'] = await authority.issue('good');
      client['revoked'] = await authority.issue('revoked');
      const below = await middle.issue('below');
      client['below'] = { ...below, cert: `${below.cert}\n${middle.cert}` };
      const ca = authority.cert;
      const lists = [await middle.revoke([]), await authority.revoke([client['revoked'].cert])];
      const clientAuth = { mode: 'require', ca, crl: lists.join('') };
      gateway = await startGatewayWith(config({ main: first }, { clientAuth }));
    });
    after(() => gateway.close());

    for (const [name, expected] of [
      ['good', '200 hello'],
      ['below', '200 hello'],
      ['revoked', 'refused'],
    ] as const) {
      it(`${name}: ${expected}, by the lists of revoked ones`, async () => {
        const made = await Client.connect(gateway.port, { ...client[name] });
        const closed = once(made.socket, 'close').then(() => 'refused');
        assert.equal(await Promise.race([made.ask('a.example'), closed]), expected);
        made.socket.destroy();
      });
    }
  });
});
