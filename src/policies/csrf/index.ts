import { AllowedOrigins } from '../../http/allowed-origins.ts';
import { isHarmless, isSentByAllowedPage } from '../../http/sending-page.ts';
import { type Answer, definePolicy, type Exchange, type PolicyHooks } from '../../policy/contract.ts';
import { type CsrfOptions, csrfSchema } from './schema.ts';

export const csrfPolicy = definePolicy({
  name: 'csrf',
  stage: 'validation',
  unique: true,
  schema: csrfSchema,
  create: (options) => new Csrf(options),
});

const CODE = 'csrf_rejected';
const OTHER_SITE: Answer = {
  status: 403,
  code: CODE,
  detail: 'The request was sent by a page that may not send it.',
};
const UNKNOWN_SITE: Answer = {
  status: 403,
  code: CODE,
  detail: 'The request has cookies and tells by no field, such as Origin, which page sent it.',
};

/** Methods whose credentials a browser does not add on its own; their policies may have taken them off by now. */
const NOT_AMBIENT: ReadonlySet<string> = new Set(['jwt', 'introspection', 'signature']);

class Csrf implements PolicyHooks {
  readonly #origins: AllowedOrigins;
  readonly #sameSite: boolean;
  readonly #missing: Answer | undefined;

  constructor({ origins, sameSite, missing }: CsrfOptions) {
    this.#origins = new AllowedOrigins(origins);
    this.#sameSite = sameSite;
    this.#missing = missing === 'allow' ? undefined : UNKNOWN_SITE;
  }

  onRequest({ request, principal }: Exchange): Answer | undefined {
    const { fields } = request;
    if (!fields.has('cookie') || isHarmless(request)) return undefined;
    if (principal !== undefined && NOT_AMBIENT.has(principal.method)) return undefined;
    if (hasBearerToken(fields.get('authorization'))) return undefined;
    switch (isSentByAllowedPage(request, this.#origins, this.#sameSite)) {
      case true:
        return undefined;
      case false:
        return OTHER_SITE;
      case undefined:
        return this.#missing;
    }
  }
}

/** A browser adds no such token on its own, as it does a cookie; a page of another origin would first have to ask (CORS). */
function hasBearerToken(authorization: string | undefined): boolean {
  return authorization !== undefined && authorization.slice(0, 7).toLowerCase() === 'bearer ';
}
