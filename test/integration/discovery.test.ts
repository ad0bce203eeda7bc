import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { suite, test } from 'node:test';
import { type ApiRequest, ApiServer } from '../../src/upstream/discovery/api-server.support.ts';
import { index, instance } from '../../src/upstream/discovery/consul-answers.support.ts';
import { DnsServer } from '../../src/upstream/discovery/dns-server.support.ts';
import { endpoint, slice } from '../../src/upstream/discovery/kubernetes/slices.support.ts';
import { RunningCli, Workspace } from '../support/cli.ts';
import { Load } from '../support/load.ts';
import { NamedTarget, untilAnsweredBy } from '../support/named-target.ts';
import { ordersConfig } from '../support/orders-config.ts';
import { send } from '../support/send.ts';

const LIMIT = { timeout: 60_000 };
const CLIENTS = 4;
/** Answers between one step of a story and the next: enough for every client to be in the middle of something. */
const A_WHILE = 60;

/** A source as a story needs it: who says where the service runs, and can fail. */
interface Sayer extends AsyncDisposable {
  /** What stands under `discovery`. */
  readonly settings: string;
  /** Told in answer to the next question, or at once. */
  say(targets: readonly NamedTarget[]): Promise<void>;
  fail(): Promise<void>;
}

class FileSayer implements Sayer {
  readonly settings = '{ file: { path: ./targets.yaml } }';
  readonly #files: Workspace;
  readonly #renames: boolean;

  constructor(files: Workspace, renames: boolean) {
    this.#files = files;
    this.#renames = renames;
  }

  async say(targets: readonly NamedTarget[]): Promise<void> {
    this.#write(targets.map(({ url }) => `- url: ${url}\n`).join(''));
  }

  async fail(): Promise<void> {
    this.#write('- ulr: http://127.0.0.1:1\n');
  }

  #write(text: string): void {
    this.#files.write(this.#renames ? 'next.yaml' : 'targets.yaml', text);
    if (this.#renames) renameSync(this.#files.path('next.yaml'), this.#files.path('targets.yaml'));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class DnsSayer implements Sayer {
  readonly settings: string;
  readonly #dns: DnsServer;

  static async start(): Promise<DnsSayer> {
    return new DnsSayer(await DnsServer.start());
  }

  private constructor(dns: DnsServer) {
    this.#dns = dns;
    this.settings = `{ dns: { name: _http._tcp.orders.test, type: srv, servers: ['${dns.address}'] } }`;
    dns.zone.set('A here.test', [{ ttl: 1, data: '127.0.0.1' }]);
  }

  async say(targets: readonly NamedTarget[]): Promise<void> {
    const records = targets.map(({ port }) => ({ ttl: 1, data: `0 1 ${port} here.test` }));
    this.#dns.zone.set('SRV _http._tcp.orders.test', records);
  }

  async fail(): Promise<void> {
    this.#dns.zone.set('SRV _http._tcp.orders.test', 'SERVFAIL');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#dns.close();
  }
}

class ConsulSayer implements Sayer {
  readonly settings: string;
  readonly #api: ApiServer;
  #index = 0;

  static async start(): Promise<ConsulSayer> {
    return new ConsulSayer(await ApiServer.start());
  }

  private constructor(api: ApiServer) {
    this.#api = api;
    this.settings = `{ consul: { address: '${api.url}', service: orders } }`;
  }

