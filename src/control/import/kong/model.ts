import type { Entry } from '../entry.ts';

export interface KongPlugin {
  readonly name: string;
  readonly entry: Entry;
  readonly config: Entry;
}

export interface KongRoute {
  readonly entry: Entry;
  readonly name: string;
  readonly plugins: readonly KongPlugin[];
}

export interface KongService {
  readonly entry: Entry;
  readonly name: string;
  readonly plugins: readonly KongPlugin[];
  readonly routes: readonly KongRoute[];
}

/** Credentials of each kind, as entries. */
export interface KongConsumer {
  readonly entry: Entry;
  readonly name: string;
  readonly credentials: ReadonlyMap<string, readonly Entry[]>;
  /** For this consumer alone. */
  readonly plugins: readonly KongPlugin[];
}

/** A declarative configuration of Kong, with what stands flat in it put where it belongs. */
export interface KongModel {
  readonly services: readonly KongService[];
  /** Of no service. */
  readonly routes: readonly KongRoute[];
  readonly plugins: readonly KongPlugin[];
  readonly consumers: readonly KongConsumer[];
  readonly upstreams: readonly {
    readonly entry: Entry;
    readonly name: string;
    readonly targets: readonly Entry[];
  }[];
  readonly certificates: readonly { readonly entry: Entry; readonly snis: readonly string[] }[];
  readonly authorities: readonly Entry[];
  /** Whether paths that are expressions begin with `~`: since 3.0. */
  readonly marksRegexes: boolean;
}

/** Each kind of credential: its name in a consumer, and on its own. */
export const CREDENTIALS = [
  'keyauth_credentials',
  'basicauth_credentials',
  'jwt_secrets',
  'acls',
  'hmacauth_credentials',
  'oauth2_credentials',
  'mtls_auth_credentials',
] as const;

/** The protocols that routes of both gateways have. */
export const HTTP: readonly string[] = ['http', 'https'];

const WITHOUT_MEANING = ['id', 'tags', 'created_at', 'updated_at'];

/** Reads the whole; undefined where the version is unknown, which is told. */
export function readKong(root: Entry): KongModel | undefined {
  const version = root.text('_format_version');
  if (version === undefined || !/^[123]\.\d$/.test(version)) {
    root.lost(
      '_format_version',
      'is not the version of a declarative configuration that is known here: 1.1, 2.1 or 3.0',
    );
    return undefined;
  }
  root.ignore('_transform', '_comment', '_ignore', '_workspace', '_konnect', ...WITHOUT_MEANING);
  const defaults = new Defaults(root);
  const plugins = root.entries('plugins').flatMap(readPlugin);
  const own = (entry: Entry): KongPlugin[] => entry.entries('plugins').flatMap(readPlugin);
  const scoped = (key: string, { entry, name }: { readonly entry: Entry; readonly name: string }) =>
    plugins.filter((plugin) => scopeOf(plugin.entry) === key && refersTo(plugin.entry.raw(key), entry, name));
  const routeOf = (entry: Entry, fallback: string): KongRoute => {
    const name = entry.text('name') ?? fallback;
    entry.ignore(...WITHOUT_MEANING, 'service');
    return { entry, name, plugins: [...own(entry), ...scoped('route', { entry, name })] };
  };
  const flat = defaults.beneath('route', root.entries('routes'));
  const taken = new Set<Entry>();
  const services = defaults.beneath('service', root.entries('services')).map((entry, index): KongService => {
    const name = entry.text('name') ?? entry.text('host') ?? `service-${index + 1}`;
    entry.ignore(...WITHOUT_MEANING);
    const routes = [
      ...defaults.beneath('route', entry.entries('routes')),
      ...flat.filter((route) => refersTo(route.raw('service'), entry, name)),
    ];
    for (const route of routes) taken.add(route);
    return {
      entry,
      name,
      plugins: [...own(entry), ...scoped('service', { entry, name })],
      routes: routes.map((route, at) => routeOf(route, routes.length > 1 ? `${name}-${at + 1}` : name)),
    };
  });
  const consumers = readConsumers(root, (consumer) => scoped('consumer', consumer));
  const routes = flat
    .filter((route) => !taken.has(route))
    .map((entry, index) => {
      if (entry.has('service'))
        entry.lost('service', 'there is no such service, so the route is not carried over');
      return routeOf(entry, `route-${index + 1}`);
    });
  const snis = root.entries('snis');
  const model = {
    services,
    routes,
    plugins: plugins.filter(({ entry }) => scopeOf(entry) === undefined),
    consumers,
    upstreams: defaults.beneath('upstream', root.entries('upstreams')).map((entry) => {
      entry.ignore(...WITHOUT_MEANING);
      const name = entry.text('name') ?? '';
      const outside = root
        .entries('targets')
        .filter((target) => refersTo(target.raw('upstream'), entry, name));
      return { entry, name, targets: defaults.beneath('target', [...entry.entries('targets'), ...outside]) };
    }),
    certificates: root.entries('certificates').map((entry) => ({
      entry,
      snis: [
        ...namesIn(entry.raw('snis')),
        ...snis
          .filter((sni) => refersTo(sni.raw('certificate'), entry, ''))
          .flatMap((sni) => sni.text('name') ?? []),
      ],
    })),
    authorities: root.entries('ca_certificates'),
    marksRegexes: version.startsWith('3'),
  };
  for (const { entry, name } of plugins)
    if (scopeOf(entry) === 'consumer_group')
      entry.findings.lost(
        entry.path,
        `the plugin ${name} of a group of consumers is not carried over`,
        PLANS,
      );
  root.rest('the document');
  return model;
}

