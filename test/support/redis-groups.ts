/** Several servers that are one Redis, started from the `redis-server` of this machine. Rejects with the reason where there is none. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { freePort, RedisServer, sendTo } from './redis.ts';

/** Of every server here; sentinels have another one. */
export const PASSWORD = 'sesame-of-servers';
export const SENTINEL_PASSWORD = 'sesame-of-sentinels';

/** A cluster of three primaries, the first of which has a replica. */
export interface RedisClusterServers {
  readonly urls: readonly string[];
  readonly servers: readonly RedisServer[];
  readonly replica: RedisServer;
  close(): Promise<void>;
}

export async function startRedisCluster(): Promise<RedisClusterServers> {
  const servers: RedisServer[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
  };
  try {
    const busPorts: number[] = [];
    for (let i = 0; i < 4; i++) {
      const busPort = await freePort();
      busPorts.push(busPort);
      const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'];
      servers.push(await RedisServer.start([...options, '--cluster-port', `${busPort}`], PASSWORD));
    }
    const [first, second, third, replica] = servers as [RedisServer, RedisServer, RedisServer, RedisServer];
    const ranges = [
      [0, 5460],
      [5461, 10_922],
      [10_923, 16_383],
    ];
    for (const [i, server] of [first, second, third].entries())
      await server.send('CLUSTER', 'ADDSLOTSRANGE', ...(ranges[i] ?? []).map(String));
    for (const [i, server] of servers.entries()) {
      await server.send('CLUSTER', 'SET-CONFIG-EPOCH', `${i + 1}`);
      if (i > 0) await first.send('CLUSTER', 'MEET', '127.0.0.1', `${server.port}`, `${busPorts[i]}`);
    }
    const primaryId = String(await first.send('CLUSTER', 'MYID'));
    await until(() => isTrue(replica, 'CLUSTER', 'NODES', primaryId));
    await replica.send('CLUSTER', 'REPLICATE', primaryId);
    for (const server of servers) {
      await until(() => isTrue(server, 'CLUSTER', 'INFO', 'cluster_state:ok'));
      await until(() => isTrue(server, 'CLUSTER', 'NODES', 'slave '));
    }
    await until(() => isTrue(replica, 'INFO', 'replication', 'master_link_status:up'));
    return { urls: [first.url, second.url, third.url], servers: [first, second, third], replica, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A primary with a replica, and three sentinels that watch them. */
export interface SentinelServers {
  readonly name: string;
  /** Of the sentinels. */
  readonly urls: readonly string[];
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  close(): Promise<void>;
}

export async function startSentinels(): Promise<SentinelServers> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    const primary = await RedisServer.start([], PASSWORD);
    closing.push(() => primary.close());
    const replica = await RedisServer.start(['--replicaof', '127.0.0.1', `${primary.port}`], PASSWORD);
    closing.push(() => replica.close());
    await until(() => isTrue(replica, 'INFO', 'replication', 'master_link_status:up'));
    const urls: string[] = [];
    for (let i = 0; i < 3; i++) {
      const sentinel = await startSentinel(primary.port);
      closing.push(sentinel.close);
      urls.push(`redis://:${SENTINEL_PASSWORD}@127.0.0.1:${sentinel.port}`);
    }
    const [first] = urls as [string];
    await until(async () => {
      const found = await sendTo(first, 'SENTINEL', 'CKQUORUM', NAME).catch(() => '');
      const replicas = await sendTo(first, 'SENTINEL', 'REPLICAS', NAME).catch(() => []);
      return String(found).startsWith('OK 3') && Array.isArray(replicas) && replicas.length === 1;
    });
    return { name: NAME, urls, primary, replica, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const NAME = 'mymaster';

async function startSentinel(
  primaryPort: number,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'portcullis-sentinel-'));
  const port = await freePort();
  const file = join(directory, 'sentinel.conf');
  await writeFile(
    file,
    `port ${port}
bind 127.0.0.1
dir ${directory}
sentinel monitor ${NAME} 127.0.0.1 ${primaryPort} 2
requirepass ${SENTINEL_PASSWORD}
sentinel sentinel-pass ${SENTINEL_PASSWORD}
sentinel auth-pass ${NAME} ${PASSWORD}
sentinel down-after-milliseconds ${NAME} 500
sentinel failover-timeout ${NAME} 2000
`,
  );
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const close = async (): Promise<void> => {
    await ended(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`redis-server --sentinel ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('+monitor')) resolve();
    });
    await promise;
    return { port, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Servers tell of such things by answers alone. Rejects after 30 s. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('what was waited for did not come within 30 s');
    await setTimeout(50);
  }
}

/** Whether the answer has the last operand in it. */
async function isTrue(server: RedisServer, ...command: string[]): Promise<boolean> {
  const text = command.pop() ?? '';
  return String(await server.send(...command)).includes(text);
}
