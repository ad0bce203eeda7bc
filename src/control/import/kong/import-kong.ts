import { isRecord } from '../../../lib/is-record.ts';
import type { ImportContext } from '../context.ts';
import type { Writable } from '../draft.ts';
import type { Entry } from '../entry.ts';
import { type OrderedRoute, setPriorities } from '../order.ts';
import { CLOSED, closed } from '../settle.ts';
import { AUTHENTICATING, authenticationOf } from './authentication.ts';
import { importConsumers } from './consumers.ts';
import { type KongModel, type KongPlugin, type KongRoute, readKong } from './model.ts';
import { CONVERTERS, convertPlugin, HARMLESS } from './policies.ts';
import { importRoute } from './routes.ts';
import { keptSecret } from './secrets.ts';
import { importService } from './services.ts';

/**
 * A declarative configuration of Kong (`_format_version` 1.1, 2.1 or 3.0) as a native one. Plugins of a service are policies of each of its
 * routes; of a plugin that is given at several levels the nearest holds, as in Kong. False: it is of a version that is not known.
 */
export async function importKong(root: Entry, context: ImportContext): Promise<boolean> {
  const areHashed = root.raw('_transform') === false;
  const model = readKong(root);
  if (model === undefined) return false;
  importCertificates(model, context);
  await importConsumers(model, areHashed, context);
  const policies = new RoutePolicies(model, context);
  policies.addGlobal();
  const made: OrderedRoute[] = [];
  for (const service of model.services) {
    const native = importService(service, model, context);
    if (native === undefined) {
      if (service.routes.length > 0)
        context.findings.note(service.entry.path, `the routes of ${service.name} are left out with it`);
      continue;
    }
    for (const route of service.routes)
      made.push(
        ...importRoute(route, native, policies.of(route, service.plugins), model.marksRegexes, context),
      );
  }
  for (const route of model.routes) {
    const own = policies.of(route, []);
    if (!own.some((policy) => 'respond' in policy))
      context.findings.lost(route.entry.path, `the route ${route.name} has no service, and is left out`);
    made.push(...importRoute(route, undefined, own, model.marksRegexes, context));
  }
  setPriorities(made, context.findings);
  for (const { entry, name } of model.upstreams)
    if (
      !model.services.some(
        (service) =>
          service.entry.raw('host') === name || String(service.entry.raw('url')).includes(`//${name}`),
      )
    )
      context.findings.lost(entry.path, `no service uses the upstream ${name}, so it is left out`);
  return true;
}

/** Makes policies of plugins; each plugin once, however many routes it applies to. */
class RoutePolicies {
  readonly #model: KongModel;
  readonly #context: ImportContext;
  readonly #converted = new Map<KongPlugin, readonly Writable[] | undefined>();
  readonly #authentication = new Map<string, readonly Writable[] | undefined>();
  /** Global plugins that are a policy of each route, since some of these have one of their own. */
  readonly #inRoutes: readonly KongPlugin[];
  readonly #everywhere: readonly KongPlugin[];

  constructor(model: KongModel, context: ImportContext) {
    this.#model = model;
    this.#context = context;
    const nearer = new Set(
      [...model.services, ...model.services.flatMap(({ routes }) => routes), ...model.routes].flatMap(
        ({ plugins }) => plugins.map(({ name }) => name),
      ),
    );
    const isSimple = ({ name }: KongPlugin) =>
      (CONVERTERS.has(name) && name !== 'acl' && name !== 'request-termination') || HARMLESS.has(name);
    this.#everywhere = model.plugins.filter((plugin) => isSimple(plugin) && !nearer.has(plugin.name));
    this.#inRoutes = model.plugins.filter((plugin) => !this.#everywhere.includes(plugin));
  }

