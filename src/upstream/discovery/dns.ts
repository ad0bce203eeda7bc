import { NODATA, NOTFOUND, type SrvRecord } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { causeOf } from '../../lib/cause.ts';
import type { Timers } from '../../lib/timers.ts';
import { PolledSource, type Poller, type Round } from './polled-source.ts';
import { Reports } from './reports.ts';
import type { DnsSettings } from './schema.ts';
import type { Source, SourceObserver } from './source.ts';
import { scaleWeights, type TargetDescription, targetUrl } from './target-description.ts';

/** A TTL of 0 means that an answer must not be kept; for a list of targets, a second is as good as that. */
const MIN_WAIT_MS = 1000;
/** For one look-up, with all the queries that it takes. */
const LOOKUP_MS = 10_000;
/** One try at one server; `Resolver` doubles it for the second. */
const QUERY_MS = 2000;
/** Names of SRV records that are looked up at a time. */
const AT_A_TIME = 16;

interface Found {
  readonly targets: readonly TargetDescription[];
  /** Infinity where no record had one. */
  readonly ttlSeconds: number;
}

interface Address {
  readonly address: string;
  readonly ttl: number;
}

/** The addresses of a name in DNS, looked up again when their TTL is over. */
export function dnsSource(
  settings: DnsSettings,
  observer: SourceObserver,
  { timers, random }: { readonly timers: Timers; readonly random: () => number },
): Source {
  const reports = new Reports(observer);
  return new PolledSource(new DnsPoller(settings, reports, timers), reports, timers, random);
}

class DnsPoller implements Poller {
  readonly #settings: DnsSettings;
  readonly #reports: Reports;
  readonly #timers: Timers;
  #resolver: Resolver | undefined;

  constructor(settings: DnsSettings, reports: Reports, timers: Timers) {
    this.#settings = settings;
    this.#reports = reports;
    this.#timers = timers;
  }

  async round(): Promise<Round> {
    const { name, type, servers, refresh } = this.#settings;
    // A new one each time reads the system's servers anew: they change while the gateway runs.
    const resolver = new Resolver({ timeout: QUERY_MS, tries: 2 });
    this.#resolver = resolver;
    let late = false;
    const cancelLimit = this.#timers.after(LOOKUP_MS, () => {
      late = true;
      resolver.cancel();
    });
    try {
      if (servers !== undefined) resolver.setServers(servers);
      const found = await (type === 'srv' ? this.#services(resolver) : this.#addresses(resolver, type));
      const refused = this.#reports.found(found.targets);
      if (refused !== undefined)
        return { ok: false, cause: `DNS tells of ${name} what cannot be used: ${refused}` };
      return { ok: true, waitMs: Math.max(MIN_WAIT_MS, Math.min(found.ttlSeconds * 1000, refresh)) };
    } catch (error) {
      const cause = late ? `no answer within ${LOOKUP_MS} ms` : causeOf(error);
      return { ok: false, cause: `the name ${name} was not resolved: ${cause}` };
    } finally {
      cancelLimit();
      this.#resolver = undefined;
    }
  }

  release(): void {
    this.#resolver?.cancel();
  }

  async #addresses(resolver: Resolver, type: 'a' | 'aaaa'): Promise<Found> {
    const { name, scheme, port = 0 } = this.#settings;
    const records = await (type === 'a'
      ? resolver.resolve4(name, { ttl: true })
      : resolver.resolve6(name, { ttl: true }));
    return {
      targets: records.map(({ address }) => ({ url: targetUrl(scheme, address, port), weight: 1 })),
      ttlSeconds: shortest(records),
    };
  }

  /**
   * SRV (RFC 2782): the records of the lowest priority number whose names exist, each with the addresses of its name, which share
   * its weight. The names are resolved here, because the same servers know them, and others may not.
   */
  async #services(resolver: Resolver): Promise<Found> {
    const records = await resolver.resolveSrv(this.#settings.name);
    // "Target" in RFC 2782: a target of "." means that the service is decidedly not there.
    if (records.every(({ name }) => name === '' || name === '.'))
      return { targets: [], ttlSeconds: Number.POSITIVE_INFINITY };
    const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
    for (const wanted of priorities) {
      const used = records.filter(({ priority }) => priority === wanted);
      const addresses = await addressesOf(
        resolver,
        used.map(({ name }) => name),
      );
      if (addresses.size > 0) return this.#weighted(used, addresses);
    }
    throw new Error('none of the names that its records lead to exists');
  }

  #weighted(records: readonly SrvRecord[], addresses: ReadonlyMap<string, readonly Address[]>): Found {
    const parts = records.flatMap(({ name, port, weight }) => {
      const own = addresses.get(name) ?? [];
      return own.map(({ address }) => ({
        url: targetUrl(this.#settings.scheme, address, port),
        weight: weight / own.length,
      }));
    });
    const weights = scaleWeights(parts.map(({ weight }) => weight));
    return {
      targets: parts.map(({ url }, i) => ({ url, weight: weights[i] as number })),
      ttlSeconds: shortest([...addresses.values()].flat()),
    };
  }
}

/** Of each name its IPv4 addresses, or its IPv6 addresses where it has none. Names without any are left out. */
async function addressesOf(
  resolver: Resolver,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly Address[]>> {
  const addresses = new Map<string, readonly Address[]>();
  const waiting = [...new Set(names)];
  while (waiting.length > 0) {
    const some = waiting.splice(0, AT_A_TIME);
    await Promise.all(
      some.map(async (name) => {
        try {
          addresses.set(name, await anyAddress(resolver, name));
        } catch (error) {
          if (!isAbsent(error)) throw error;
        }
      }),
    );
  }
  return addresses;
}

async function anyAddress(resolver: Resolver, name: string): Promise<readonly Address[]> {
  try {
    return await resolver.resolve4(name, { ttl: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== NODATA) throw error;
    return resolver.resolve6(name, { ttl: true });
  }
}

/** The server knows that there is no such record, as against a server that does not answer. */
function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === NODATA || code === NOTFOUND;
}

function shortest(records: readonly { readonly ttl: number }[]): number {
  return records.reduce((least, { ttl }) => Math.min(least, ttl), Number.POSITIVE_INFINITY);
}
