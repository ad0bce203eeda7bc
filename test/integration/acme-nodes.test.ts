import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { issueCertificate } from '../../src/control/acme/issue.ts';
import { AcmeKeeper } from '../../src/control/acme/keeper.ts';
import { askRenewalInfo } from '../../src/control/acme/renewal-info.ts';
import { acmeSchema } from '../../src/control/acme/schema.ts';
import { StoreStorage } from '../../src/control/acme/store-storage.ts';
import { StoreConnection } from '../../src/control/store/store-connection.ts';
import { systemTimers } from '../../src/lib/timers.ts';
import { Changes } from '../support/changes.ts';
import { configBefore, startGatewayWith } from '../support/gateway.ts';
import { Pebble } from '../support/pebble.ts';
import { openPostgresSchema } from '../support/postgres.ts';

const HOST = 'shop.example.com';
const LIMIT_MS = 60_000;

test('two nodes that share a store order once, the one that did not order answers the challenge, and both get the certificate', async () => {
  await using cleanup = new AsyncDisposableStack();
  const postgres = await openPostgresSchema();
  cleanup.defer(() => postgres.close());
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-acme-'));
  cleanup.defer(() => rm(folder, { recursive: true }));
  const events = new Changes();
  const log: string[] = [];
  const nodes = await Promise.all(['a', 'b'].map(makeNode));
  // Where the ACME server asks: at the node that does not order.
  const entrance = cleanup.use(
    await Entrance.open(() => nodes.find(({ name }) => !ordered().startsWith(name))?.gateway.port ?? 1),
  );
  const pebble = cleanup.use(await Pebble.start({ httpPort: entrance.port, tlsPort: 1, hosts: [HOST] }));
  const shop = acmeSchema.parse({
    directory: pebble.directory,
    ca: pebble.ca,
    hosts: [HOST],
    termsAgreed: true,
  });

  for (const { keeper } of nodes) {
    await keeper.pairs({ shop });
    keeper.keep({ shop });
  }
  await events.until(
    () => nodes.every(({ keeper }) => keeper.status()[0]?.state === 'ready'),
    'a certificate at both nodes',
    () => log.join('\n'),
    LIMIT_MS,
  );
  const [first, second] = await Promise.all(nodes.map(({ keeper }) => keeper.pairs({ shop })));
  assert.match(first?.['shop']?.cert ?? '', /^-----BEGIN CERTIFICATE-----/);
  assert.deepEqual(first, second);
  assert.equal(log.filter((line) => line.includes('ordered at')).length, 1, log.join('\n'));
  assert.equal(pebble.count('Added order'), 1, pebble.log.join('\n'));
  assert.equal(nodes.filter(({ answered }) => answered()).length, 1);
  const orderer = ordered().slice(0, 1);
  assert.notEqual(nodes.find(({ answered }) => answered())?.name, orderer);

  function ordered(): string {
    return log.find((line) => line.includes('ordered at')) ?? '';
  }

  async function makeNode(name: string) {
    const gateway = cleanup.use(await startGatewayWith(configBefore('http://127.0.0.1:1')));
    const connection = new StoreConnection({
      settings: {
        enabled: true,
        place: { kind: 'postgres', url: postgres.url, schema: postgres.schema, timeoutMs: 5000 },
        keys: ['a key of at least thirty-two characters'],
        pollMs: 5000,
        snapshotFile: join(folder, name),
        revisions: 10,
      },
      log: () => {},
    });
    cleanup.defer(() => connection.close());
    const keeper = new AcmeKeeper({
      storage: async () => new StoreStorage(connection),
      node: name,
      issue: issueCertificate,
      askRenewalInfo,
      userAgent: 'portcullis/test',
      timers: systemTimers,
      nowMs: Date.now,
      random: Math.random,
      log: (_, message) => log.push(`${name}: ${message}`),
      publish: (news) => gateway.dataPlane.receive(news),
      // After this the state is the new one.
      changed: async () => {
        setImmediate(() => events.tell());
        return undefined;
      },
    });
    cleanup.defer(() => keeper.close());
    const answered = () =>
      gateway.accessLog().some(({ status, path }) => status === 200 && isChallenge(path));
    return { name, gateway, keeper, answered };
  }
});

function isChallenge(path: unknown): boolean {
  return String(path).startsWith('/.well-known/acme-challenge/');
}

/** Passes connections on to a port that is chosen for each. */
class Entrance implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(choose: () => number): Promise<Entrance> {
    const server = createServer((socket) => {
      const on = connect(choose(), '127.0.0.1');
      socket.on('error', () => on.destroy()).pipe(on);
      on.on('error', () => socket.destroy()).pipe(socket);
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
