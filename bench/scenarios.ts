import { JWT_HEADERS } from './credentials.ts';
import { NODE_PROXIES } from './peers/all.ts';
import { API_KEY, type Form } from './peers/peer.ts';
import { SESSION_HEADERS } from './session.ts';
import { LARGE_PATH, UPLOAD_PATH } from './upstream/answers.ts';

/** One peer in one form. Its ratio is taken to nginx in the same form, unless `baseline` names another contender. */
export interface Contender {
  /** Unique within the scenario. */
  readonly label: string;
  readonly peer: string;
  readonly routes: number;
  readonly form: Form;
  /** Label of the contender that the ratio is taken to. */
  readonly baseline: string;
  /**
   * Label of a contender before it, whose process is measured: two processes of one program differ by more than a policy costs. Then requests go
   * below `UNGUARDED_PREFIX`, where that process applies no policy.
   */
  readonly within?: string;
}

/** Contenders in turn over the same upstream, in several short rounds. */
export interface LoadScenario {
  readonly kind: 'load';
  readonly name: string;
  readonly title: string;
  readonly tls: boolean;
  readonly path: string;
  readonly bodyBytes: number;
  readonly keepAlive: boolean;
  /** Further fields of each request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly contenders: readonly Contender[];
}

export interface SpecialScenario {
  readonly kind: 'idle' | 'reload' | 'managed';
  readonly name: string;
  readonly title: string;
  readonly peers: readonly string[];
}

export type Scenario = LoadScenario | SpecialScenario;

function each(...peers: readonly string[]): Contender[] {
  return peers.map((peer) => ({ label: peer, peer, routes: 0, form: 'plain', baseline: 'nginx' }));
}

function withRoutes(routes: number, ...peers: readonly string[]): Contender[] {
  return peers.map((peer) => ({
    label: `${peer}, ${routes} routes`,
    peer,
    routes,
    form: 'plain',
    baseline: `nginx, ${routes} routes`,
  }));
}

/** The gateway with a policy, and on another path of the same process without. */
function guarded(form: Form, label: string): Contender[] {
  return [
    { label, peer: 'portcullis', routes: 0, form, baseline: UNGUARDED },
    { label: UNGUARDED, peer: 'portcullis', routes: 0, form, baseline: 'nginx', within: label },
  ];
}

export const UNGUARDED = 'portcullis, without';

const PLAIN = {
  kind: 'load',
  tls: false,
  path: '/api/items/42',
  bodyBytes: 0,
  keepAlive: true,
  headers: {},
} as const;
const ROUTED = ['nginx', 'haproxy', 'portcullis'] as const;

export const SCENARIOS: readonly Scenario[] = [
  {
    ...PLAIN,
    name: 'plain',
    title: 'Short answer (118 bytes of JSON), keep-alive, access log on',
    contenders: each(
      'nginx',
      'nginx-tuned',
      'haproxy',
      'portcullis',
      'caddy',
      ...NODE_PROXIES,
      'bare-sockets',
    ),
  },
  {
    ...PLAIN,
    name: 'tls',
    title: 'The same with TLS 1.3 on the client’s side',
    tls: true,
    contenders: each('nginx', 'haproxy', 'portcullis', 'caddy', 'bare-sockets'),
  },
  {
    ...PLAIN,
    name: 'large-answer',
    title: 'Answer of 1 MiB, streamed',
    path: LARGE_PATH,
    contenders: each('nginx', 'nginx-tuned', 'haproxy', 'portcullis', 'caddy', ...NODE_PROXIES),
  },
  {
    ...PLAIN,
    name: 'upload',
    title: 'Upload of 1 MiB, streamed',
    path: UPLOAD_PATH,
    bodyBytes: 1024 * 1024,
    contenders: each('nginx', 'nginx-tuned', 'haproxy', 'portcullis', 'caddy', ...NODE_PROXIES),
  },
  {
    ...PLAIN,
    name: 'routes',
    title: 'Requests spread evenly over 10, 1,000 and 10,000 routes',
    contenders: [
      ...withRoutes(10, ...ROUTED),
      ...withRoutes(1000, ...ROUTED),
      ...withRoutes(10_000, ...ROUTED),
    ],
  },
  {
    ...PLAIN,
    name: 'policies-8',
    title: 'Eight policies: fields set and removed both ways, limit of the body, CORS',
    contenders: [
      ...each('nginx', 'portcullis'),
      {
        label: 'nginx, the like by directives',
        peer: 'nginx',
        routes: 0,
        form: 'policies',
        baseline: 'nginx',
      },
      {
        label: 'portcullis, 8 policies',
        peer: 'portcullis',
        routes: 0,
        form: 'policies',
        baseline: 'nginx, the like by directives',
      },
    ],
  },
  {
    ...PLAIN,
    name: 'resilient',
    title: 'Three targets in turn, and with least requests, outlier detection, circuit breakers and retries',
    contenders: [
      ...each('nginx'),
      {
        label: 'portcullis, three targets',
        peer: 'portcullis',
        routes: 0,
        form: 'targets',
        baseline: 'nginx',
      },
      {
        label: 'portcullis, resilient',
        peer: 'portcullis',
        routes: 0,
        form: 'resilient',
        baseline: 'portcullis, three targets',
      },
    ],
  },
  {
    ...PLAIN,
    name: 'limited',
    title: 'A limit by client address, counted in memory that workers share, which the load does not reach',
    contenders: [...each('nginx'), ...guarded('limited', 'portcullis, limited')],
  },
  {
    ...PLAIN,
    name: 'limited-redis',
    title:
      'The same limit counted in Redis, at REDIS_URL or 127.0.0.1:6379, which is asked about every request',
    contenders: [...each('nginx'), ...guarded('limited-redis', 'portcullis, limited by Redis')],
  },
  {
    ...PLAIN,
    name: 'jwt',
    title: 'A JWT of 850 letters, the same in each request: passed on, and verified and taken off',
    headers: JWT_HEADERS,
    contenders: [...each('nginx'), ...guarded('jwt', 'portcullis, jwt')],
  },
  {
    ...PLAIN,
    name: 'validated',
    title: 'Body of 1 KiB of JSON, passed on, and held against a schema',
    path: UPLOAD_PATH,
    bodyBytes: 1024,
    contenders: [
      ...each('nginx', 'portcullis'),
      {
        label: 'portcullis, validated',
        peer: 'portcullis',
        routes: 0,
        form: 'validated',
        baseline: 'portcullis',
      },
    ],
  },
  {
    ...PLAIN,
    name: 'api-key',
    title: 'API key of one of 1,000 consumers, passed on, and looked up and taken off',
    headers: { 'X-Api-Key': API_KEY(500) },
    contenders: [...each('nginx'), ...guarded('api-key', 'portcullis, api-key')],
  },
  {
    ...PLAIN,
    name: 'session',
    title: 'Cookie of a session in memory: passed on, and looked up and taken off',
    headers: SESSION_HEADERS,
    contenders: [...each('nginx'), ...guarded('session', 'portcullis, session')],
  },
  {
    ...PLAIN,
    name: 'churn',
    title: 'A new connection for each request',
    keepAlive: false,
    contenders: each('nginx', 'haproxy', 'portcullis', 'caddy', ...NODE_PROXIES),
  },
  {
    kind: 'idle',
    name: 'idle',
    title: '10,000 idle keep-alive connections, each after one request',
    peers: ['nginx', 'portcullis', 'bare-server'],
  },
  {
    kind: 'reload',
    name: 'reload',
    title: 'Reload of 10,000 routes under load, with open WebSockets on an unchanged route',
    peers: ['nginx', 'portcullis'],
  },
  {
    kind: 'managed',
    name: 'managed',
    title: '10,000 APIs in a store (SQLite): pages of the admin API, and changes by way of it',
    peers: ['portcullis'],
  },
];

/** Contenders of a scenario without the peers that were not asked for; baselines stay, since ratios need them. */
export function chosen(scenario: Scenario, peers: ReadonlySet<string> | undefined): Scenario {
  if (peers === undefined) return scenario;
  if (scenario.kind !== 'load')
    return { ...scenario, peers: scenario.peers.filter((peer) => peers.has(peer)) };
  const kept = scenario.contenders.filter((contender) => peers.has(contender.peer));
  const baselines = new Set(kept.map((contender) => contender.baseline));
  return {
    ...scenario,
    contenders: scenario.contenders.filter((c) => kept.includes(c) || baselines.has(c.label)),
  };
}
