import type { X509Certificate } from 'node:crypto';
import type { z } from 'zod';
import type { Fields } from '../http/fields.ts';
import type { CidrSet, SortedRanges } from '../lib/address-table.ts';
import type { Load } from '../lib/load-gauge.ts';
import type { Held } from './held.ts';
import type { Principal } from './principal.ts';

/**
 * When a policy's request hook runs. Stages run in this order, whatever the order in the configuration; within a stage the
 * configuration's order holds, global policies first. Admission is first, so that nothing that costs is spent on a request
 * that is refused for its looks; throttling follows it, so that a CORS preflight is answered and counts for nothing, whichever
 * of the two is global; quota follows authorization, because it counts by who is calling.
 */
export const STAGES = [
  'admission',
  'throttling',
  'authentication',
  'authorization',
  'quota',
  'validation',
  'cache',
  'transform',
] as const;

export type Stage = (typeof STAGES)[number];

/** The request as the client sent it, and as policies changed it. What stands here when the last hook is done is sent on. */
export interface RequestView {
  /** As sent: methods are case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Host as sent, in small letters, with its port if it had one. */
  readonly authority: string;
  /** Host without port. */
  readonly host: string;
  /** The path that was matched: dot segments and needless percent-encoding removed; other escapes in capital hex digits. */
  readonly path: string;
  /** The query as sent, with its leading `?`; empty when there is none. */
  readonly search: string;
  /** 10, 11 or 20. */
  readonly version: number;
  /** A policy may put others in their place, which then are the request's from there on. */
  fields: Fields;
  /** Method for the upstream. Neither CONNECT nor, unless the client sent it, HEAD: the client would wait for a body that never comes. */
  upstreamMethod: string;
  /** Path and query for the upstream: after the route's `rewrite`, which comes before any policy. */
  upstreamPath: string;
  upstreamSearch: string;
  /** Host for the upstream; undefined: as the service's `host` says. */
  upstreamHost: string | undefined;
  /** Octets of the body: 0 when there is none, -1 when the length is not known beforehand. */
  readonly bodyLength: number;
}

/** The answer on its way to the client. */
export interface ResponseView {
  status: number;
  readonly fields: Fields;
}

/** A client certificate, whose key the other end of the connection has. */
export interface ClientCertificate {
  readonly leaf: X509Certificate;
  /** An authority of the listener vouches for it; else all that is known is that the client has its key. */
  readonly isVerified: boolean;
}

export interface ClientView {
  /** The client's address: that of the connection, or what a trusted proxy says of it. */
  readonly address: string;
  /** The address that the connection comes from. */
  readonly peerAddress: string;
  /** Certificate of the other end of the connection, where the listener asks for one: behind a proxy, the proxy's. */
  readonly certificate?: ClientCertificate | undefined;
}

/** Knows how a caller of the route can say who they are. */
export interface Challenger {
  /** WWW-Authenticate of a 401 (RFC 9110 section 11.6.1); undefined where there is no scheme to name. */
  challengeOf(exchange: Exchange): string | undefined;
}

/**
 * One request and its answer. The HTTP/1.1 engine fills it; nothing in it depends on the version of HTTP, so that a
 * policy never needs to know it.
 */
export interface Exchange {
  /** Unique; also sent to the upstream and written to the log. */
  readonly id: string;
  readonly client: ClientView;
  /** The other end of the connection is one of the proxies that the listener trusts. */
  readonly isPeerTrusted: boolean;
  readonly request: RequestView;
  /** Empty (status 0) until there is an answer. */
  readonly response: ResponseView;
  /**
   * Fields that the answer gets beside its own, whichever answer it will be. They are added to it before the hooks of the answer, which see
   * and change them as any other; what is put here then comes too late. Made on first use.
   */
  readonly answerFields: Fields;
  /** Name of the route that won. */
  readonly routeName: string;
  /** Name of the service asked, or undefined for an answer made here. */
  readonly serviceName: string | undefined;
  /** A capture of the route's path, still percent-encoded; undefined when the route has none of that name. */
  param(name: string): string | undefined;
  /** Who calls, once an authentication policy has found out; undefined for nobody in particular. */
  principal?: Principal | undefined;
  /**
   * The bearer token by which the caller was found out, verified, also where it is taken off what is sent on; undefined where none was. It is to be
   * exchanged for another (RFC 8693), and never to be logged.
   */
  callerToken?: string | undefined;
  /** Of a route that also lets in whoever says nothing of themselves: who can say how it would be done. */
  challenger?: Challenger | undefined;
  /** What policies tell each other. Made on first use: to read, `note` costs less. */
  readonly notes: Map<string, unknown>;
  /** The note of that name, or undefined; makes no map. */
  note(name: string): unknown;
  /** What policies keep for themselves from one hook to the next: see `hold`. */
  held?: Held | undefined;
  /**
   * Lets the client send at most so many octets of body, as they come in, before any transform. One more ends the request
   * with 413 `body_too_large`. The lowest limit asked for holds, the listener's included. Call it in `onRequest`.
   */
  limitRequestBody(bytes: number): void;
  /**
   * The upstream gets these octets as the body, with a Content-Length, instead of what the client sent. False when there is no memory for them
   * now: then they are not sent. To be called in `onRequestBody`, or in `onRequest` for a request without a body; what the fields say of the
   * body is the caller's to change. The request asks for no upgrade any more.
   */
  replaceRequestBody(octets: Buffer): boolean;
  /** Query parameters in which a policy of the configuration takes credentials, in small letters; undefined where there are none. */
  readonly secretParameters?: ReadonlySet<string> | undefined;
}