/** What decK puts into entities that do not say it themselves: `_info.defaults`. Kong alone looks at none of it. */
class Defaults {
  readonly #defaults: Entry;

  constructor(root: Entry) {
    const info = root.entryOrEmpty('_info');
    info.ignore('select_tags', 'lookup_tags', 'consumer_group_policy_overrides');
    this.#defaults = info.entryOrEmpty('defaults');
    this.#defaults.ignore('service', 'route', 'upstream', 'target');
    this.#defaults.rest('the defaults');
    info.rest('_info');
  }

  beneath(kind: 'service' | 'route' | 'upstream' | 'target', entries: readonly Entry[]): readonly Entry[] {
    const defaults = this.#defaults.entry(kind);
    return defaults === undefined ? entries : entries.map((entry) => entry.over(defaults));
  }
}

/** What may be said of limits of consumers. */
const PLANS = 'limits of a consumer can be a plan: docs/plans.md';

/** The nearest first: a plugin of a consumer and a route is one for that consumer alone. */
const SCOPES = ['consumer_group', 'consumer', 'route', 'service'];

/** What a plugin applies to; undefined: to everything. */
function scopeOf(plugin: Entry): string | undefined {
  return SCOPES.find((key) => plugin.has(key));
}

/** What is switched off, or for other protocols, is not there. */
function readPlugin(entry: Entry): KongPlugin[] {
  const name = entry.text('name');
  const config = entry.entryOrEmpty('config');
  const protocols = entry.texts('protocols') ?? HTTP;
  entry.ignore(...WITHOUT_MEANING, ...SCOPES, 'run_on', 'instance_name', 'ordering');
  if (entry.flag('enabled') === false) return [];
  if (name === undefined) {
    entry.findings.lost(entry.path, 'a plugin without a name is not carried over');
    return [];
  }
  const spoken = HTTP.filter((protocol) => protocols.includes(protocol));
  if (spoken.length === 0) return [];
  if (spoken.length < HTTP.length)
    entry.lost('protocols', `the plugin ${name} is for ${spoken.join()} alone, and for both here`);
  return [{ name, entry, config }];
}

/** A reference is a name, an id, or a map with one of them. */
export function refersTo(reference: unknown, entry: Entry, name: string): boolean {
  if (reference === undefined) return false;
  const id = entry.raw('id');
  const named = typeof reference === 'object' && reference !== null ? Object.values(reference) : [reference];
  return named.some((each) => each !== null && (each === id || (name !== '' && each === name)));
}

function namesIn(snis: unknown): string[] {
  if (!Array.isArray(snis)) return [];
  return snis.flatMap((sni: unknown) => {
    const name = typeof sni === 'object' && sni !== null && 'name' in sni ? sni.name : sni;
    return typeof name === 'string' ? [name] : [];
  });
}

function readConsumers(
  root: Entry,
  pluginsOf: (consumer: { readonly entry: Entry; readonly name: string }) => readonly KongPlugin[],
): KongConsumer[] {
  const flat = new Map(CREDENTIALS.map((kind) => [kind, root.entries(kind)]));
  return root.entries('consumers').map((entry, index) => {
    entry.ignore(...WITHOUT_MEANING);
    const customId = entry.text('custom_id');
    const name = entry.text('username') ?? customId ?? `consumer-${index + 1}`;
    const credentials = new Map(
      CREDENTIALS.map((kind) => [
        kind,
        [
          ...entry.entries(kind),
          ...(flat.get(kind) ?? []).filter((each) => refersTo(each.raw('consumer'), entry, name)),
        ],
      ]),
    );
    for (const each of [...credentials.values()].flat()) each.ignore(...WITHOUT_MEANING, 'consumer');
    const plugins = [...entry.entries('plugins').flatMap(readPlugin), ...pluginsOf({ entry, name })];
    return { entry, name, credentials, plugins };
  });
}
