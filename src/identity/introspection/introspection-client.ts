import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  type IntrospectionResponse,
  tokenIntrospection,
} from 'openid-client';
import type { Lease } from '../../lib/shared-pool.ts';
import type { Unavailable } from '../authenticator.ts';
import type { Discovery } from '../discovery/discovery.ts';
import { Outage } from '../discovery/outage.ts';
import { isUnavailable, PROVIDER_AWAY, type RemotePlace } from '../discovery/remote-document.ts';
import { Outgoing, OutgoingError } from '../outgoing.ts';

export interface IntrospectionClientOptions {
  /** For the log. */
  readonly name: string;
  /** Where tokens are asked about, or what finds that; a lease is closed with the client. */
  readonly endpoint: string | Lease<Discovery>;
  readonly clientId: string;
  readonly clientSecret: string;
  /** client_secret_basic or client_secret_post (RFC 6749 section 2.3.1). */
  readonly authentication: 'basic' | 'post';
  readonly ca?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
}

const MAX_BYTES = 64 * 1024;
/** RFC 7662 section 2.1. */
const HINT = { token_type_hint: 'access_token' };
/** Statuses that speak of the endpoint, not of the token that it was asked about: then others need not ask. */
const AWAY_STATUSES = new Set([401, 403, 429, 502, 503, 504]);

/** Asks an authorization server about tokens (RFC 7662). */
export class IntrospectionClient {
  readonly #options: IntrospectionClientOptions;
  readonly #outgoing: Outgoing;
  readonly #outage: Outage;
  /** Of the address that was asked last. */
  #configuration: { readonly address: string; readonly value: Configuration } | undefined;

  constructor(options: IntrospectionClientOptions, place: RemotePlace) {
    this.#options = options;
    // Asking about a token changes nothing: it may be repeated.
    this.#outgoing = new Outgoing({ ...options, maxBytes: MAX_BYTES, reuse: true }, place.timers);
    this.#outage = new Outage(`introspection of provider ${options.name}`, place);
  }

  /** What the server says of the token, as it says it. Never rejects. */
  async ask(token: string): Promise<IntrospectionResponse | Unavailable> {
    const waitMs = this.#outage.waitMs();
    if (waitMs > 0) return { kind: 'unavailable', detail: PROVIDER_AWAY, retryAfterMs: waitMs };
    try {
      const address = await this.#address();
      if (typeof address !== 'string') return address;
      const answer = await tokenIntrospection(this.#configurationFor(address), token, HINT);
      this.#outage.succeeded();
      return answer;
    } catch (error) {
      return this.#failed(error);
    }
  }

  close(): void {
    this.#outgoing.close();
    if (typeof this.#options.endpoint !== 'string') this.#options.endpoint.close();
  }

  async #address(): Promise<string | Unavailable> {
    const { endpoint, name } = this.#options;
    if (typeof endpoint === 'string') return endpoint;
    const metadata = await endpoint.value.get();
    if (isUnavailable(metadata)) return metadata;
    const address = metadata.document.introspection_endpoint;
    if (address === undefined)
      throw new OutgoingError(`provider ${name} does not say where tokens are asked about`);
    return address;
  }

  #configurationFor(address: string): Configuration {
    if (this.#configuration?.address === address) return this.#configuration.value;
    const { clientId, clientSecret, authentication } = this.#options;
    const method = authentication === 'basic' ? ClientSecretBasic : ClientSecretPost;
    // Nothing but the endpoint is used of the server; which addresses are good is the business of `Outgoing`.
    const value = new Configuration(
      { issuer: new URL(address).origin, introspection_endpoint: address },
      clientId,
      undefined,
      method(clientSecret),
    );
    allowInsecureRequests(value);
    value[customFetch] = (url, request) => this.#outgoing.fetch(url, request);
    this.#configuration = { address, value };
    return value;
  }

  #failed(error: unknown): Unavailable {
    const status = statusOf(error);
    const cause = status === undefined ? messageOf(error) : `answered ${status}`;
    if (status === undefined ? isOutgoing(error) : AWAY_STATUSES.has(status)) this.#outage.failed(cause);
    return { kind: 'unavailable', detail: PROVIDER_AWAY };
  }
}

/** openid-client wraps what went wrong. */
function isOutgoing(error: unknown): error is Error {
  return error instanceof Error && (error instanceof OutgoingError || isOutgoing(error.cause));
}

function messageOf(error: unknown): string {
  if (error instanceof OutgoingError) return error.message;
  if (error instanceof Error && isOutgoing(error.cause)) return messageOf(error.cause);
  // What it says of an answer may quote it.
  return 'gave an answer that is none to a question about a token';
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { status, cause } = error as { readonly status?: unknown; readonly cause?: unknown };
  if (typeof status === 'number') return status;
  return cause instanceof Response ? cause.status : statusOf(cause);
}
