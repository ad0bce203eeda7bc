import { Fields } from '../http/fields.ts';
import type { ExchangeRecord } from '../observability/record.ts';
import type { RouteNotes } from '../observability/route-notes.ts';
import type {
  BodyTransform,
  Challenger,
  ClientView,
  Exchange as PolicyExchange,
  RequestView,
  ResponseView,
} from '../policy/contract.ts';
import type { Held } from '../policy/held.ts';
import type { Principal } from '../policy/principal.ts';
import type { Service } from '../upstream/service.ts';
import type { MemoryUser } from './body-memory.ts';
import type { CompiledRoute } from './compiled-route.ts';
import type { Downstream, RequestBodySink, RequestBodySource } from './downstream.ts';
import { HeldBody } from './held-body.ts';
import type { ListenerRuntime, Snapshot } from './snapshot.ts';

/** What any version of HTTP tells of a request; RequestHead has this shape. */
export interface RequestParts {
  readonly method: string;
  readonly authority: string;
  readonly host: string;
  readonly path: string;
  readonly search: string;
  readonly version: number;
  readonly fields: Fields;
  readonly bodyLength: number;
  readonly upgrade: string;
  readonly expectContinue: boolean;
  readonly trailers: boolean;
}

export class GatewayRequest implements RequestView {
  method: string;
  scheme: 'http' | 'https';
  authority: string;
  host: string;
  readonly path: string;
  readonly search: string;
  readonly version: number;
  fields: Fields;
  upstreamMethod: string;
  upstreamPath: string;
  upstreamSearch: string;
  upstreamHost: string | undefined = undefined;
  /** Of a body that was collected it becomes known. */
  bodyLength: number;
  /** Hop-by-hop wishes of the client that the upstream is told anew: the protocol to switch to, or empty; ... */
  upgrade: string;
  /** ... whether it waits to be asked for the body; ... */
  expectContinue: boolean;
  /** ... whether it takes trailer fields. */
  readonly trailers: boolean;

  constructor(parts: RequestParts, scheme: 'http' | 'https') {
    this.method = parts.method;
    this.scheme = scheme;
    this.authority = parts.authority;
    this.host = parts.host;
    this.path = parts.path;
    this.search = parts.search;
    this.version = parts.version;
    this.fields = parts.fields;
    this.upstreamMethod = parts.method;
    this.upstreamPath = parts.path;
    this.upstreamSearch = parts.search;
    this.bodyLength = parts.bodyLength;
    this.upgrade = parts.upgrade;
    this.expectContinue = parts.expectContinue && parts.bodyLength !== 0;
    this.trailers = parts.trailers;
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
  /** As `cancel`, because it took longer than it may. */
  expire(): void;
  onClientDrain(): void;
  /** Octets of the client's side of a tunnel. */
  tunnel(data: Buffer, from: number, to: number): void;
  tunnelEnd(): void;
  /** Nobody is at the client's end of the tunnel any more. */
  leaveTunnel(): void;
  /** What was handed over of the request is sent on. */
  flush(): void;
}

/** Takes what is sent of a request beside the service that answers it: a mirror. */
export interface RequestCopy extends RequestBodySink {
  /** The exchange is over; a body that is not complete never will be. */
  originalEnded(): void;
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
  /** Port that the client used, as far as trusted proxies tell, else the listener's. */
  port: number;
  route: CompiledRoute;
  id = '';
  traceId = '';
  spanId = '';
  parentSpanId = '';
  sampled = false;
  /** Flags of the traceparent that is sent on. */
  traceFlags = 0;
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
  /** The client, or the memory that its body was collected in. */
  bodySource: RequestBodySource;
  bodySink: RequestBodySink | undefined = undefined;
  /** A copy that is to have the body too. */
  copy: RequestCopy | undefined = undefined;
  /** What bodies of it take of the worker's memory for them. */
  heldBytes = 0;
  responseTransforms: BodyTransform[] | undefined = undefined;
  /** `answerFields`, once there are any. */
  addedFields: Fields | undefined = undefined;
  principal: Principal | undefined = undefined;
  callerToken: string | undefined = undefined;
  challenger: Challenger | undefined = undefined;
  /** What policies keep for it. */
  held: Held | undefined = undefined;
  /** The service that has admitted it, and is told when it is over. */
  service: Service | undefined = undefined;
  /** The service that it was for did not take it. */
  fellBack = false;
  /** The request's fields tell the upstream of the client. */
  introduced = false;
  /** The attempt at an upstream that is going on. */
  forward: Cancellable | undefined = undefined;
  /** A head was sent: what fails now can only break off. */
  answered = false;
  /** Nothing more happens: the answer is complete, or the client is gone. */
  ended = false;
  #notes: Map<string, unknown> | undefined = undefined;
  #user: MemoryUser | undefined = undefined;

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
    this.bodySource = downstream;
    this.client = client;
    this.port = listener.port;
    this.request = request;
    this.route = snapshot.unrouted;
    this.startedMs = performance.now();
    this.startedAt = Date.now();
  }

  get listenerName(): string {
    return this.listener.name;
  }

  get isPeerTrusted(): boolean {
    return this.listener.forwarding.trusts(this.client.peerAddress);
  }

  get routeName(): string {
    return this.route.name;
  }

  get routeNotes(): RouteNotes {
    return this.route.notes;
  }

  get secretParameters(): ReadonlySet<string> | undefined {
    return this.snapshot.secretParameters;
  }

  get answerFields(): Fields {
    this.addedFields ??= new Fields();
    return this.addedFields;
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

  replaceRequestBody(octets: Buffer): boolean {
    if (!this.hold(octets.length)) return false;
    const { request } = this;
    request.bodyLength = octets.length;
    request.expectContinue = false;
    request.upgrade = '';
    // It is about what the client sends, and that has come.
    this.bodyLimit = Number.POSITIVE_INFINITY;
    this.bodySource = new HeldBody(this, octets);
    return true;
  }

  /** Takes memory for a body, until the exchange ends; false when there is none left. */
  hold(bytes: number): boolean {
    if (this.ended || !this.snapshot.bodyMemory.take(bytes, this.#memoryUser)) return false;
    this.heldBytes += bytes;
    return true;
  }

  /** Gives some of it back. */
  release(bytes: number): void {
    // At its end it gave back all of it.
    if (this.ended) return;
    this.heldBytes -= bytes;
    this.snapshot.bodyMemory.give(bytes, this.#memoryUser);
  }

  /** Gives back what it has left, as it has ended. */
  releaseAll(): void {
    if (this.heldBytes === 0) return;
    this.snapshot.bodyMemory.give(this.heldBytes, this.#memoryUser);
    this.heldBytes = 0;
  }

  get #memoryUser(): MemoryUser {
    return (this.#user ??= this.snapshot.bodyMemory.userOf(this.client.address, this.route.name));
  }

  /** The client takes octets again. */
  onClientDrain(): void {
    this.forward?.onClientDrain();
  }
}

const NO_NAMES: readonly string[] = [];
