import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, type Processes, runToEnd } from '../processes.ts';
import { listening } from './listening.ts';
import { PATH_OF_ROUTE, type Peer, type ProxySetup } from './peer.ts';

/** HAProxy with one thread, an HTTP log line per request and connections to the upstream that all clients share. */
export const haproxy: Peer = {
  name: 'haproxy',
  missing: async () =>
    (await findProgram('haproxy')) === undefined ? 'haproxy is not installed' : undefined,
  version: async () =>
    /version (\S+)/.exec(
      (await runToEnd([(await findProgram('haproxy')) ?? 'haproxy', '-v'], 5000)).output,
    )?.[1] ?? '?',
  async start(processes: Processes, setup: ProxySetup) {
    const file = join(setup.directory, 'haproxy.cfg');
    const map = join(setup.directory, 'routes.map');
    const lines: string[] = [];
    for (let i = 0; i < setup.routes; i += 1) lines.push(`${PATH_OF_ROUTE(i)} target`);
    writeFileSync(map, `${lines.join('\n')}\n`);
    if (setup.tls)
      writeFileSync(
        join(setup.directory, 'haproxy.pem'),
        `${readFileSync(setup.tls.cert, 'utf8')}\n${readFileSync(setup.tls.key, 'utf8')}\n`,
      );
    const tls = setup.tls ? `ssl crt ${join(setup.directory, 'haproxy.pem')} ssl-min-ver TLSv1.3` : '';
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 9000
  log stdout format raw daemon
defaults
  mode http
  log global
  option httplog
  option http-keep-alive
  option forwardfor
  timeout client 600s
  timeout server 600s
  timeout connect 5s
  timeout http-keep-alive 600s
  http-reuse always
frontend main
  bind 127.0.0.1:${setup.port} ${tls} backlog 4096
  use_backend websocket if { path /ws }
  ${setup.routes > 0 ? `use_backend %[path,map_beg(${map},target)]` : ''}
  default_backend target
backend target
  server target 127.0.0.1:${setup.targetPort}
backend websocket
  server websocket 127.0.0.1:${setup.webSocketPort}
`,
    );
    const running = processes.start(
      'haproxy',
      [(await findProgram('haproxy')) ?? 'haproxy', '-db', '-f', file],
      {
        core: 'proxy',
        log: join(setup.directory, 'haproxy.log'),
      },
    );
    await listening(running, setup.port);
    return { running };
  },
};