/**
 * An answer made here instead of by the upstream. Content-Length is added where the status allows one, Date too; the body is
 * left out for HEAD. One object may answer many requests: nobody changes it.
 */
export interface Answer {
  /** 200 to 599. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as UTF-8. None, with a `code`: problem details (RFC 9457) of this status and code. */
  readonly body?: string | Uint8Array;
  /** Stable code for log, metrics and problem details, such as `rate_limited`. */
  readonly code?: string;
  /** What the client may read beside the code, in the problem details. */
  readonly detail?: string;
  /** Further members of the problem details (RFC 9457 section 3.2), such as what exactly is wrong. Those of the gateway's own stay. */
  readonly problem?: Readonly<Record<string, unknown>>;
  /** Nothing is sent: the connection is reset, or over TLS closed without a word. Log and metrics have `status` and `code`. */
  readonly disconnect?: boolean;
}

/**
 * A body on its way, piece by piece. Return what goes on in the piece's place; an empty piece sends nothing. What was returned is not to be
 * changed afterwards: it may still be waiting to be sent.
 */
export interface BodyTransform {
  chunk(data: Buffer): Buffer;
  /** What is sent after the last piece. */
  end?(): Buffer;
}

/** Up to where bodies are collected for `onRequestBody` or `onResponseBody`. Of several policies of a route the strictest value holds. */
export interface BodyBounds {
  /** Largest body in octets, as it comes and once more after decompression; default 1 MiB. */
  readonly maxBytes?: number;
  /** Largest ratio of the decompressed size to the compressed one, once 64 KiB came out; default 100. */
  readonly maxRatio?: number;
  /**
   * What becomes of an answer that is larger than that or cannot be decompressed: refused with 502 `upstream_invalid` (the default), or
   * passed on as it is. A request is always refused, with 413 `body_too_large`, 415 `unsupported_media_type` or 400 `bad_request`.
   */
  readonly unchecked?: 'refuse' | 'pass';
}

/**
 * The hooks of one configured policy. Each is optional and costs nothing when absent. A hook that returns a promise is
 * waited for; any other return continues at once. A hook that throws ends the request with 500 `policy_failed`.
 *
 * Hooks of the request run in the order of the policies, hooks of the answer in the reverse order, so that the first policy
 * sees the request as the client sent it and the answer as the client gets it. The hooks of the answer run for every policy of
 * the route, also for one whose `onRequest` did not run because an earlier policy answered.
 */
export interface PolicyHooks {
  /** Before the request is sent on. An answer ends it here: later policies and the upstream do not see it. */
  onRequest?(exchange: Exchange): Answer | undefined | void | Promise<Answer | undefined | void>;
  /**
   * While the body of a request is collected for `onRequestBody` and more of it is to come: on what there is of it until now, from its beginning,
   * with Content-Encoding taken off. Called for each piece as it comes, so it is to look at what is new alone; not for a body that comes in one. It
   * lasts for the call only. Synchronous. An answer ends the request here, without the rest of the body.
   */
  onRequestBodyPart?(exchange: Exchange, body: Buffer): Answer | undefined | void;
  /**
   * On the whole body of a request that has one, before it is sent on: after the `onRequest` of every policy up to the last that has this hook,
   * before those of the policies behind. `body` has Content-Encoding taken off; `octets` are those that came, which the upstream gets with a
   * Content-Length. Both last for the call only. Synchronous. An answer ends the request here.
   */
  onRequestBody?(exchange: Exchange, body: Buffer, octets: Buffer): Answer | undefined | void;
  /** Before each attempt at an upstream, retries included, with the fields as they will be sent. Synchronous. */
  onAttempt?(exchange: Exchange, fields: Fields): void;
  /**
   * On the head of an upstream's answer, before anything else is done with it: whether the request is sent again, once, with `onAttempt` run
   * anew, as with a token in place of one that was refused. Asked only while that is possible: until a request was sent again so, not for one
   * that asks for an upgrade, and as long as its body, if any, is kept: up to the service's `retry.bodyLimit`, 64 KiB without one, or as far as
   * it was collected. The answer that is not used is charged to nobody. When no target can be asked, the answer at hand goes on after all.
   * An answer is sent in place of the upstream's, as by `onUpstreamResponse`.
   */
  retryWith?(exchange: Exchange, status: number): boolean | Answer | Promise<boolean | Answer>;
  /** On the head of an upstream's answer, before it is cached. An answer replaces it, and is cached instead. */
  onUpstreamResponse?(exchange: Exchange): Answer | undefined | void | Promise<Answer | undefined | void>;
  /**
   * On the whole body of an upstream's answer, unless the answer can have none; the client gets nothing of it before. `body` as in
   * `onRequestBody`. Synchronous. An answer is sent instead.
   */
  onResponseBody?(exchange: Exchange, body: Buffer): Answer | undefined | void;
  /** On every answer sent to the client: the upstream's, a cache hit, one made here, an error. Synchronous. */
  onResponse?(exchange: Exchange): void;
  /**
   * Asked once per request that has a body; what it returns sees the body piece by piece. Where the body goes to a fallback after all, it is
   * asked once more.
   */
  transformRequestBody?(exchange: Exchange): BodyTransform | undefined;
  /** Asked once per answer that has a body. */
  transformResponseBody?(exchange: Exchange): BodyTransform | undefined;
  /** After the last octet, also of a request that failed. Synchronous. */
  onEnd?(exchange: Exchange): void;
  /**
   * When no configuration has this use any more and the last request that began with it has ended; a reload that leaves the policies of a
   * route as they are keeps them. Also when the configuration was refused after all.
   */
  close?(): void;
  readonly requestBodyBounds?: BodyBounds;
  readonly responseBodyBounds?: BodyBounds;
}

