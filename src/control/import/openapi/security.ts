import { isRecord } from '../../../lib/is-record.ts';
import type { ImportContext } from '../context.ts';
import type { Writable } from '../draft.ts';
import type { Entry } from '../entry.ts';
import { CLOSED } from '../settle.ts';

/** A security scheme as a method of the policy `auth`; undefined where there is none that does the same. */
type Method = Writable | undefined;

const DISCOVERY = '/.well-known/openid-configuration';

/** The security schemes of a document, as policies that ask who calls. */
export class Security {
  readonly #context: ImportContext;
  readonly #schemes: Entry;
  readonly #name: string;
  readonly #methods = new Map<string, Method>();

  constructor(root: Entry, name: string, context: ImportContext) {
    this.#context = context;
    this.#schemes = root.entryOrEmpty('components').entryOrEmpty('securitySchemes');
    this.#name = name;
  }

  /** Whether two ask for the same. */
  isSame(one: Entry, other: Entry): boolean {
    return JSON.stringify(one.raw('security') ?? []) === JSON.stringify(other.raw('security') ?? []);
  }

  /**
   * The policies of a list of requirements: one of the list is enough, of an entry all are needed. What cannot be carried over is left out;
   * where nothing is left, nobody is let in.
   */
  policies(owner: Entry, key: string): Writable[] {
    const requirements = owner.raw(key);
    if (!Array.isArray(requirements) || requirements.length === 0) return [];
    const isOptional = requirements.some((each) => isRecord(each) && Object.keys(each).length === 0);
    const ways: { readonly methods: readonly Writable[]; readonly scopes: readonly string[] }[] = [];
    for (const [index, requirement] of requirements.entries()) {
      if (!isRecord(requirement) || Object.keys(requirement).length === 0) continue;
      const names = Object.keys(requirement);
      const methods = names.map((name) => this.#method(name));
      const scopes = names.flatMap((name) =>
        Array.isArray(requirement[name]) ? requirement[name].map(String) : [],
      );
      const place = [...owner.at(key), index];
      if (methods.some((method) => method === undefined))
        this.#context.findings.lost(
          place,
          `nobody is let in by ${names.join(' and ')}`,
          'write the authentication by hand: docs/authentication.md',
        );
      else if (scopes.length > 0 && requirements.length > 1)
        this.#context.findings.lost(
          place,
          'scopes of one of several ways are not carried over: nobody is let in by this one',
          'write the authorization by hand: docs/authorization.md',
        );
      else ways.push({ methods: methods.filter((method) => method !== undefined), scopes });
    }
    if (ways.length === 0) return isOptional ? [] : [{ ...CLOSED }];
    const [first] = ways;
    const scopes = first?.scopes ?? [];
    const authorize =
      ways.length === 1 && scopes.length > 0 ? [{ authorize: { scopes: [...new Set(scopes)] } }] : [];
    if (ways.length === 1 && !isOptional) return [...(first?.methods ?? []), ...authorize];
    const any = ways.map(({ methods }) => (methods.length === 1 ? methods[0] : { all: methods }));
    return [{ auth: { any, ...(isOptional && { optional: true }) } }, ...authorize];
  }

  #method(name: string): Method {
    if (!this.#methods.has(name)) this.#methods.set(name, this.#made(name));
    return this.#methods.get(name);
  }

  #made(name: string): Method {
    const { findings } = this.#context;
    const scheme = this.#schemes.entry(name);
    if (scheme === undefined)
      return findings.lost(this.#schemes.at(name), `there is no security scheme ${name}`) as undefined;
    const type = scheme.text('type');
    const kind = type === 'http' ? `http ${scheme.text('scheme')?.toLowerCase() ?? ''}` : type;
    switch (kind) {
      case 'http basic':
        findings.note(
          scheme.path,
          'callers are consumers with a password: the document has none',
          'add consumers: docs/authentication.md',
        );
        return { basic: {} };
      case 'apiKey': {
        findings.note(
          scheme.path,
          'callers are consumers with a key: the document has none',
          'add consumers: docs/authentication.md',
        );
        const place = scheme.text('in') ?? 'header';
        return ['header', 'query', 'cookie'].includes(place)
          ? { 'api-key': { [place]: scheme.text('name') } }
          : undefined;
      }
      case 'mutualTLS':
        findings.note(
          scheme.path,
          'a listener has to ask for certificates, and consumers to have them',
          'docs/authentication.md',
        );
        return { mtls: {} };
      case 'openIdConnect':
        return this.#openId(scheme, name);
      default:
        findings.lost(
          scheme.path,
          `the document does not say whose tokens ${name} takes`,
          'name the issuer: the policy jwt with a provider, docs/tokens.md',
        );
        return undefined;
    }
  }

  #openId(scheme: Entry, name: string): Method {
    const url = scheme.text('openIdConnectUrl');
    if (url === undefined || !url.endsWith(DISCOVERY)) {
      scheme.lost('openIdConnectUrl', `does not end in ${DISCOVERY}, so the issuer is not known`);
      return undefined;
    }
    const provider = this.#context.draft.add(
      'providers',
      `${this.#name}-${name}`,
      { issuer: url.slice(0, -DISCOVERY.length) },
      scheme.path,
    );
    this.#context.findings.lost(
      scheme.path,
      `tokens have to be for ${this.#name}: the document does not say whom they are for`,
      'write the audience that the issuer has for this API: audience',
    );
    return { jwt: { provider, audience: this.#name } };
  }
}
