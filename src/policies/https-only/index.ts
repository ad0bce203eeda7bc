import { type Answer, definePolicy, type Exchange, type PolicyHooks } from '../../policy/contract.ts';
import { compileRedirect, type Redirect } from '../../routing/redirect.ts';
import { type Header, hstsHeader } from '../security-headers/header-values.ts';
import { hstsSchema } from '../security-headers/schema.ts';
import { type HttpsOnlyOptions, httpsOnlySchema, redirectSchema } from './schema.ts';

export const httpsOnlyPolicy = definePolicy({
  name: 'https-only',
  // First of all: nothing is spent on a request that everybody on the way could read.
  stage: 'admission',
  unique: true,
  schema: httpsOnlySchema,
  create: (options) => new HttpsOnly(options),
});

/** RFC 9110 section 15.5.22: Upgrade names what is needed. */
const UPGRADE_REQUIRED: Answer = {
  status: 426,
  code: 'https_required',
  detail: 'This is served over https alone.',
  headers: { Upgrade: 'TLS/1.2, HTTP/1.1' },
};
const NO_CAPTURES: readonly string[] = [];

class HttpsOnly implements PolicyHooks {
  readonly #status: number;
  readonly #location: Redirect | undefined;
  /** Undefined: any. */
  readonly #methods: ReadonlySet<string> | undefined;
  readonly onResponse?: (exchange: Exchange) => void;

  constructor({ redirect, hsts }: HttpsOnlyOptions) {
    const { status, port, methods } = typeof redirect === 'boolean' ? redirectSchema.parse({}) : redirect;
    this.#status = status;
    this.#location =
      redirect === false ? undefined : compileRedirect({ status, scheme: 'https', port }, NO_CAPTURES);
    this.#methods = methods.includes('*') ? undefined : new Set(methods);
    const header =
      hsts === false ? undefined : hstsHeader({ hsts: hsts === true ? hstsSchema.parse({}) : hsts });
    if (header !== undefined) this.onResponse = (exchange) => addHsts(exchange, header);
  }

  /** Where a trusted proxy says how the client came, its word counts. */
  onRequest({ request }: Exchange): Answer | undefined {
    if (request.scheme === 'https') return undefined;
    if (this.#methods?.has(request.method) === false) return UPGRADE_REQUIRED;
    // Without a host there is nowhere to send it.
    const location = this.#location?.(request, NO_CAPTURES);
    if (location === undefined) return UPGRADE_REQUIRED;
    return { status: this.#status, headers: { Location: location } };
  }
}

/** RFC 6797 section 7.2: over https alone, whoever put it there. */
function addHsts({ request, response: { fields } }: Exchange, { lower, name, value }: Header): void {
  if (request.scheme === 'https') fields.put(lower, name, value);
  else fields.delete(lower);
}
