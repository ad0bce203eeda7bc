import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectPlain, createServer, type Server } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { RunningCli, Workspace } from '../support/cli.ts';
import { freePort, Pebble } from '../support/pebble.ts';
import { ScratchSchema } from '../support/postgres.ts';
import { send } from '../support/send.ts';

const HOSTS = ['plain.example.com', 'secure.example.com'];

interface Node {
  readonly http: number;
  readonly https: number;
}

/** `plain` is proved by HTTP-01 and `secure` by TLS-ALPN-01. Every route redirects, and none knows of challenges. */
function config({ http, https }: Node, pebble: Pebble, names: readonly string[], rest = ''): string {
  const entries = {
    plain: 'hosts: [plain.example.com]',
    secure: 'hosts: [secure.example.com], challenge: tls-alpn-01, keyType: rsa',
  };
  const certificates = names.map(
    (name) =>
      `  ${name}: { acme: { directory: '${pebble.directory}', ca: file:ca.pem, termsAgreed: true, ${entries[name as keyof typeof entries]} } }`,
  );
  return `
listeners:
  http: { address: 127.0.0.1, port: ${http} }
  https: { address: 127.0.0.1, port: ${https}, protocol: https }
certificates:
${certificates.join('\n')}
admin: { port: 0 }
runtime: { workers: 1 }
observability: { accessLog: { enabled: false } }
routes:
  hello: { match: { paths: ['/*'], protocols: [https] }, respond: { body: hello } }
  moved: { match: { paths: ['/*'], protocols: [http] }, redirect: { scheme: https, status: 308 } }
${rest}`;
}

/** The certificate that a client gets who asks for a host. */
async function presented(
  port: number,
  servername: string,
): Promise<{ issuer: string; serial: string; type: string }> {
  const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { issuer, serialNumber, asn1Curve } = socket.getPeerCertificate();
  socket.destroy();
  return { issuer: String(issuer.CN), serial: serialNumber, type: asn1Curve === undefined ? 'rsa' : 'ecdsa' };
}

/** A request on a connection that stays. */
async function ask(socket: TLSSocket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: plain.example.com\r\n\r\n');
  return String((await once(socket, 'data'))[0]);
}

const issued = (node: RunningCli, name: string) =>
  node.logged(new RegExp(`^certificate ${name}: issued, to be renewed at `));

