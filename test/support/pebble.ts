/** A real ACME server: Pebble, of Let's Encrypt, started from this machine's `pebble`. Rejects with the reason where there is none. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DnsServer } from '../../src/upstream/discovery/dns-server.support.ts';
import { TestAuthority } from './certificates.ts';

export interface PebbleOptions {
  /** Where it asks for challenges, whatever host they are for. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Names that lead to 127.0.0.1; others do not exist. */
  readonly hosts: readonly string[];
  /** Percentage of good nonces that are refused; default: as Pebble does, 5. */
  readonly refusedNonces?: number;
  /** Keys of accounts, without which it takes no new ones. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  /** Seconds that a certificate is valid. */
  readonly validitySeconds?: number;
}

export class Pebble implements AsyncDisposable {
  /** PEM of the authority that vouches for the server itself. */
  readonly ca: string;
  readonly port: number;
  /** Lines of its log. */
  readonly log: string[] = [];
  readonly #options: PebbleOptions;
  readonly #folder: string;
  readonly #dns: DnsServer;
  #process: ChildProcess | undefined;

  private constructor(options: PebbleOptions, ca: string, port: number, folder: string, dns: DnsServer) {
    this.#options = options;
    this.ca = ca;
    this.port = port;
    this.#folder = folder;
    this.#dns = dns;
  }

  static async start(options: PebbleOptions): Promise<Pebble> {
    const authority = await TestAuthority.make('ACME server');
    const { cert, key } = await authority.issue('pebble', ['localhost', '127.0.0.1']);
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-pebble-'));
    const dns = await DnsServer.start();
    for (const host of options.hosts) dns.zone.set(`A ${host}`, [{ ttl: 1, data: '127.0.0.1' }]);
    const pebble = new Pebble(options, authority.cert, await freePort(), folder, dns);
    await Promise.all([
      writeFile(join(folder, 'cert.pem'), cert),
      writeFile(join(folder, 'key.pem'), key),
      writeFile(join(folder, 'config.json'), JSON.stringify({ pebble: pebble.#config() })),
    ]);
    await pebble.resume();
    return pebble;
  }

  get directory(): string {
    return `https://localhost:${this.port}/dir`;
  }

  /** How often its log says something. */
  count(text: string): number {
    return this.log.filter((line) => line.includes(text)).length;
  }

  /** Ends the process: it forgets everything. */
  async pause(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async resume(): Promise<void> {
    const { refusedNonces } = this.#options;
    const child = spawn(
      'pebble',
      ['-config', join(this.#folder, 'config.json'), '-dnsserver', this.#dns.address],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          PEBBLE_VA_NOSLEEP: '1',
          PEBBLE_AUTHZREUSE: '0',
          // Of its own it refuses one in twenty, by chance.
          PEBBLE_WFE_NONCEREJECT: String(refusedNonces ?? 0),
        },
      },
    );
    this.#process = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once('error', (cause) =>
      reject(
        new Error('pebble cannot be run: these tests need it. On Debian: apt-get install -y pebble', {
          cause,
        }),
      ),
    );
    child.once('exit', (code) => reject(new Error(`pebble ended with ${code}: ${this.log.join('\n')}`)));
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on('line', (line) => {
        this.log.push(line);
        if (line.includes('ACME directory available')) resolve();
      });
    await promise;
    // It says so before it listens, and ends where it cannot.
    while (!(await takesConnections(this.port)))
      if (child.exitCode !== null) throw new Error(`pebble does not listen: ${this.log.join('\n')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pause();
    await this.#dns.close();
    await rm(this.#folder, { recursive: true });
  }

  #config(): Record<string, unknown> {
    const { httpPort, tlsPort, externalAccounts, validitySeconds } = this.#options;
    return {
      listenAddress: `127.0.0.1:${this.port}`,
      managementListenAddress: '',
      certificate: join(this.#folder, 'cert.pem'),
      privateKey: join(this.#folder, 'key.pem'),
      httpPort,
      tlsPort,
      externalAccountBindingRequired: externalAccounts !== undefined,
      externalAccountMACKeys: externalAccounts ?? {},
      ...(validitySeconds === undefined ? {} : { certificateValidityPeriod: validitySeconds }),
    };
  }
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** It takes no port 0. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
