import { Fields } from '../http/fields.ts';
import type { ExchangeRecord } from '../observability/record.ts';
import type {
  BodyTransform,
  ClientView,
  Exchange as PolicyExchange,
  RequestView,
  ResponseView,
} from '../policy/contract.ts';
import type { Downstream, RequestBodySink } from './downstream.ts';
import type { CompiledRoute, ListenerRuntime, Snapshot } from './snapshot.ts';

export class GatewayRequest implements RequestView {
  method = '';
  scheme: 'http' | 'https' = 'http';
  authority = '';
  host = '';
  path = '';
  search = '';
  version = 11;
  fields: Fields;
  upstreamMethod = '';
  upstreamPath = '';
  upstreamSearch = '';
  upstreamHost: string | undefined = undefined;
  bodyLength = 0;
  /** Hop-by-hop wishes of the client that the upstream is told anew. */
  upgrade = '';
  expectContinue = false;
  trailers = false;

  constructor(fields: Fields) {
    this.fields = fields;
  }
}

export class GatewayResponse implements ResponseView {
  status = 0;
  fields: Fields = new Fields();
  /** What Content-Length said, also where no body follows; -1 when it is not known. */
  contentLength = -1;
}

/** What ends an exchange early, on whichever side it waits. */
export interface Cancellable {
  cancel(): void;
  onClientDrain(): void;
  /** Octets of the client's side of a tunnel. */
  tunnel(data: Buffer, from: number, to: number): void;
  tunnelEnd(): void;
}

/**
 * One request and its answer: what the policies see, what the log records, and where it stands. Filled by the server side,
 * carried along by handle.ts.
 */
export class Exchange implements PolicyExchange, ExchangeRecord {
  readonly snapshot: Snapshot;
  readonly downstream: Downstream;
  readonly listener: ListenerRuntime;
  client: ClientView;
  readonly request: GatewayRequest;
  readonly response = new GatewayResponse();
  readonly captures: string[] = [];
  captureNames: readonly string[] = NO_NAMES;
  route: CompiledRoute;
  id = '';
  traceId = '';
  spanId = '';
  parentSpanId = '';
  sampled = false;
  /** Milliseconds of performance.now() at the first octet. */
  readonly startedMs: number;
  readonly startedAt: number;
  durationMs = 0;
  upstreamMs = -1;
  code = '';
  error = '';
  serviceName: string | undefined = undefined;
  targetName = '';
  attempts = 0;
  requestBytes = 0;
  responseBytes = 0;
  /** Largest body that the client may send, in octets; Infinity is no limit. */
  bodyLimit = Number.POSITIVE_INFINITY;
  bodySink: RequestBodySink | undefined = undefined;
  responseTransforms: BodyTransform[] | undefined = undefined;
  /** The attempt at an upstream that is going on. */
  forward: Cancellable | undefined = undefined;
  /** A head was sent: what fails now can only break off. */
  answered = false;
  /** Nothing more happens: the answer is complete, or the client is gone. */
  ended = false;
  #notes: Map<string, unknown> | undefined = undefined;

  constructor(
    snapshot: Snapshot,
    listener: ListenerRuntime,
    downstream: Downstream,
    client: ClientView,
    request: GatewayRequest,
  ) {
    this.snapshot = snapshot;
    this.listener = listener;
    this.downstream = downstream;
    this.client = client;
    this.request = request;
    this.route = snapshot.unrouted;
    this.startedMs = performance.now();
    this.startedAt = Date.now();
  }

  get listenerName(): string {
    return this.listener.name;
  }

  get routeName(): string {
    return this.route.name;
  }

  get notes(): Map<string, unknown> {
    this.#notes ??= new Map();
    return this.#notes;
  }

  note(name: string): unknown {
    return this.#notes?.get(name);
  }

  param(name: string): string | undefined {
    const index = this.captureNames.indexOf(name);
    return index < 0 ? undefined : this.captures[index];
  }

  limitRequestBody(bytes: number): void {
    if (bytes < this.bodyLimit) this.bodyLimit = bytes;
  }

  /** The client takes octets again. */
  onClientDrain(): void {
    this.forward?.onClientDrain();
  }
}

const NO_NAMES: readonly string[] = [];
