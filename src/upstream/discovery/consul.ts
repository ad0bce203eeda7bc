import { z } from 'zod';
import type { Timers } from '../../lib/timers.ts';
import { HttpClient } from './http-client.ts';
import { PolledSource, type Poller, type Round } from './polled-source.ts';
import { Reports } from './reports.ts';
import type { ConsulSettings } from './schema.ts';
import type { Source, SourceObserver } from './source.ts';
import { scaleWeights, type TargetDescription, targetUrl } from './target-description.ts';

/** Between the beginnings of two queries, so that an index that always moves makes no storm of them. */
const MIN_GAP_MS = 1000;
/** Beyond what Consul may take for a query by its own rules. */
const SLACK_MS = 10_000;

const locality = z.object({ Zone: z.string().optional() }).nullish();
/** Of an entry of `/v1/health/service/:service`, what is used. */
const entriesSchema = z.array(
  z.object({
    Node: z.object({ Address: z.string(), Locality: locality }),
    Service: z.object({
      Address: z.string().optional(),
      Port: z.int(),
      Weights: z.object({ Passing: z.int().min(0) }).nullish(),
      Locality: locality,
    }),
  }),
);
type Entry = z.output<typeof entriesSchema>[number];

/** The passing instances of a service in Consul, by blocking queries. */
export function consulSource(
  settings: ConsulSettings,
  observer: SourceObserver,
  { timers, random }: { readonly timers: Timers; readonly random: () => number },
): Source {
  const reports = new Reports(observer);
  return new PolledSource(new ConsulPoller(settings, reports, timers), reports, timers, random);
}

class ConsulPoller implements Poller {
  readonly #settings: ConsulSettings;
  readonly #reports: Reports;
  readonly #timers: Timers;
  readonly #client: HttpClient;
  readonly #query: string;
  /** What the next query waits beyond; undefined asks for an answer at once. */
  #index: bigint | undefined;

  constructor(settings: ConsulSettings, reports: Reports, timers: Timers) {
    this.#settings = settings;
    this.#reports = reports;
    this.#timers = timers;
    this.#client = new HttpClient(timers);
    const query = new URLSearchParams({ passing: '1' });
    if (settings.tag !== undefined) query.set('tag', settings.tag);
    if (settings.datacenter !== undefined) query.set('dc', settings.datacenter);
    const base = settings.address.replace(/\/$/, '');
    this.#query = `${base}/v1/health/service/${encodeURIComponent(settings.service)}?${query.toString()}`;
  }

  async round(): Promise<Round> {
    const startedMs = this.#timers.nowMs();
    const { token, ca, wait } = this.#settings;
    const blocking = this.#index === undefined ? '' : `&index=${this.#index}&wait=${wait}ms`;
    // Consul waits up to a sixteenth longer than it is told, so that its clients do not come back all at once.
    const limitMs = (this.#index === undefined ? 0 : wait * (1 + 1 / 16)) + SLACK_MS;
    const answer = await this.#client.getJson({
      url: this.#query + blocking,
      headers: {
        accept: 'application/json',
        ...(token === undefined ? undefined : { 'x-consul-token': token }),
      },
      ca,
      headMs: limitMs,
      wholeMs: limitMs,
    });
    if (!answer.ok) return this.#failed(answer.cause);
    const entries = entriesSchema.safeParse(answer.body);
    if (!entries.success) return this.#failed('answered with something that is not a list of instances');
    const refused = this.#reports.found(targetsOf(entries.data, this.#settings.scheme));
    if (refused !== undefined) return this.#failed(`told of targets that cannot be used: ${refused}`);
    this.#index = nextIndex(this.#index, answer.headers['x-consul-index']);
    return { ok: true, waitMs: Math.max(0, startedMs + MIN_GAP_MS - this.#timers.nowMs()) };
  }

  release(): void {
    this.#client.close();
  }

  #failed(cause: string): Round {
    // The first query after a failure must not wait for a change: it tells that the outage is over.
    this.#index = undefined;
    return { ok: false, cause: `Consul at ${this.#settings.address} ${cause}` };
  }
}

/**
 * By Consul's rules for blocking queries: an index that goes back was reset, and the next query asks anew; one that is not above 0
 * is a fault of Consul, and 1 stands for it, because a query with index 0 would not wait.
 */
function nextIndex(last: bigint | undefined, field: string | string[] | undefined): bigint | undefined {
  const index = typeof field === 'string' && /^\d{1,20}$/.test(field) ? BigInt(field) : 0n;
  if (last !== undefined && index < last && last > 1n) return undefined;
  return index < 1n ? 1n : index;
}

function targetsOf(entries: readonly Entry[], scheme: 'http' | 'https'): TargetDescription[] {
  const weights = scaleWeights(entries.map(({ Service }) => Service.Weights?.Passing ?? 1));
  return entries.map(({ Node, Service }, i) => {
    const zone = Service.Locality?.Zone || Node.Locality?.Zone;
    return {
      // An instance without an address of its own is at its node's.
      url: targetUrl(scheme, Service.Address || Node.Address, Service.Port),
      weight: weights[i] as number,
      ...(zone ? { zone } : undefined),
    };
  });
}
