import { AllowedOrigins } from '../../http/allowed-origins.ts';
import type { Fields } from '../../http/fields.ts';
import { isHarmless, isSentByAllowedPage } from '../../http/sending-page.ts';
import { type Answer, definePolicy, type Exchange, type PolicyHooks } from '../../policy/contract.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { type CsrfOptions, csrfSchema } from './schema.ts';

export const csrfPolicy = definePolicy({
  name: 'csrf',
  // What the client sent is judged: who authenticates takes cookies and tokens off.
  stage: 'admission',
  unique: true,
  schema: csrfSchema,
  create: (options, { credentialFields }: BuiltinContext) => new Csrf(options, credentialFields()),
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

/** Those that say of themselves whether they are what a page of another origin cannot send. */
const NO_PROOF: ReadonlySet<string> = new Set(['cookie', 'authorization']);
/** Schemes of Authorization that no browser has credentials of. */
const SCHEMES = ['bearer ', 'apikey '] as const;

class Csrf implements PolicyHooks {
  readonly #origins: AllowedOrigins;
  readonly #sameSite: boolean;
  readonly #missing: Answer | undefined;
  readonly #credentialFields: readonly string[];

  constructor({ origins, sameSite, missing }: CsrfOptions, credentialFields: ReadonlySet<string>) {
    this.#origins = new AllowedOrigins(origins);
    this.#sameSite = sameSite;
    this.#missing = missing === 'allow' ? undefined : UNKNOWN_SITE;
    this.#credentialFields = [...credentialFields].filter((name) => !NO_PROOF.has(name));
  }

  onRequest({ request }: Exchange): Answer | undefined {
    const { fields } = request;
    if (!fields.has('cookie') || isHarmless(request)) return undefined;
    if (hasTokenOfPrograms(fields.get('authorization')) || this.#hasCredentialField(fields)) return undefined;
    switch (isSentByAllowedPage(request, this.#origins, this.#sameSite)) {
      case true:
        return undefined;
      case false:
        return OTHER_SITE;
      case undefined:
        return this.#missing;
    }
  }

  /** A page of another origin would first have to ask whether it may send such a field (CORS). */
  #hasCredentialField(fields: Fields): boolean {
    const names = this.#credentialFields;
    for (let i = 0; i < names.length; i++) if (fields.has(names[i] as string)) return true;
    return false;
  }
}

/** A browser adds no such token on its own, as it does a cookie or a password. */
function hasTokenOfPrograms(authorization: string | undefined): boolean {
  if (authorization === undefined) return false;
  const scheme = authorization.slice(0, 7).toLowerCase();
  return scheme === SCHEMES[0] || scheme === SCHEMES[1];
}
