import { z } from 'zod';
import type { Timers } from '../../../lib/timers.ts';
import { type HttpCall, HttpClient } from '../http-client.ts';
import { PolledSource, type Poller, type Round } from '../polled-source.ts';
import { Reports } from '../reports.ts';
import type { KubernetesSettings } from '../schema.ts';
import type { Source, SourceObserver } from '../source.ts';
import { findAccess, type Surroundings } from './credentials.ts';
import { type EndpointSlice, sliceSchema, targetsOf } from './endpoint-slices.ts';

/** Between the beginnings of two watches, so that watches that end at once make no storm. */
const MIN_GAP_MS = 1000;
const ANSWER_MS = 10_000;
/** How long the API server is asked to keep a watch: at least this, and up to twice as long by chance. */
const WATCH_SECONDS = 300;
/** What the server may take beyond that. */
const SLACK_MS = 30_000;
const MAX_SLICES = 2000;
const GONE = 410;

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string().min(1) }),
  items: z.array(sliceSchema).max(MAX_SLICES),
});
const bookmarkSchema = z.object({ metadata: z.object({ resourceVersion: z.string().min(1) }) });
const statusSchema = z.object({ code: z.int().optional(), message: z.string().optional() });
const eventSchema = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
});

/** The endpoints of a Service in Kubernetes: its EndpointSlices are listed once and then watched. */
export function kubernetesSource(
  settings: KubernetesSettings,
  observer: SourceObserver,
  { timers, random, surroundings }: { timers: Timers; random: () => number; surroundings: Surroundings },
): Source {
  const reports = new Reports(observer);
  const poller = new KubernetesPoller(settings, reports, timers, random, surroundings);
  return new PolledSource(poller, reports, timers, random);
}

/** Why a watch cannot go on, told by an event of it. */
type Fault = { readonly kind: 'gone' } | { readonly kind: 'failed'; readonly cause: string };

class KubernetesPoller implements Poller {
  readonly #settings: KubernetesSettings;
  readonly #reports: Reports;
  readonly #timers: Timers;
  readonly #random: () => number;
  readonly #surroundings: Surroundings;
  readonly #client: HttpClient;
  readonly #path: string;
  /** By name. */
  #slices = new Map<string, EndpointSlice>();
  /** Where the next watch goes on; undefined lists anew. */
  #version: string | undefined;

  constructor(
    settings: KubernetesSettings,
    reports: Reports,
    timers: Timers,
    random: () => number,
    surroundings: Surroundings,
  ) {
    this.#settings = settings;
    this.#reports = reports;
    this.#timers = timers;
    this.#random = random;
    this.#surroundings = surroundings;
    this.#client = new HttpClient(timers);
    const selector = encodeURIComponent(`kubernetes.io/service-name=${settings.service}`);
    this.#path = `/apis/discovery.k8s.io/v1/namespaces/${settings.namespace}/endpointslices?labelSelector=${selector}`;
  }

  async round(): Promise<Round> {
    const access = await findAccess(this.#settings, this.#surroundings);
    if (!access.ok) return this.#failed(access.cause);
    const { server, token, ca } = access;
    const call = {
      url: server + this.#path,
      headers: {
        accept: 'application/json',
        ...(token === undefined ? undefined : { authorization: `Bearer ${token}` }),
      },
      ca,
      headMs: ANSWER_MS,
      wholeMs: ANSWER_MS,
    };
    return this.#version === undefined ? this.#list(call) : this.#watch(call, this.#version);
  }

  release(): void {
    this.#client.close();
  }

  async #list(call: HttpCall): Promise<Round> {
    const answer = await this.#client.getJson(call);
    if (!answer.ok) return this.#failed(answer.cause);
    const list = listSchema.safeParse(answer.body);
    if (!list.success) return this.#failed('answered with something that is not a list of EndpointSlices');
    this.#slices = new Map(list.data.items.map((slice) => [slice.metadata.name, slice]));
    const refused = this.#tell();
    if (refused !== undefined) return this.#failed(refused);
    this.#version = list.data.metadata.resourceVersion;
    return { ok: true, waitMs: 0 };
  }

  async #watch(call: HttpCall, version: string): Promise<Round> {
    const startedMs = this.#timers.nowMs();
    const seconds = Math.round(WATCH_SECONDS * (1 + this.#random()));
    const query = `&watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${encodeURIComponent(version)}`;
    let fault: Fault | undefined;
    const end = await this.#client.getLines(
      { ...call, url: call.url + query, wholeMs: seconds * 1000 + SLACK_MS },
      (lines) => {
        fault = this.#take(lines);
        return fault === undefined;
      },
    );
    const leftMs = Math.max(0, startedMs + MIN_GAP_MS - this.#timers.nowMs());
    if (fault?.kind === 'failed') return this.#failed(fault.cause);
    // The server has forgotten this version: everything is listed again. That is its right, and no outage.
    if (fault?.kind === 'gone' || (!end.ok && end.status === GONE)) this.#version = undefined;
    // A watch that breaks off after a while goes on where it was; one that never got going is a failure.
    else if (!end.ok && (end.status !== 200 || leftMs > 0)) return this.#failed(end.cause);
    return { ok: true, waitMs: leftMs };
  }

  /** Events of a watch, one per line; what they amount to is told once. */
  #take(lines: readonly string[]): Fault | undefined {
    let changed = false;
    for (const line of lines) {
      if (line.trim() === '') continue;
      const event = eventSchema.safeParse(parseJson(line));
      if (!event.success) return failed('sent something that is not an event of a watch');
      const { type, object } = event.data;
      if (type === 'ERROR') {
        const { code, message } = statusSchema.safeParse(object).data ?? {};
        if (code === GONE) return { kind: 'gone' };
        return failed(`ended the watch: ${message ?? code ?? 'without a reason'}`);
      }
      if (type === 'BOOKMARK') {
        const bookmark = bookmarkSchema.safeParse(object);
        if (!bookmark.success) return failed('sent a bookmark without a version');
        this.#version = bookmark.data.metadata.resourceVersion;
        continue;
      }
      const slice = sliceSchema.safeParse(object);
      if (!slice.success) return failed('sent something that is not an EndpointSlice');
      const { name, resourceVersion } = slice.data.metadata;
      if (type === 'DELETED') this.#slices.delete(name);
      else this.#slices.set(name, slice.data);
      if (this.#slices.size > MAX_SLICES) return failed(`has more than ${MAX_SLICES} EndpointSlices`);
      this.#version = resourceVersion;
      changed = true;
    }
    const refused = changed ? this.#tell() : undefined;
    return refused === undefined ? undefined : failed(refused);
  }

  /** Returns why nothing was told. */
  #tell(): string | undefined {
    const found = targetsOf(this.#slices.values(), this.#settings);
    if (!found.ok) return `cannot be used: ${found.reason}`;
    const refused = this.#reports.found(found.targets);
    return refused === undefined ? undefined : `told of targets that cannot be used: ${refused}`;
  }

  #failed(cause: string): Round {
    // After a failure nothing is sure: it begins with a list, which also tells that the outage is over.
    this.#version = undefined;
    const { namespace, service } = this.#settings;
    return { ok: false, cause: `the EndpointSlices of ${namespace}/${service}: ${cause}` };
  }
}

function failed(cause: string): Fault {
  return { kind: 'failed', cause };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
