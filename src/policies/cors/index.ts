import { AllowedOrigins } from '../../http/allowed-origins.ts';
import type { Fields } from '../../http/fields.ts';
import { type Answer, definePolicy, type Exchange, type PolicyHooks } from '../../policy/contract.ts';
import { preflightMethod } from '../../routing/preflight.ts';
import { type CorsOptions, corsSchema } from './schema.ts';
import { addToVary } from './vary.ts';

/** Note with the request's origin: a later policy may take the field itself from the request. */
const ORIGIN_NOTE = 'cors.origin';

export const corsPolicy = definePolicy({
  name: 'cors',
  // Before authentication: a preflight carries no credentials (Fetch standard, section "CORS protocol and credentials").
  stage: 'admission',
  unique: true,
  schema: corsSchema,
  create: (options) => (options.enabled ? new Cors(options) : new NoCors(options)),
});

class Cors implements PolicyHooks {
  readonly #origins: AllowedOrigins;
  readonly #credentials: boolean;
  readonly #exposed: string;
  readonly #preflight: Answer;
  readonly #privatePreflight: Answer;
  readonly #refusedPreflight: Answer = { status: 204 };

  constructor(options: CorsOptions) {
    this.#origins = new AllowedOrigins(options.origins ?? []);
    this.#credentials = options.credentials;
    this.#exposed = options.exposeHeaders.join(', ');
    const headers = {
      'Access-Control-Allow-Methods': options.methods.join(', '),
      ...(options.headers.length > 0 && { 'Access-Control-Allow-Headers': options.headers.join(', ') }),
      'Access-Control-Max-Age': String(Math.floor(options.maxAge / 1000)),
    };
    this.#preflight = { status: 204, headers };
    this.#privatePreflight = options.privateNetwork
      ? { status: 204, headers: { ...headers, 'Access-Control-Allow-Private-Network': 'true' } }
      : this.#preflight;
  }

  onRequest(exchange: Exchange): Answer | undefined {
    const fields = exchange.request.fields;
    const origin = fields.get('origin');
    if (origin === undefined) return undefined;
    if (isPreflight(exchange)) {
      // A browser takes the absence of the fields for the refusal; there is nothing to say to anybody else.
      if (!this.#origins.has(origin)) return this.#refusedPreflight;
      return fields.get('access-control-request-private-network') === 'true'
        ? this.#privatePreflight
        : this.#preflight;
    }
    if (!this.#origins.any) exchange.notes.set(ORIGIN_NOTE, origin);
    return undefined;
  }

  /** Only here is it decided who may read an answer, whatever the service and the policies behind make of it. */
  onResponse(exchange: Exchange): void {
    const fields = exchange.response.fields;
    if (isOfService(exchange)) removeCorsFields(fields);
    if (this.#origins.any) {
      // The same for every request, with an Origin or without, so that a cache may serve it to all: nothing varies.
      fields.put('access-control-allow-origin', 'Access-Control-Allow-Origin', '*');
    } else {
      // Also where the origin is not allowed or missing: a cache must not serve that answer to an allowed one.
      addToVary(fields, 'Origin');
      const origin = exchange.note(ORIGIN_NOTE) ?? exchange.request.fields.get('origin');
      if (typeof origin !== 'string' || !this.#origins.has(origin)) return;
      fields.put('access-control-allow-origin', 'Access-Control-Allow-Origin', origin);
      if (this.#credentials)
        fields.put('access-control-allow-credentials', 'Access-Control-Allow-Credentials', 'true');
    }
    if (this.#exposed !== '' && !isPreflight(exchange)) {
      fields.put('access-control-expose-headers', 'Access-Control-Expose-Headers', this.#exposed);
    }
  }
}

/** No page of another origin is let in, whatever the service says. A preflight is refused, unless OPTIONS is one of the route's methods. */
class NoCors implements PolicyHooks {
  readonly #refusal: Answer | undefined = undefined;

  constructor({ methods }: CorsOptions) {
    if (methods.includes('OPTIONS')) return;
    const implied = methods.includes('GET') && !methods.includes('HEAD') ? ['HEAD'] : [];
    this.#refusal = {
      status: 405,
      code: 'method_not_allowed',
      detail: 'The method is not allowed here.',
      // RFC 9110 section 15.5.6
      headers: { Allow: [...methods, ...implied].join(', ') },
    };
  }

  onRequest(exchange: Exchange): Answer | undefined {
    return this.#refusal !== undefined && isPreflight(exchange) ? this.#refusal : undefined;
  }

  onResponse(exchange: Exchange): void {
    if (isOfService(exchange)) removeCorsFields(exchange.response.fields);
  }
}

/** Answers of the gateway's own, such as a preflight's or those of a login, say for themselves who may read them. */
function isOfService({ serviceName }: Exchange): boolean {
  return serviceName !== undefined;
}

/** Any other OPTIONS is the upstream's. */
function isPreflight({ request }: Exchange): boolean {
  return preflightMethod(request) !== undefined;
}

/** The answer's fields of the CORS protocol and of Private Network Access. */
const ANSWER_FIELDS = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-allow-private-network',
  'access-control-expose-headers',
  'access-control-max-age',
] as const;

function removeCorsFields(fields: Fields): void {
  const list = fields.list;
  for (let i = 0; i < list.length; i += 3) {
    if (!(list[i] as string).startsWith('access-control-')) continue;
    for (const name of ANSWER_FIELDS) fields.delete(name);
    return;
  }
}
