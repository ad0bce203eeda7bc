import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { withUser } from '../../src/control/store/postgres.ts';
import { messageOf } from '../../src/lib/message-of.ts';

const WANTED = process.env['DATABASE_URL'] ?? 'postgresql://127.0.0.1:5432/test';

/** A schema of a real PostgreSQL that nobody else has. */
export interface TestPostgres {
  readonly url: string;
  readonly schema: string;
  /** `store.postgres` of a configuration. */
  readonly yaml: string;
  query(text: string): Promise<readonly Record<string, unknown>[]>;
  /** Takes the schema away. */
  close(): Promise<void>;
}

/** Rejects where there is none: without PostgreSQL nothing is tested, and no test says otherwise. */
export async function openPostgresSchema(): Promise<TestPostgres> {
  const schema = `portcullis_test_${randomBytes(6).toString('hex')}`;
  const client = new pg.Client({ connectionString: withUser(WANTED), connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
  } catch (error) {
    throw new Error(
      `these tests need a PostgreSQL, and there is none at ${new URL(WANTED).host}: start one or set DATABASE_URL (${messageOf(error)})`,
      { cause: error },
    );
  }
  return {
    url: WANTED,
    schema,
    yaml: `postgres: { url: '${WANTED}', schema: ${schema} }`,
    query: async (text) => (await client.query<Record<string, unknown>>(text)).rows,
    async close() {
      await client.query(`drop schema if exists ${schema} cascade`);
      await client.end();
    },
  };
}

/** What lies between a gateway and its PostgreSQL, to be cut. */
export class CutProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#connect(client));
  }

  static async start(url: string): Promise<CutProxy> {
    const proxy = new CutProxy(new URL(url));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The address of the database by way of the proxy. */
  get url(): string {
    const address = this.#server.address();
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
    return url.href;
  }

  /** From now on nobody gets through, and whoever was through is not any more. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #connect(client: Socket): void {
    if (this.#isCut) {
      client.destroy();
      return;
    }
    const server = connect(Number(this.#target.port || 5432), this.#target.hostname);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
