import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { RunningCli, Workspace } from '../support/cli.ts';
import { Pebble } from '../support/pebble.ts';
import { openPostgresSchema } from '../support/postgres.ts';

const HOST = 'shop.example.com';
const NODES = ['a', 'b'];
/** From the moment that both serve. */
const LIMIT_MS = 20_000;

test('two gateways that share a PostgreSQL order once, answer the challenge whichever is asked, and both serve the certificate', async (t) => {
  await using cleanup = new AsyncDisposableStack();
  const postgres = await openPostgresSchema();
  cleanup.defer(() => postgres.close());
  const entrance = cleanup.use(await Entrance.open(NODES.length));
  const pebble = cleanup.use(await Pebble.start({ httpPort: entrance.port, tlsPort: 1, hosts: [HOST] }));
  const gateways = NODES.map((name) => {
    const files = cleanup.use(
      new Workspace({
        'ca.pem': pebble.ca,
        'portcullis.yaml': `
listeners:
  http: { address: 127.0.0.1, port: 0 }
  https: { address: 127.0.0.1, port: 0, protocol: https }
certificates:
  shop: { acme: { directory: '${pebble.directory}', ca: file:ca.pem, hosts: [${HOST}], termsAgreed: true } }
store: { ${postgres.yaml}, key: 'the key of these tests, which nobody guesses' }
admin: { enabled: false }
runtime: { workers: 1 }
routes: { hello: { match: { paths: ['/*'] }, respond: { body: ${name} } } }
`,
      }),
    );
    return cleanup.use(new RunningCli(['serve'], files.directory));
  });
  const ready = gateways.map(async (gateway) => {
    const line = await gateway.logged('ready');
    entrance.lead(portIn(line['listener.http']));
    return portIn(line['listener.https']);
  });
  const secure = await Promise.all(ready);
  const started = performance.now();

  const serials = await Promise.all(
    secure.map(async (port) => {
      for (;;) {
        const { issuer, serial } = await presented(port);
        if (issuer.startsWith('Pebble Intermediate CA')) return serial;
        const said = gateways.map(({ stderr }) => stderr).join('\n');
        assert.ok(performance.now() - started < LIMIT_MS, `no certificate: ${said}`);
      }
    }),
  );
  t.diagnostic(`ms until both served it: ${Math.round(performance.now() - started)}`);
  assert.equal(serials[0], serials[1]);
  assert.equal(pebble.count('Added order'), 1, pebble.log.join('\n'));
  const orders = gateways.flatMap(({ log }) => log.filter(({ message }) => message.includes('ordered at')));
  assert.equal(orders.length, 1);
  assert.ok(entrance.taken >= NODES.length, 'both were asked for the challenge');
});

function portIn(url: unknown): number {
  return Number(new URL(String(url)).port);
}

/** The certificate that a client gets who asks for the host. */
async function presented(port: number): Promise<{ readonly issuer: string; readonly serial: string }> {
  const socket = connectTls({ port, host: '127.0.0.1', servername: HOST, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { issuer, serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return { issuer: String(issuer.CN), serial: serialNumber };
}

/** Passes connections on to several ports in turn, once it knows all of them. */
class Entrance implements AsyncDisposable {
  readonly #server: Server;
  readonly #count: number;
  readonly #ports: number[] = [];
  readonly #complete = Promise.withResolvers<void>();
  #taken = 0;

  private constructor(count: number) {
    this.#count = count;
    this.#server = createServer((socket) => {
      socket.on('error', () => {});
      void this.#complete.promise.then(() => this.#pass(socket));
    });
  }

  static async open(count: number): Promise<Entrance> {
    const entrance = new Entrance(count);
    entrance.#server.listen(0, '127.0.0.1');
    await once(entrance.#server, 'listening');
    return entrance;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many connections were passed on. */
  get taken(): number {
    return this.#taken;
  }

  lead(port: number): void {
    this.#ports.push(port);
    if (this.#ports.length === this.#count) this.#complete.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(socket: Socket): void {
    const on = connect(this.#ports[this.#taken++ % this.#count] as number, '127.0.0.1');
    socket.on('error', () => on.destroy()).pipe(on);
    on.on('error', () => socket.destroy()).pipe(socket);
  }
}
