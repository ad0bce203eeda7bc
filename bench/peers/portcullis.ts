import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JWT_POLICIES } from '../credentials.ts';
import type { Processes } from '../processes.ts';
import { logIn, SESSION_POLICIES, sessionParts, startProvider } from '../session.ts';
import { listening } from './listening.ts';
import {
  API_KEY,
  type Form,
  PATH_OF_ROUTE,
  type Peer,
  type ProxySetup,
  TARGET_ADDRESSES,
  UNGUARDED_PREFIX,
} from './peer.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The gateway of this repository: one worker but where workers are what is measured, JSON access log to a file, metrics on. */
export const portcullis: Peer = {
  name: 'portcullis',
  async missing() {
    try {
      readFileSync(join(ROOT, 'bin', 'portcullis'));
      return undefined;
    } catch {
      return 'bin/portcullis is not there';
    }
  },
  async version() {
    const { version }: { version?: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    return `${version ?? '?'} on ${process.version}`;
  },
  async start(processes: Processes, setup: ProxySetup) {
    const file = join(setup.directory, 'portcullis.json');
    await using provider = setup.form === 'session' ? await startProvider() : undefined;
    const parts = provider === undefined ? NO_PARTS : sessionParts(provider);
    writeFileSync(file, configuration(setup, parts));
    const command = [
      process.execPath,
      join(ROOT, 'bin', 'portcullis'),
      'serve',
      '-c',
      file,
      '--workers',
      `${setup.workers}`,
    ];
    const running = processes.start('portcullis', command, {
      core: 'proxy',
      log: join(setup.directory, 'portcullis.log'),
      env: {
        NODE_ENV: 'production',
        ...(setup.nodeOptions === undefined ? {} : { NODE_OPTIONS: setup.nodeOptions }),
      },
      cwd: setup.directory,
    });
    await listening(running, setup.port);
    return {
      running,
      headers: provider === undefined ? {} : await logIn(setup.port),
      reload(generation) {
        writeFileSync(file, configuration({ ...setup, generation }, parts));
        running.child.kill('SIGHUP');
      },
    };
  },
};

/** What a form adds to the configuration that is known when it starts. */
const NO_PARTS: ReturnType<typeof sessionParts> = { identity: {}, routes: {} };

/** Each a use of its own, so that eight entries run: fields set and removed both ways, a limit of the body, CORS. */
const EIGHT_POLICIES = [
  { 'request-size': { max: '1mb' } },
  { cors: { origins: ['*'] } },
  { headers: { request: { set: { 'x-gateway': 'bench' } } } },
  { headers: { request: { set: { 'x-tenant': 'bench' } } } },
  { headers: { request: { remove: ['accept-encoding'] } } },
  { headers: { response: { set: { 'x-frame-options': 'DENY' } } } },
  { headers: { response: { set: { 'referrer-policy': 'no-referrer' } } } },
  { headers: { response: { remove: ['x-content-type-options'] } } },
];

/** Every value of the body that the load generators send is looked at. */
const VALIDATED = [
  {
    validate: {
      body: {
        required: true,
        content: {
          'application/json': {
            schema: {
              type: 'array',
              items: {
                type: 'object',
                required: ['id', 'name'],
                properties: {
                  id: { type: 'integer', minimum: 1 },
                  name: { type: 'string', minLength: 1, maxLength: 100 },
                  tags: { type: 'array', maxItems: 10, items: { type: 'string', maxLength: 20 } },
                },
                additionalProperties: false,
              },
            },
          },
        },
      },
    },
  },
];

/** Everything that watches over targets, with thresholds that the load does not reach. */
const RESILIENT = {
  balance: { algorithm: 'least-requests' },
  health: { passive: {} },
  breaker: { scope: 'both', slowAfter: '5s' },
  retry: {},
};

/** A limit that is counted for every request and refuses none. */
const LIMITED = [{ 'rate-limit': { limits: [{ rate: '1000000/s' }] } }];

/** With a key each. */
const CONSUMERS = Object.fromEntries(
  Array.from({ length: 1000 }, (_, i) => [`consumer-${i}`, { apiKeys: [{ key: API_KEY(i) }] }]),
);

/** Without Redis every request is to fail: a limit that is not counted must not look cheap. */
function state({ form }: ProxySetup): object {
  if (form !== 'limited-redis') return {};
  const url = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';
  return { state: { redis: { url, prefix: 'portcullis-bench:', timeout: '1s', onFailure: 'closed' } } };
}

const POLICIES: Readonly<Partial<Record<Form, readonly object[]>>> = {
  policies: EIGHT_POLICIES,
  validated: VALIDATED,
  'api-key': [{ 'api-key': {} }],
  limited: LIMITED,
  'limited-redis': LIMITED,
  jwt: JWT_POLICIES,
  session: SESSION_POLICIES,
};

function service({ form, targetPort }: ProxySetup): unknown {
  if (form !== 'targets' && form !== 'resilient') return { url: `http://127.0.0.1:${targetPort}` };
  const targets = TARGET_ADDRESSES.map((address) => ({ url: `http://${address}:${targetPort}` }));
  return form === 'resilient' ? { targets, ...RESILIENT } : { targets };
}

function configuration(setup: ProxySetup, parts: typeof NO_PARTS): string {
  const routes: Record<string, unknown> = {};
  for (let i = 0; i < setup.routes; i += 1) {
    routes[`svc-${i}`] = { match: { paths: [`${PATH_OF_ROUTE(i)}*`] }, service: 'target' };
  }
  return JSON.stringify({
    listeners: {
      main: {
        address: '127.0.0.1',
        port: setup.port,
        protocol: setup.tls ? 'https' : 'http',
        ...(setup.tls ? { tls: { certificates: ['bench'], minVersion: '1.3' } } : {}),
        timeouts: { keepAlive: '10m' },
      },
    },
    ...(setup.tls
      ? { certificates: { bench: { cert: `file:${setup.tls.cert}`, key: `file:${setup.tls.key}` } } }
      : {}),
    ...state(setup),
    ...(setup.form === 'api-key' ? { consumers: CONSUMERS } : {}),
    ...parts.identity,
    services: {
      target: service(setup),
      websocket: { url: `http://127.0.0.1:${setup.webSocketPort}` },
    },
    routes: {
      ...routes,
      ...parts.routes,
      generation: { match: { paths: ['/generation'] }, respond: { body: `${setup.generation}` } },
      websocket: { match: { paths: ['/ws'] }, service: 'websocket' },
      unguarded: { match: { paths: [`${UNGUARDED_PREFIX}*`] }, service: 'target' },
      everything: {
        match: { paths: ['/*'] },
        service: 'target',
        policies: POLICIES[setup.form] ?? [],
      },
    },
    runtime: { drainTimeout: '1s' },
    admin: { address: '127.0.0.1', port: setup.adminPort },
    observability: {
      accessLog: { format: 'json', destination: join(setup.directory, 'access.log') },
      metrics: { enabled: true },
    },
  });
}
