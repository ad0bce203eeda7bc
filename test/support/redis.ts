import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient, RESP_TYPES } from '@redis/client';

const WANTED = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';

/** A Redis to test with, and a beginning of keys that nobody else has. */
export interface TestRedis {
  readonly url: string;
  readonly prefix: string;
  /** Any command. */
  send(...command: string[]): Promise<unknown>;
  /** Takes away what was written until now. */
  clear(): Promise<void>;
  /** Takes away what was written, and the server where it was started for the test. */
  close(): Promise<void>;
}

/** The one at REDIS_URL, else one of its own. Rejects where there is neither: without Redis nothing is tested, and no test says otherwise. */
export async function openRedis(): Promise<TestRedis> {
  const own = (await somethingListens(WANTED)) ? undefined : await RedisServer.start();
  const url = own?.url ?? WANTED;
  const client = createClient({ url });
  await client.connect();
  const prefix = `portcullis-test-${randomBytes(6).toString('hex')}:`;
  const clear = async (): Promise<void> => {
    for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 }))
      if (keys.length > 0) await client.unlink(keys);
  };
  return {
    url,
    prefix,
    send: (...command) => client.sendCommand(command),
    clear,
    async close() {
      await clear();
      client.destroy();
      await own?.close();
    },
  };
}

/** A server of the test's own, to be killed, held up and started again. */
export class RedisServer {
  readonly port: number;
  readonly #directory: string;
  #process: ChildProcess | undefined;

  readonly #options: readonly string[];

  readonly #password: string | undefined;

  private constructor(
    port: number,
    directory: string,
    options: readonly string[],
    password: string | undefined,
  ) {
    this.port = port;
    this.#password = password;
    this.#directory = directory;
    this.#options = options;
  }

  /** `options` are of redis-server's command line. The password is asked for, and given to its primary. */
  static async start(options: readonly string[] = [], password?: string): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'portcullis-redis-'));
    const user = password === undefined ? [] : ['--requirepass', password, '--masterauth', password];
    const server = new RedisServer(await freePort(), directory, [...options, ...user], password);
    try {
      await server.restart();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  get url(): string {
    const user = this.#password === undefined ? '' : `:${this.#password}@`;
    return `redis://${user}127.0.0.1:${this.port}`;
  }

  /** Dies at once, with everything that it knew. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Takes connections and answers nothing, until it goes on. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  async restart(): Promise<void> {
    const options = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.#directory];
    const child = spawn('redis-server', ['--port', String(this.port), ...options, ...this.#options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once('error', (cause) =>
      reject(
        new Error(
          `nothing listens at ${WANTED} and redis-server cannot be run: set REDIS_URL or install it`,
          {
            cause,
          },
        ),
      ),
    );
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve();
    });
    await promise;
  }

  /** Any command, on a connection of its own. */
  send(...command: string[]): Promise<unknown> {
    return sendTo(this.url, ...command);
  }

  /** What DUMP says of a key. */
  async dump(key: string): Promise<Buffer> {
    const client = createClient({ url: this.url });
    await client.connect();
    try {
      const answer = await client
        .withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
        .sendCommand<Buffer | null>(['DUMP', key]);
      return answer ?? Buffer.alloc(0);
    } finally {
      client.destroy();
    }
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** How many scripts the server was asked to run. */
export async function scriptCallsOf(server: Pick<RedisServer, 'send'>): Promise<number> {
  const text = String(await server.send('INFO', 'commandstats'));
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0);
}

/** Any command, on a connection of its own. */
export async function sendTo(url: string, ...command: string[]): Promise<unknown> {
  const client = createClient({ url });
  // What becomes of the connection rejects the command, too.
  client.on('error', () => {});
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

async function somethingListens(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port || 6379), hostname);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
