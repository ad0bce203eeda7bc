import type { RedisConfig } from '../../state/schema.ts';
import { type PemContext, type PemPair } from './certificates.ts';
import { entriesOf, isRecord, type Path, valueAt } from './place.ts';
import type { Problem } from './problem.ts';
import { readTls } from './resolve-service.ts';

/** What files and the environment hold of `state.redis`. undefined is what is not written, or led nowhere. */
export interface RedisMaterial {
  readonly url: string | undefined;
  readonly tls: (PemPair & { readonly ca: string | undefined }) | undefined;
}

/** Reads what `state.redis` refers to. `redis` is as it was written. */
export async function readRedisMaterial(
  redis: unknown,
  path: Path,
  context: PemContext,
): Promise<RedisMaterial | undefined> {
  if (!isRecord(redis)) return undefined;
  const written = redis['url'];
  const [url, tls] = await Promise.all([
    typeof written === 'string' ? context.secrets.text(written, [...path, 'url']) : undefined,
    readTls(redis['tls'], [...path, 'tls'], context),
  ]);
  const message = url === undefined ? undefined : wrongIn(url);
  if (message !== undefined) context.problems.push({ path: [...path, 'url'], message });
  else if (redis['tls'] !== undefined && url?.startsWith('redis:'))
    context.problems.push({
      path: [...path, 'tls'],
      message: 'is for a url with rediss://; this one would be used without TLS',
      atKey: true,
    });
  return { url, tls };
}

/** Never quotes it: it may hold a password. */
function wrongIn(text: string): string | undefined {
  const shape = 'is not the address of a Redis: write redis://host:port, or rediss://host:port with TLS';
  const url = URL.parse(text);
  if (url === null || !/^rediss?:\/\//.test(text) || url.hostname === '') return shape;
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
  const url = material?.url ?? redis.url;
  if (redis.tls === undefined) return { ...redis, url };
  const { ca, cert, key } = material?.tls ?? {};
  return {
    ...redis,
    url,
    tls: {
      ...redis.tls,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

/** Uses of `rate-limit` that count in a Redis that is not configured. */
export function checkStores(
  config: Record<string, unknown>,
  routes: readonly (readonly [name: string, route: unknown])[],
): Problem[] {
  if (valueAt(config, ['state', 'redis']) !== undefined) return [];
  const problems = withoutRedis(config['policies'], ['policies']);
  for (const [name, route] of routes)
    if (isRecord(route)) problems.push(...withoutRedis(route['policies'], ['routes', name, 'policies']));
  return problems;
}

function withoutRedis(list: unknown, path: Path): Problem[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown, index) =>
    entriesOf(entry).flatMap(([name, options]): Problem[] => {
      const store = name === 'rate-limit' ? valueAt(options, ['store']) : undefined;
      if (store !== 'redis' && store !== 'hybrid') return [];
      return [
        { path: [...path, index, name, 'store'], message: `${store} needs state.redis, which is not there` },
      ];
    }),
  );
}
