import type { ConfigurationManager } from '../manager/manager.ts';
import { type AdminAnswer, problem } from './answer.ts';

/** A request to an endpoint, read whole. */
export interface AdminRequest {
  readonly query: URLSearchParams;
  readonly contentType: string | undefined;
  readonly body: string;
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
  /** Text of the Prometheus exposition format. */
  metrics(): string | Promise<string>;
  reload(): Promise<ReloadAnswer>;
  /** The configuration in force, defaults filled in, without secrets. */
  config(): unknown;
  /** Services in force, their targets and how these are, by name. */
  services(): Readonly<Record<string, unknown>>;
  /** Targets that registered themselves. */
  readonly registry: RegistryCalls;
  readonly quotas: QuotaCalls;
  /** Entities of the file and the store; undefined before the first configuration is in force. */
  configuration(): ConfigurationManager | undefined;
  /** Returns the explanation as data, or a sentence that says what is wrong with the question. */
  explain(
    request: QuestionedRequest,
  ): Promise<
    { readonly ok: true; readonly explanation: unknown } | { readonly ok: false; readonly message: string }
  >;
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

export interface Endpoint {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly summary: string;
  answer(gateway: GatewayControl, request: AdminRequest): AdminAnswer | Promise<AdminAnswer>;
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
