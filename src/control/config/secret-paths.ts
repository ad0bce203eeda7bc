import { isRecord } from '../../lib/is-record.ts';
import { type Path, valueAt } from './place.ts';

/** Options of policies whose values are kept out of messages: the policies' own schemas are not known here. */
const SECRET_OPTION =
  /secret|password|passwd|token|authorization|credential|cookie|^hash$|(?:^|[-_a-z])keys?$/i;

/** Options of the gateway's own policies, and of routes, that say what kind of thing is meant, or its name, where others of that name hold a secret. */
export const NAMING_OPTIONS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['rate-limit', new Set(['key', 'cookie'])],
  ['limits', new Set(['key', 'cookie'])],
  ['splitOverride', new Set(['cookie'])],
]);
export const NO_OPTIONS: ReadonlySet<string> = new Set();

/** Every place in a configuration, as written, whose value may be a secret. */
export function secretPaths(config: unknown): Path[] {
  const paths: Path[] = [];
  if (!isRecord(config)) return paths;
  eachEntry(config['certificates'], (name) =>
    paths.push(['certificates', name, 'key'], ['certificates', name, ...ACME_KEY]),
  );
  eachEntry(config['services'], (name, service) => collectService(service, ['services', name], paths));
  for (const collection of ['providers', 'sessions', 'consumers'])
    if (config[collection] !== undefined) collectOptions(config[collection], [collection], paths);
  for (const at of SINGLE_SECRETS) if (valueAt(config, at) !== undefined) paths.push(at);
  for (const at of LISTS_OF_SECRETS) {
    const nodes = valueAt(config, at);
    if (Array.isArray(nodes)) paths.push(...nodes.map((_, index) => [...at, index]));
  }
  const observability = config['observability'];
  const tracing = isRecord(observability) ? observability['tracing'] : undefined;
  eachEntry(isRecord(tracing) ? tracing['headers'] : undefined, (name) =>
    paths.push(['observability', 'tracing', 'headers', name]),
  );
  collectOptions(config['policies'], ['policies'], paths);
  // Routes match by fields too, such as by a whole Authorization.
  for (const collection of ['routes', 'apis', 'functions'])
    eachEntry(config[collection], (name, entry) => collectOptions(entry, [collection, name], paths));
  return paths;
}

const ACME_KEY = ['acme', 'externalAccount', 'hmacKey'];

const SINGLE_SECRETS = [
  ['admin', 'authentication', 'bootstrapToken'],
  ['state', 'redis', 'url'],
  ['state', 'redis', 'tls', 'key'],
  ['state', 'redis', 'sentinels', 'password'],
  ['state', 'memory', 'recordsKey'],
  ['runtime', 'sessionTickets', 'secret'],
  ['store', 'postgres', 'url'],
  ['store', 'key'],
];

/** Lists of secrets, and of urls that may have a password. */
const LISTS_OF_SECRETS = [
  ['state', 'redis', 'sentinels', 'nodes'],
  ['state', 'redis', 'cluster', 'nodes'],
  ['store', 'key'],
];

const SERVICE_SECRETS = [
  ['tls', 'key'],
  ['sticky', 'secret'],
  ['discovery', 'consul', 'token'],
  ['discovery', 'kubernetes', 'token'],
];

function collectService(service: unknown, path: Path, paths: Path[]): void {
  for (const at of SERVICE_SECRETS) if (valueAt(service, at) !== undefined) paths.push([...path, ...at]);
  const headers = ['health', 'active', 'headers'];
  eachEntry(valueAt(service, headers), (name) => paths.push([...path, ...headers, name]));
}

/** `naming` are those of the policy whose options these are. */
function collectOptions(value: unknown, path: Path, paths: Path[], naming = NO_OPTIONS): void {
  if (Array.isArray(value))
    value.forEach((entry, index) => {
      if (typeof entry === 'object') collectOptions(entry, [...path, index], paths, naming);
    });
  else {
    eachEntry(value, (name, entry) => {
      const isSecret = SECRET_OPTION.test(name) && !name.endsWith('Endpoint') && !naming.has(name);
      if (typeof entry === 'string') {
        if (isSecret) paths.push([...path, name]);
      } else if (typeof entry === 'object')
        collectOptions(entry, [...path, name], paths, NAMING_OPTIONS.get(name) ?? naming);
      if (!isSecret || !Array.isArray(entry)) return;
      entry.forEach((one, index) => {
        if (typeof one === 'string') paths.push([...path, name, index]);
      });
    });
  }
}

function eachEntry(value: unknown, visit: (name: string, entry: unknown) => void): void {
  if (isRecord(value)) for (const [name, entry] of Object.entries(value)) visit(name, entry);
}