suite('certificates that come by ACME', () => {
  let node: Node;
  let pebble: Pebble;
  let files: Workspace;
  let gateway: RunningCli;

  before(async () => {
    node = { http: await freePort(), https: await freePort() };
    pebble = await Pebble.start({ httpPort: node.http, tlsPort: node.https, hosts: HOSTS });
    await pebble.pause();
    files = new Workspace({
      'ca.pem': pebble.ca,
      'portcullis.yaml': config(node, pebble, ['plain', 'secure']),
    });
    gateway = new RunningCli(['serve'], files.directory);
  });

  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await pebble[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  test('the gateway serves at once, though the ACME server is down', async () => {
    await gateway.ready();
    await gateway.logged(
      /^certificate plain: the order failed: the ACME server cannot be reached: .*ECONNREFUSED.*; tried again at /,
    );
    assert.equal((await presented(node.https, HOSTS[0] as string)).issuer, 'Portcullis stand-in');
  });

  test('and gets them when it is back, without dropping a connection', async () => {
    const kept = connect({
      port: node.https,
      host: '127.0.0.1',
      servername: HOSTS[0] as string,
      rejectUnauthorized: false,
    });
    await once(kept, 'secureConnect');
    assert.match(await ask(kept), /^HTTP\/1\.1 200 OK\r\n[^]*hello$/);
    await pebble.resume();
    await Promise.all([issued(gateway, 'plain'), issued(gateway, 'secure')]);
    const answer = await send(`http://127.0.0.1:${node.http}/.well-known/acme-challenge/unknown`);
    assert.equal(answer.status, 308, 'what is no challenge goes to the routes');
    const [plain, secure] = await Promise.all(HOSTS.map((host) => presentedByPebble(host)));
    assert.equal(plain?.type, 'ecdsa');
    assert.equal(secure?.type, 'rsa');
    assert.match(await ask(kept), /^HTTP\/1\.1 200 OK\r\n[^]*hello$/);
    kept.destroy();
  });

  /** The workers take a certificate over a moment after it is written down. */
  async function presentedByPebble(host: string): ReturnType<typeof presented> {
    for (;;) {
      const found = await presented(node.https, host);
      if (found.issuer.startsWith('Pebble Intermediate CA')) return found;
    }
  }

  test('tells of them in its metrics', async () => {
    const { admin } = await gateway.ready();
    const { body } = await send(`${admin}/metrics`);
    assert.match(body, /^portcullis_acme_orders_total\{certificate="plain",outcome="issued"\} 1$/m);
    assert.match(body, /^portcullis_acme_failures\{certificate="plain"\} 0$/m);
    assert.match(body, /^portcullis_acme_renewal_timestamp_seconds\{certificate="secure"\} \d+/m);
  });

  test('keeps them over a restart: no new order, no new account', async () => {
    const [accounts, orders] = [pebble.count('There are now'), pebble.count('Added order')];
    const served = await presented(node.https, HOSTS[1] as string);
    gateway.signal('SIGTERM');
    await gateway.exited;
    gateway = new RunningCli(['serve'], files.directory);
    await gateway.ready();
    assert.deepEqual(await presented(node.https, HOSTS[1] as string), served);
    assert.deepEqual([pebble.count('There are now'), pebble.count('Added order')], [accounts, orders]);
    assert.ok(orders >= 2, pebble.log.join('\n'));
  });
});

test('two nodes that share a store order once, and the one that did not order answers the challenge', async () => {
  await using schema = new ScratchSchema();
  const nodes: RunningCli[] = [];
  const ports: Node[] = [];
  for (let i = 0; i < 2; i++) ports.push({ http: await freePort(), https: await freePort() });
  // Where the ACME server asks: at the node that did not order.
  await using entrance = await Entrance.open(() => {
    const other = nodes.findIndex(({ log }) => !log.some(({ message }) => message.includes('ordered at')));
    return ports[other]?.http ?? 1;
  });
  await using pebble = await Pebble.start({ httpPort: entrance.port, tlsPort: 1, hosts: HOSTS });
  const rest = `store: { postgres: { url: '${schema.url}', schema: ${schema.name} }, key: 'a key of at least thirty-two characters' }\n`;
  using first = new Workspace({ 'ca.pem': pebble.ca });
  using second = new Workspace({ 'ca.pem': pebble.ca });
  for (const [i, files] of [first, second].entries()) {
    files.write('portcullis.yaml', config(ports[i] as Node, pebble, ['plain'], rest));
    nodes.push(new RunningCli(['serve'], files.directory));
  }
  try {
    await Promise.all(nodes.map((node) => node.ready()));
    await Promise.race(nodes.map((node) => issued(node, 'plain')));
    const serials = new Set<string>();
    for (const { https } of ports) {
      let found = await presented(https, 'plain.example.com');
      while (!found.issuer.startsWith('Pebble')) found = await presented(https, 'plain.example.com');
      serials.add(found.serial);
    }
    assert.equal(serials.size, 1);
    assert.equal(pebble.count('Added order'), 1, pebble.log.join('\n'));
  } finally {
    for (const node of nodes) await node[Symbol.asyncDispose]();
  }
});

/** Passes connections on to a port that is chosen for each. */
class Entrance implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(choose: () => number): Promise<Entrance> {
    const server = createServer((socket) => {
      const on = connectPlain(choose(), '127.0.0.1');
      for (const [from, to] of [
        [socket, on],
        [on, socket],
      ] as const)
        from.on('error', () => to.destroy()).pipe(to);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Entrance(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