  async say(targets: readonly NamedTarget[]): Promise<void> {
    const query = await this.#api.next();
    query.json(
      targets.map(({ port }) => instance('127.0.0.1', port)),
      index(++this.#index),
    );
  }

  async fail(): Promise<void> {
    (await this.#api.next()).text('No cluster leader', {}, 500);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#api.close();
  }
}

/** Each target in a slice of its own, since a slice has one port for all of its endpoints. */
class KubernetesSayer implements Sayer {
  readonly settings: string;
  readonly #api: ApiServer;
  #version = 0;
  #watch: ApiRequest | undefined;
  #known: readonly NamedTarget[] = [];

  static async start(): Promise<KubernetesSayer> {
    return new KubernetesSayer(await ApiServer.start());
  }

  private constructor(api: ApiServer) {
    this.#api = api;
    this.settings = `{ kubernetes: { service: orders, namespace: shop, port: http, apiServer: '${api.url}' } }`;
  }

  /** By a list where the gateway asks for one, else by events of the watch. */
  async say(targets: readonly NamedTarget[]): Promise<void> {
    const asked = this.#watch ?? (await this.#api.next());
    if (asked.query['watch'] === undefined) {
      asked.json({
        kind: 'EndpointSliceList',
        metadata: { resourceVersion: String(++this.#version) },
        items: targets.map((target) => this.#slice(target)),
      });
    } else {
      this.#watch = asked;
      for (const target of targets) if (!this.#known.includes(target)) await this.#event('ADDED', target);
      for (const target of this.#known) if (!targets.includes(target)) await this.#event('DELETED', target);
    }
    this.#known = targets;
  }

  async fail(): Promise<void> {
    this.#watch?.cut();
    this.#watch = undefined;
    // The watch that goes on where that one was.
    (await this.#api.next()).text('etcd is away', {}, 500);
  }

  #slice({ port }: NamedTarget): object {
    const ports = [{ name: 'http', protocol: 'TCP', port }];
    return slice(`orders-${port}`, ++this.#version, [endpoint('127.0.0.1')], { ports });
  }

  async #event(type: string, target: NamedTarget): Promise<void> {
    await this.#watch?.write(`${JSON.stringify({ type, object: this.#slice(target) })}\n`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#api.close();
  }
}

const SAYERS: readonly [title: string, start: (files: Workspace) => Sayer | Promise<Sayer>][] = [
  ['a file that is written anew', (files) => new FileSayer(files, false)],
  ['a file that another one is renamed over', (files) => new FileSayer(files, true)],
  ['DNS', () => DnsSayer.start()],
  ['Consul', () => ConsulSayer.start()],
  ['Kubernetes', () => KubernetesSayer.start()],
];

suite('the targets of a service follow', { concurrency: 3 }, () => {
  for (const [title, start] of SAYERS) {
    test(`${title}: no request fails, and an outage takes nothing away`, LIMIT, async () => {
      await using a = await NamedTarget.start('a');
      await using b = await NamedTarget.start('b');
      using files = new Workspace();
      await using sayer = await start(files);
      files.write('portcullis.yaml', ordersConfig(`{ discovery: ${sayer.settings} }`));
      if (sayer instanceof ConsulSayer || sayer instanceof KubernetesSayer) void sayer.say([a]);
      else await sayer.say([a]);
      await using cli = new RunningCli(['serve'], files.directory);
      const { url, admin } = await cli.ready();
      const sourceOk = async (): Promise<string | undefined> => {
        const { body } = await send(`${admin}/metrics`);
        return /^portcullis_upstream_source_ok\{service="orders"\} (\d)$/m.exec(body)?.[1];
      };
      const load = new Load(url, CLIENTS);
      await load.answers(A_WHILE);

      await sayer.say([a, b]);
      const added = await cli.logged('service orders has 2 targets now');
      assert.deepEqual([added['added'], added['removed']], [b.url, '']);
      await untilAnsweredBy(url, ['a', 'b']);
      await sayer.say([b]);
      const removed = await cli.logged('service orders has 1 target now');
      assert.deepEqual([removed['added'], removed['removed']], ['', a.url]);
      await untilAnsweredBy(url, ['b']);
      await load.answers(A_WHILE);
      assert.equal(await sourceOk(), '1');

      await sayer.fail();
      const failed = await cli.logged('the targets of orders cannot be found out, those known last stay');
      assert.equal(failed.level, 'warn');
      assert.notEqual(failed['cause'], undefined);
      assert.equal(await sourceOk(), '0');
      await load.answers(A_WHILE);
      await untilAnsweredBy(url, ['b']);

      const from = cli.log.length;
      await sayer.say([b, a]);
      await cli.logged('the targets of orders can be found out again', from);
      await untilAnsweredBy(url, ['a', 'b']);
      assert.equal(await sourceOk(), '1');

      assert.deepEqual(
        cli.log.filter(({ message }) => message.startsWith('reload')),
        [],
      );

      // What differs is not the source, which goes on as it is.
      const other = ordersConfig(`{ discovery: ${sayer.settings}, timeouts: { firstByte: 30s } }`);
      files.write('portcullis.yaml', other);
      await cli.logged('reload (file change): services: 1 changed');
      await untilAnsweredBy(url, ['a', 'b']);
      assert.equal(await sourceOk(), '1');

      const { broken, others } = await load.stop();
      assert.deepEqual({ broken, others }, { broken: 0, others: {} });
    });
  }
});
