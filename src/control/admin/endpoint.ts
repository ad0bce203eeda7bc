import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { AcmeStatus } from '../acme/keeper.ts';
import type { ConfigurationManager } from '../manager/manager.ts';
import type { RightsStore } from '../rights/store/rights-store.ts';
import type { Collection } from '../store/entity.ts';
import type { Access, AdminCaller } from './access.ts';
import { type AdminAnswer, problem } from './answer.ts';
import type { AdminAuthentication } from './authentication/authentication.ts';
import type { ExternalLogin } from './authentication/external-login.ts';

/** A request to an endpoint, read whole. */
export interface AdminRequest {
  /** What stands for the `{name}` of the endpoint's path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly contentType: string | undefined;
  readonly body: string;
  readonly caller: AdminCaller;
  readonly place: RequestPlace;
}

/** Where a request came from, and where to. */
export interface RequestPlace {
  /** Of the client. */
  readonly address: string;
  readonly scheme: 'http' | 'https';
  /** Host with its port, as the client wrote it. */
  readonly authority: string;
}

/** A request that is to be explained. */
export interface QuestionedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export type ReloadAnswer =
  | { readonly kind: 'applied'; readonly changes: unknown; readonly warnings: readonly unknown[] }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly errors: readonly unknown[]; readonly reasons: readonly string[] };

/** What the admin server asks of the running gateway. */
export interface GatewayControl {
  readonly version: string;
  /** False before the first configuration is in force and while draining. */
  ready(): boolean;
  /** Writes to the gateway's own log. */
  warn(message: string): void;
  /** Text of the Prometheus exposition format. */
  metrics(): string | Promise<string>;
  reload(): Promise<ReloadAnswer>;
  /** The configuration in force, defaults filled in, without secrets. */
  config(): unknown;
  /** Services in force, their targets and how these are, by name. */
  services(): Readonly<Record<string, unknown>>;
  /** Certificates by ACME. */
  acme(): readonly AcmeStatus[];
  /** Targets that registered themselves. */
  readonly registry: RegistryCalls;
  readonly quotas: QuotaCalls;
  /** Users, their roles and tokens, and the audit log; undefined where there is no store. */
  readonly rights: RightsControl | undefined;
  /** Entities of the file and the store; undefined before the first configuration is in force. */
  configuration(): ConfigurationManager | undefined;
  /** Returns the explanation as data, or a sentence that says what is wrong with the question. */
  explain(
    request: QuestionedRequest,
  ): Promise<
    { readonly ok: true; readonly explanation: unknown } | { readonly ok: false; readonly message: string }
  >;
}

export interface RightsControl {
  readonly store: RightsStore;
  /** Undefined where nothing is asked of callers. */
  readonly authentication: AdminAuthentication | undefined;
  /** Undefined where nobody logs in with an identity provider. */
  readonly external: (() => Promise<ExternalLogin>) | undefined;
}

/** The registry of targets; what is given to it is not checked before. */
export interface RegistryCalls {
  list(service?: string): readonly unknown[];
  register(input: unknown): Promise<RegistryAnswer>;
  heartbeat(input: unknown): RegistryAnswer;
  deregister(input: unknown): Promise<RegistryAnswer>;
  setState(input: unknown): Promise<RegistryAnswer>;
}

/** Quotas of consumers; what is given to `reset` is not checked before. */
export interface QuotaCalls {
  list(consumer?: string): Promise<QuotaAnswer>;
  reset(input: unknown): Promise<QuotaAnswer>;
}

export type QuotaAnswer =
  | { readonly ok: true; readonly quotas: readonly unknown[] }
  | { readonly ok: false; readonly code: string; readonly message: string };

export type RegistryAnswer =
  | { readonly ok: true; readonly target: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

export type EndpointMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One operation of the admin port. What it takes and answers is described by the schemas that its code reads with. */
export interface Endpoint {
  readonly method: EndpointMethod;
  /** `{name}` stands for one segment. */
  readonly path: string;
  readonly summary: string;
  /** What callers need: of something in `collection`, where the endpoint asks for each entity besides; else of the gateway. */
  readonly access: Access;
  readonly collection?: Collection | 'all';
  /** What of the gateway it is about; default: the gateway as a whole. */
  readonly of?: 'registry' | 'quotas';
  /** Describes the segments in braces, as a map. */
  readonly parameters?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Fields of the request that it looks at, in small letters, and what for. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: EndpointBody;
  /** By status, but for those that say no: problem details. */
  readonly answers: Readonly<Record<number, EndpointAnswer>>;
  answer(gateway: GatewayControl, request: AdminRequest): AdminAnswer | Promise<AdminAnswer>;
}

/** A schema, or the name of one among the components of the OpenAPI document. */
export type DescribedShape = z.ZodType | { readonly component: string };

export interface EndpointBody {
  readonly types: readonly string[];
  readonly shape: DescribedShape;
  /** Default: 64 KiB. */
  readonly maxBytes?: number;
  readonly example?: unknown;
}

export interface EndpointAnswer {
  readonly description: string;
  /** Default: application/json. */
  readonly types?: readonly string[];
  /** None: the answer has no body, or one of any shape where `types` says so. */
  readonly shape?: DescribedShape;
  readonly fields?: readonly AnswerField[];
}

/** Fields of answers that clients look at, beside those of the body. */
export type AnswerField = 'ETag' | 'Last-Modified' | 'Location' | 'Vary' | 'Set-Cookie';

/** 200 with JSON that is described among the components. */
export function answered(description: string, component: string): Readonly<Record<number, EndpointAnswer>> {
  return { 200: { description, shape: { component } } };
}

/** The body as JSON, or what is answered when it is none. */
export function readJson({
  body,
  contentType,
}: AdminRequest):
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly answer: AdminAnswer } {
  if (contentType?.split(';', 1)[0]?.trim() !== 'application/json')
    return { ok: false, answer: problem(415, 'json_expected', 'Send application/json') };
  try {
    return { ok: true, value: JSON.parse(body) };
  } catch {
    return { ok: false, answer: problem(400, 'json_malformed', 'The body is not JSON') };
  }
}