  addGlobal(): void {
    for (const plugin of this.#everywhere)
      for (const use of this.#convert(plugin) ?? [{ ...CLOSED }])
        this.#context.draft.addPolicy(use, plugin.entry.path);
  }

  of({ plugins }: KongRoute, ofService: readonly KongPlugin[]): Writable[] {
    const nearest = new Map<string, KongPlugin>();
    for (const plugin of [...this.#inRoutes, ...ofService, ...plugins]) nearest.set(plugin.name, plugin);
    const all = [...nearest.values()];
    const asking = all.filter(({ name }) => AUTHENTICATING.has(name));
    const uses: Writable[] = [];
    let isClosed = false;
    const take = (made: readonly Writable[] | undefined): void => {
      if (made === undefined) isClosed = true;
      else uses.push(...made.map((use) => structuredClone(use)));
    };
    take(this.#asking(asking));
    for (const plugin of all) if (!AUTHENTICATING.has(plugin.name)) take(this.#convert(plugin));
    return isClosed ? closed(uses) : uses;
  }

  #asking(plugins: readonly KongPlugin[]): readonly Writable[] | undefined {
    const key = JSON.stringify(plugins.map(({ entry }) => entry.path));
    if (!this.#authentication.has(key))
      this.#authentication.set(
        key,
        this.#told(plugins, authenticationOf(plugins, this.#model.consumers, this.#context)),
      );
    return this.#authentication.get(key);
  }

  /** Undefined: something that protects could not be carried over. */
  #convert(plugin: KongPlugin): readonly Writable[] | undefined {
    if (!this.#converted.has(plugin)) this.#converted.set(plugin, this.#made(plugin));
    return this.#converted.get(plugin);
  }

  #made(plugin: KongPlugin): readonly Writable[] | undefined {
    const { name, entry } = plugin;
    const help = HARMLESS.get(name);
    if (help !== undefined) {
      this.#context.findings.lost(
        entry.path,
        `the plugin ${name} is not carried over`,
        help === '' ? undefined : help,
      );
      return [];
    }
    if (!CONVERTERS.has(name)) return this.#told([plugin], undefined);
    const made = convertPlugin(plugin);
    return this.#told(
      [plugin],
      made &&
        Object.entries(made).map(([policy, options]) => ({
          [policy]: this.#counted(plugin, policy, options),
        })),
    );
  }

  /** What is limited at a service, or everywhere, is counted together for all of its routes. */
  #counted(plugin: KongPlugin, policy: string, options: unknown): unknown {
    if (policy !== 'rate-limit' || !isRecord(options)) return options;
    if (this.#inRoutes.includes(plugin)) return { ...options, scope: 'gateway' };
    const isOfService = this.#model.services.some(({ plugins }) => plugins.includes(plugin));
    return isOfService ? { ...options, scope: 'service' } : options;
  }

  #told(
    plugins: readonly KongPlugin[],
    made: readonly Writable[] | undefined,
  ): readonly Writable[] | undefined {
    if (made === undefined)
      for (const { name, entry } of plugins)
        this.#context.findings.lost(
          entry.path,
          `the plugin ${name} is not carried over: nobody is let in where it was`,
          'replace authorize: { default: deny } by what protects the routes',
        );
    return made;
  }
}

/** Certificates, with a listener that has them. */
function importCertificates({ certificates }: KongModel, { draft, findings }: ImportContext): void {
  const names = certificates.flatMap(({ entry, snis }, index) => {
    const cert = entry.text('cert');
    const key = entry.text('key');
    if (entry.has('cert_alt'))
      entry.lost(
        'cert_alt',
        'a certificate of a second kind is not carried over',
        'write it as a certificate of its own',
      );
    if (cert === undefined || key === undefined) {
      findings.lost(entry.path, 'a certificate without a chain or a key is left out');
      return [];
    }
    const wanted = snis[0]?.replace('*', 'any') ?? `certificate-${index + 1}`;
    return [
      draft.add('certificates', wanted, { cert, key: keptSecret(draft, `${wanted}_key`, key) }, entry.path),
    ];
  });
  const [first] = certificates;
  if (names.length === 0 || first === undefined) return;
  draft.add('listeners', 'http', { port: 8080 }, first.entry.path);
  draft.add(
    'listeners',
    'https',
    { port: 8443, protocol: 'https', tls: { certificates: names } },
    first.entry.path,
  );
}
