import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TARGET_ADDRESSES } from '../peers/peer.ts';
import { freePort } from '../ports.ts';
import { findProgram, type Processes, type Running, until } from '../processes.ts';
import { JSON_BODY, JSON_FIELDS, LARGE_BYTES, LARGE_PATH } from './answers.ts';

/** Where the proxies send requests. */
export interface Upstream {
  /** Short and long answers. */
  readonly port: number;
  /** Uploads and WebSockets. */
  readonly sinkPort: number;
  /** What answers on `port`. */
  readonly program: 'nginx' | 'node';
}

/** Starts the upstream on the load generator's core: nginx for answers, where it is installed, and a small Node process. */
export async function startUpstream(processes: Processes, directory: string): Promise<Upstream> {
  const sinkPort = await freePort();
  const sink = processes.start(
    'upstream sink',
    [process.execPath, join(import.meta.dirname, 'server.ts'), `${sinkPort}`],
    {
      core: 'load',
      log: join(directory, 'upstream-sink.log'),
    },
  );
  await answering(sink, sinkPort);
  const nginx = await findProgram('nginx');
  if (nginx === undefined) return { port: sinkPort, sinkPort, program: 'node' };

  const port = await freePort();
  const file = join(directory, 'upstream.conf');
  writeFileSync(join(directory, LARGE_PATH.slice(1)), Buffer.alloc(LARGE_BYTES, 'portcullis '));
  const fields = Object.entries(JSON_FIELDS).map(([name, value]) => `add_header ${name} '${value}';`);
  writeFileSync(
    file,
    `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; worker_processes 1; pid ${join(directory, 'upstream.pid')}; error_log stderr crit;
events { worker_connections 16384; }
http {
  access_log off; keepalive_timeout 600s; keepalive_requests 1000000000; sendfile on; tcp_nodelay on; tcp_nopush on;
  open_file_cache max=16 inactive=10m;
  server {
    ${TARGET_ADDRESSES.map((address) => `listen ${address}:${port} backlog=4096;`).join(' ')}
    location / { default_type application/json; ${fields.join(' ')} return 200 '${JSON_BODY}'; }
    location = ${LARGE_PATH} { root ${directory}; }
  }
}
`,
  );
  const running = processes.start('upstream nginx', [nginx, '-e', 'stderr', '-p', directory, '-c', file], {
    core: 'load',
    log: join(directory, 'upstream.log'),
  });
  await answering(running, port);
  return { port, sinkPort, program: 'nginx' };
}

async function answering(running: Running, port: number): Promise<void> {
  await until(running, 'answering', 10_000, async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    await answer.text();
    return answer.ok || undefined;
  });
}
