import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, type Processes, runToEnd } from '../processes.ts';
import { listening } from './listening.ts';
import { PATH_OF_ROUTE, type Peer, type ProxySetup } from './peer.ts';

/**
 * `nginx` has its own defaults, a combined access log, kept upstream connections and forwarding fields. Its defaults write what a
 * slow receiver does not take, and every upload, to temporary files. `nginx-tuned` is set up for streaming: no temporary files, 64 kB
 * buffers, uploads passed on as they come, log lines gathered in a buffer.
 */
export function nginx(tuned: boolean): Peer {
  return {
    name: tuned ? 'nginx-tuned' : 'nginx',
    missing: async () => ((await findProgram('nginx')) === undefined ? 'nginx is not installed' : undefined),
    version: async () =>
      /nginx\/(\S+)/.exec(
        (await runToEnd([(await findProgram('nginx')) ?? 'nginx', '-v'], 5000)).errors,
      )?.[1] ?? '?',
    async start(processes: Processes, setup: ProxySetup) {
      const program = (await findProgram('nginx')) ?? 'nginx';
      const file = join(setup.directory, 'nginx.conf');
      writeFileSync(file, configuration(setup, tuned));
      const running = processes.start(
        tuned ? 'nginx-tuned' : 'nginx',
        [program, '-e', 'stderr', '-p', setup.directory, '-c', file],
        {
          core: 'proxy',
          log: join(setup.directory, 'nginx.log'),
        },
      );
      await listening(running, setup.port);
      return {
        running,
        reload(generation) {
          writeFileSync(file, configuration({ ...setup, generation }, tuned));
          running.child.kill('SIGHUP');
        },
      };
    },
  };
}

/** A location with a proxy_set_header of its own inherits none, so they are repeated there. */
const FIELDS = `proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`;

function configuration(setup: ProxySetup, tuned: boolean): string {
  const directory = setup.directory;
  const routes: string[] = [];
  for (let i = 0; i < setup.routes; i += 1) {
    routes.push(`    location ${PATH_OF_ROUTE(i)} { proxy_pass http://target; }`);
  }
  // The nearest to eight policies: fields set and removed both ways, a limit of the body, CORS.
  const policies =
    setup.form === 'policies'
      ? `${FIELDS} proxy_set_header X-Gateway bench; proxy_set_header X-Tenant $http_x_tenant; proxy_set_header Accept-Encoding "";
      proxy_hide_header X-Content-Type-Options; add_header X-Frame-Options DENY; add_header Referrer-Policy no-referrer;
      add_header Access-Control-Allow-Origin "*"; client_max_body_size 1m;`
      : 'client_max_body_size 0;';
  const tls = setup.tls
    ? `ssl_certificate ${setup.tls.cert}; ssl_certificate_key ${setup.tls.key}; ssl_protocols TLSv1.3;`
    : '';
  return `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; worker_processes 1; pid ${join(directory, 'nginx.pid')}; error_log stderr error;
events { worker_connections 20000; }
http {
  access_log ${join(directory, 'access.log')} combined${tuned ? ' buffer=64k flush=1s' : ''};
  keepalive_timeout 600s; keepalive_requests 1000000000; sendfile on; tcp_nodelay on;
  client_body_temp_path ${join(directory, 'body')}; proxy_temp_path ${join(directory, 'proxy')};
  fastcgi_temp_path ${join(directory, 'fastcgi')}; uwsgi_temp_path ${join(directory, 'uwsgi')}; scgi_temp_path ${join(directory, 'scgi')};
  upstream target { server 127.0.0.1:${setup.targetPort}; keepalive 128; keepalive_requests 1000000000; }
  upstream websocket { server 127.0.0.1:${setup.webSocketPort}; }
  server {
    listen 127.0.0.1:${setup.port} ${setup.tls ? 'ssl' : ''} backlog=4096;
    ${tls}
    proxy_http_version 1.1; 
    ${tuned ? 'proxy_request_buffering off; proxy_max_temp_file_size 0; proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k; client_body_buffer_size 64k;' : ''}
    ${FIELDS}
    location / { ${policies} proxy_pass http://target; }
    location = /generation { return 200 '${setup.generation}'; }
    location /ws { proxy_set_header Connection upgrade; proxy_set_header Upgrade $http_upgrade; proxy_set_header Host $http_host; proxy_pass http://websocket; }
${routes.join('\n')}
  }
}
`;
}
