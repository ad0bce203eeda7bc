import { isRecord } from '../../lib/is-record.ts';
import type { RedisConfig } from '../../state/schema.ts';
import { type PemContext, type PemPair } from './certificates.ts';
import { entriesOf, type Path, valueAt } from './place.ts';
import type { Problem } from './problem.ts';
import { readTls } from './resolve-service.ts';
import { holdsReference } from './secrets.ts';

/** Shorter ones can be guessed. */
const MIN_KEY_CHARS = 32;

/** A secret that nobody may guess, such as the key of the file of records; undefined where there is none, or it cannot be used, which is a problem then. */
export async function readLongSecret(
  key: unknown,
  path: Path,
  { secrets, problems }: Pick<PemContext, 'secrets' | 'problems'>,
): Promise<string | undefined> {
  const text = typeof key === 'string' ? await secrets.text(key, path) : undefined;
  if (text === undefined || text.length >= MIN_KEY_CHARS) return text;
  problems.push({ path, message: `is shorter than ${MIN_KEY_CHARS} characters` });
  return undefined;
}

/** What files and the environment hold of `state.redis`. undefined is what is not written, or led nowhere. */
export interface RedisMaterial {
  readonly places: Places;
  readonly tls: (PemPair & { readonly ca: string | undefined }) | undefined;
}

type Places = Pick<RedisConfig, 'url' | 'sentinels' | 'cluster'>;

const PLACES = ['url', 'sentinels', 'cluster'] as const;

/** Reads what `state.redis` refers to. `redis` is as it was written. */
export async function readRedisMaterial(
  redis: unknown,
  path: Path,
  context: PemContext,
): Promise<RedisMaterial | undefined> {
  if (!isRecord(redis)) return undefined;
  const { secrets, problems } = context;
  const [tls, ...places] = await Promise.all([
    readTls(redis['tls'], [...path, 'tls'], context),
    ...PLACES.map(
      async (name) => [name, await secrets.deep(redis[name], [...path, name], new Set())] as const,
    ),
  ]);
  const found: Record<string, unknown> = Object.fromEntries(places);
  let isPlain = false;
  for (const [at, url] of addressesIn(found)) {
    // That it leads nowhere is told already.
    if (holdsReference(url)) continue;
    const message = wrongIn(url, at[0] === 'url');
    if (message !== undefined) problems.push({ path: [...path, ...at], message });
    else isPlain ||= url.startsWith('redis:');
  }
  if (redis['tls'] !== undefined && isPlain)
    problems.push({
      path: [...path, 'tls'],
      message: 'is for a url with rediss://; this one would be used without TLS',
      atKey: true,
    });
  return { places: found, tls };
}

/** Every address of a Redis or a sentinel, and where it stands. */
function* addressesIn(redis: Record<string, unknown>): Generator<readonly [at: Path, url: string]> {
  if (typeof redis['url'] === 'string') yield [['url'], redis['url']];
  for (const name of ['sentinels', 'cluster']) {
    const nodes = valueAt(redis, [name, 'nodes']);
    if (!Array.isArray(nodes)) continue;
    for (const [index, url] of nodes.entries())
      if (typeof url === 'string') yield [[name, 'nodes', index], url];
  }
}

/** Never quotes it: it may hold a password. */
function wrongIn(text: string, mayNameDatabase: boolean): string | undefined {
  const shape = 'is not the address of a Redis: write redis://host:port, or rediss://host:port with TLS';
  const url = URL.parse(text);
  if (url === null || !/^rediss?:\/\//.test(text) || url.hostname === '') return shape;
  if (!mayNameDatabase && !/^\/?$/.test(url.pathname))
    return 'ends after the port: only url names a database';
  if (!/^(\/\d{0,4})?$/.test(url.pathname))
    return 'ends in the number of a database, such as /0, or in nothing';
  return url.search === '' && url.hash === '' ? undefined : 'has no parameters';
}

/** As the workers receive it: nothing refers to elsewhere any more. */
export function resolvedRedis(
  redis: RedisConfig | undefined,
  material: RedisMaterial | undefined,
): RedisConfig | undefined {
  if (redis === undefined) return undefined;
  const { url, sentinels, cluster } = redis;
  const places = inPlaceOf({ url, sentinels, cluster }, material?.places ?? {});
  if (redis.tls === undefined) return { ...redis, ...places };
  const { ca, cert, key } = material?.tls ?? {};
  return {
    ...redis,
    ...places,
    tls: {
      ...redis.tls,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

/** What was parsed, with defaults, and the texts of what was read where it was written. */
function inPlaceOf(parsed: Places, read: Partial<Places>): Places {
  const { url, sentinels, cluster } = parsed;
  return {
    url: url && (read.url ?? url),
    sentinels: sentinels && { ...sentinels, ...read.sentinels },
    cluster: cluster && { ...cluster, ...read.cluster },
  };
}

/** Uses of `rate-limit` that count in a Redis that is not configured, and quotas that nodes which share a store would each grant whole. */
export function checkStores(
  config: Record<string, unknown>,
  routes: readonly (readonly [name: string, route: unknown])[],
): Problem[] {
  if (valueAt(config, ['state', 'redis']) !== undefined) return [];
  const problems = usesOf(config['policies'], ['policies']);
  for (const [name, route] of routes)
    if (isRecord(route)) problems.push(...usesOf(route['policies'], ['routes', name, 'policies']));
  if (valueAt(config, ['store', 'postgres']) !== undefined)
    problems.push(...quotasOfEachNode(config['plans']));
  return problems;
}

function quotasOfEachNode(plans: unknown): Problem[] {
  return entriesOf(plans)
    .filter(([, plan]) => isRecord(plan) && plan['quotas'] !== undefined)
    .map(([name]) => ({
      path: ['plans', name, 'quotas'],
      severity: 'warning',
      message:
        'are counted by each node for itself, so that each of those that share store.postgres grants all of them: state.redis counts them together',
    }));
}

function usesOf(list: unknown, path: Path): Problem[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown, index) =>
    entriesOf(entry).flatMap(([name, options]): Problem[] => {
      const store = valueAt(options, ['store']);
      if (name !== 'rate-limit' || (store !== 'redis' && store !== 'hybrid')) return [];
      return [
        {
          path: [...path, index, name, 'store'],
          message: `${store} needs state.redis, which is not there`,
        },
      ];
    }),
  );
}
