import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { RunningCli, Workspace } from '../support/cli.ts';
import { freePort, Pebble } from '../support/pebble.ts';
import { send } from '../support/send.ts';

const HOSTS = ['plain.example.com', 'secure.example.com'];

interface Node {
  readonly http: number;
  readonly https: number;
}

/** `plain` is proved by HTTP-01 and `secure` by TLS-ALPN-01. Every route redirects, and none knows of challenges. */
function config({ http, https }: Node, pebble: Pebble, names: readonly string[]): string {
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
`;
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
      servername: HOSTS[0],
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
