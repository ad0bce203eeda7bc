import { causeOf } from '../../lib/cause.ts';
import { isRecord } from '../../lib/is-record.ts';
import type { Lease } from '../../lib/shared-pool.ts';
import type { Unavailable } from '../authenticator.ts';
import { ClientAuthentication } from '../client/client-authentication.ts';
import type { ClientConfig } from '../client/schema.ts';
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
  /** How the gateway proves who it is. */
  readonly client: ClientConfig;
  /** Whom assertions are for; undefined: the endpoint. */
  readonly issuer: string | undefined;
  readonly ca?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** RFC 7662 section 2.2, members as they came. */
export interface IntrospectionAnswer {
  readonly active: boolean;
  readonly [member: string]: unknown;
}

/** The endpoint is there, and asked too often: it says for how long it wants to be left alone. */
export interface Busy {
  readonly kind: 'busy';
  readonly retryAfterMs: number;
}

const MAX_BYTES = 64 * 1024;
/** Statuses that may be of the token that was asked about; any other speaks of the endpoint, or of the gateway: then others need not ask. */
const OF_THE_TOKEN = new Set([200, 400, 429, 500]);
const AWAY: Unavailable = { kind: 'unavailable', detail: PROVIDER_AWAY };
/** Where it does not say. */
const USUAL_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;

/** Asks an authorization server about tokens (RFC 7662). */
export class IntrospectionClient {
  readonly #options: IntrospectionClientOptions;
  readonly #outgoing: Outgoing;
  readonly #outage: Outage;
  readonly #authentication: ClientAuthentication;
  #answers = 0;

  /** Throws an Error when the client's key is none. */
  constructor(options: IntrospectionClientOptions, place: RemotePlace) {
    const { clientId, client, ca, insecure, timeoutMs, nowMs, name } = options;
    this.#options = options;
    this.#authentication = new ClientAuthentication(clientId, client, nowMs);
    const { clientCertificate } = client;
    // Asking about a token changes nothing: it may be repeated.
    this.#outgoing = new Outgoing(
      { ca, insecure, timeoutMs, clientCertificate, maxBytes: MAX_BYTES, reuse: true },
      place.timers,
    );
    this.#outage = new Outage(`introspection of provider ${name}`, place);
  }

  /** What the server says of the token, as it says it. Never rejects. */
  async ask(token: string, signal: AbortSignal): Promise<IntrospectionAnswer | Busy | Unavailable> {
    const waitMs = this.#outage.waitMs();
    if (waitMs > 0) return { ...AWAY, retryAfterMs: waitMs };
    const before = this.#answers;
    try {
      const address = await this.#address();
      if (typeof address !== 'string') return address;
      const answer = await this.#send(address, token, signal);
      const { status, headers } = answer;
      if (!OF_THE_TOKEN.has(status)) return this.#failed(`answered ${status}`);
      if (status === 200 && !/\bjson\b/i.test(headers.get('content-type') ?? ''))
        return this.#failed('answered with something that is not JSON');
      this.#answers++;
      this.#outage.succeeded();
      if (status === 429) return { kind: 'busy', retryAfterMs: pauseOf(headers) };
      return status === 200 ? (answerOf(await answer.text()) ?? AWAY) : AWAY;
    } catch (error) {
      // A server that answered others meanwhile is there: what went wrong is of this token.
      if (signal.aborted || this.#answers !== before) return AWAY;
      return this.#failed(causeOf(error));
    }
  }

  close(): void {
    this.#outgoing.close();
    if (typeof this.#options.endpoint !== 'string') this.#options.endpoint.close();
  }

  async #send(address: string, token: string, signal: AbortSignal): Promise<Response> {
    // RFC 7662 section 2.1
    const form = new URLSearchParams({ token_type_hint: 'access_token', token });
    const fields = new Map([
      ['accept', 'application/json'],
      ['content-type', 'application/x-www-form-urlencoded'],
    ]);
    await this.#authentication.prove(fields, form, this.#options.issuer ?? address);
    const headers = Object.fromEntries(fields);
    return this.#outgoing.fetch(address, { method: 'POST', headers, body: form, signal });
  }

  async #address(): Promise<string | Unavailable> {
    const { endpoint, name, client } = this.#options;
    if (typeof endpoint === 'string') return endpoint;
    const metadata = await endpoint.value.get();
    if (isUnavailable(metadata)) return metadata;
    const { introspection_endpoint: plain, mtls_endpoint_aliases: aliases } = metadata.document;
    const address = (client.clientCertificate && aliases?.['introspection_endpoint']) ?? plain;
    if (address === undefined)
      throw new OutgoingError(`provider ${name} does not say where tokens are asked about`);
    return address;
  }

  #failed(cause: string): Unavailable {
    this.#outage.failed(cause);
    return AWAY;
  }
}

/** Undefined for what is no answer to such a question; it is not quoted. */
function answerOf(text: string): IntrospectionAnswer | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isRecord(found) && typeof found['active'] === 'boolean' ? (found as IntrospectionAnswer) : undefined;
}

/** RFC 9110 section 10.2.3, in seconds; a date is not worth reading for so short a time. */
function pauseOf(headers: Headers): number {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return seconds > 0 ? Math.min(seconds * 1000, LONGEST_PAUSE_MS) : USUAL_PAUSE_MS;
}