/** A list of `lists`. It is asked for once and kept: a reload that changes the list changes what is found in it. */
export interface AddressList {
  /** What it was made of: addresses, or the countries of a database. */
  readonly kind: 'addresses' | 'countries';
  /** Those of now: ask for them with each request. */
  readonly addresses: CidrSet;
}

/** A list of `lists` that holds texts: as an `AddressList`, it is asked for once and kept. */
export interface TextList {
  /** Whether a text is found by all that it is, or by what it begins with. */
  readonly kind: 'texts' | 'prefixes';
  /** Whether the text is found in what the list holds now. */
  has(text: string): boolean;
}

/** What a policy may know of its place when it is made. */
export interface PolicyContext {
  /** Name of the route. A global policy is made once per route. */
  readonly route: string;
  /** Writes a line to the gateway's log. */
  warn(message: string, cause?: unknown): void;
  /** Counts something in `portcullis_policy_events_total`, under one of the policy's own few words. */
  count(event: string): void;
  /** How hard pressed this worker is: one object, measured anew at most four times a second. It is measured from the first call on. */
  load(): Load;
  /** The list of addresses of that name; throws an Error when there is none. */
  addressList(name: string): AddressList;
  /** The list of texts of that name; throws an Error when there is none. */
  textList(name: string): TextList;
}

/** What `check` may look at beside the options. */
export interface CheckContext {
  /** The lists of the configuration, with their ranges as they are written. */
  readonly lists: ReadonlyMap<
    string,
    { readonly kind: AddressList['kind'] | TextList['kind']; readonly ranges: SortedRanges }
  >;
  /** Names of the configuration's identity providers. */
  readonly providers: ReadonlySet<string>;
  /** Names of its kinds of sessions. */
  readonly sessions: ReadonlySet<string>;
}

/** Something wrong with options, which makes the configuration one that is refused. */
export interface OptionProblem {
  /** Within the options. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion?: string | undefined;
}

/** A policy: what it is called, when it runs, what its options are, and how its hooks are made from them. */
export interface Policy<Options = unknown> {
  readonly name: string;
  readonly stage: Stage;
  /** Where that follows from the options: the stage of this use, instead of `stage`. */
  stageOf?(options: Options): Stage;
  /** Parses the options as they are written in the configuration; no options at all are parsed as `{}`. */
  readonly schema: z.ZodType<Options>;
  /** At most one use per route: a later one replaces an earlier one, so a route's own replaces the global one. */
  readonly unique?: boolean;
  /** A route that has policies of a family of its own has none of the global ones of that family. */
  readonly family?: string;
  /** Of a built-in policy: it counts the requests that pass against limits. What they took is given back when a later use of the route refuses. */
  readonly counts?: boolean;
  /** What of the configuration a built-in policy is made of beside its options. */
  readonly needs?: readonly ('plans' | 'identity')[];
  /**
   * Of a built-in policy: names of request fields by which it tells services who calls; one that ends in `*` is every name that begins so. No
   * client may send them, on any route of the configuration.
   */
  identityFields?(options: Options): readonly string[];
  /** Of a built-in policy: request fields in which clients send it credentials: they stay, though `identityFields` of another name them. */
  credentialFields?(options: Options): readonly string[];
  /** Of a built-in policy: query parameters in which it takes credentials. No log shows their values, whatever the route. */
  secretParameters?(options: Options): readonly string[];
  /** What is wrong with options that the schema takes. Asked by the main thread alone, when a configuration is loaded. */
  check?(options: Options, context: CheckContext): readonly OptionProblem[];
  /**
   * Called once per use in a route, when a configuration is compiled whose policies there are not those of the one before. May throw an
   * Error whose message helps: the configuration is then refused.
   */
  create(options: Options, context: PolicyContext): PolicyHooks | Promise<PolicyHooks>;
}

/** Gives a policy its type; use it as `export const policy = definePolicy({ ... })`. */
export function definePolicy<Options>(policy: Policy<Options>): Policy<Options> {
  return policy;
}
