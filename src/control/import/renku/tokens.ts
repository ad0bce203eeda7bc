import type { ImportContext } from '../context.ts';
import type { Writable } from '../draft.ts';
import type { Entry } from '../entry.ts';
import { placeholder } from './backends.ts';

/** A backend that users have a token of, and how it wants it. */
interface TokenOf {
  readonly provider: 'gitlab' | 'jupyterhub';
  readonly inject: Writable;
}

const TOKENS: ReadonlyMap<string, TokenOf> = new Map<string, TokenOf>([
  ['GitlabUserToken', { provider: 'gitlab', inject: {} }],
  ['JupyterhubUserToken', { provider: 'jupyterhub', inject: { as: 'token' } }],
]);

const SESSION = 'renku';

/** What puts credentials into the requests of an endpoint. A user logs in once, and has a grant of each backend. */
export class Tokens {
  readonly #context: ImportContext;
  readonly #connected = new Set<string>();

  constructor(context: ImportContext) {
    this.#context = context;
  }

  /** The policies for the `auth` of an endpoint; undefined: it cannot be carried over, which is told, and nobody may come in. */
  policies(entry: Entry): Writable[] | undefined {
    const written = entry.text('auth');
    if (written === undefined) return [];
    const name = written.slice(written.lastIndexOf('.') + 1);
    if (name === 'KeycloakAccessToken' || name === 'RenkuCoreAuthHeaders') {
      this.#keycloak(entry);
      this.#session(entry);
      if (name === 'RenkuCoreAuthHeaders')
        entry.lost(
          'auth',
          'the user reaches the service as a token alone, without further fields',
          'the policy identity-headers adds fields',
        );
      return [{ session: { name: SESSION } }, { inject: { provider: 'keycloak' } }];
    }
    const token = TOKENS.get(name);
    if (token === undefined) {
      entry.lost(
        'auth',
        name === 'GitlabSudoToken'
          ? 'a token that may act for every user is not carried over: nobody is let in'
          : `what ${name} does is not known: nobody is let in`,
        'give the service the user’s own token: the policies session and inject, docs/tokens-for-services.md',
      );
      return undefined;
    }
    this.#keycloak(entry);
    this.#backend(token.provider, entry);
    this.#session(entry, token.provider);
    return [
      { session: { name: SESSION, providers: [token.provider] } },
      { inject: { provider: token.provider, ...token.inject } },
    ];
  }

  #keycloak(entry: Entry): void {
    const realm = this.#context.variables.get('KEYCLOAK_REALM') ?? 'Renku';
    const url = this.#address('KEYCLOAK_URL', entry);
    this.#provider('keycloak', entry, {
      issuer: `${url}/auth/realms/${realm}`,
      ...this.#client('OIDC', entry),
    });
  }

  #backend(provider: TokenOf['provider'], entry: Entry): void {
    const prefix = provider.toUpperCase();
    const url = this.#address(`${prefix}_URL`, entry);
    const client = this.#client(prefix, entry);
    this.#provider(
      provider,
      entry,
      provider === 'gitlab'
        ? { issuer: url, ...client, scopes: ['openid', 'api', 'read_user', 'read_repository'] }
        : {
            kind: 'oauth2',
            authorizationEndpoint: `${url}/hub/api/oauth2/authorize`,
            tokenEndpoint: `${url}/hub/api/oauth2/token`,
            ...client,
          },
    );
  }

  #client(prefix: string, entry: Entry): Writable {
    const { draft, variables } = this.#context;
    const clientId = variables.get(`${prefix}_CLIENT_ID`);
    if (clientId === undefined)
      entry.findings.lost(
        entry.at('auth'),
        `the client that ${prefix} knows is not in the document: it is called renku`,
        `say it: --set ${prefix}_CLIENT_ID=…`,
      );
    return {
      clientId: clientId ?? 'renku',
      clientSecret: draft.secret(`${prefix}_CLIENT_SECRET`, undefined),
    };
  }

  #address(variable: string, entry: Entry): string {
    const known = this.#context.variables.get(variable);
    if (known === undefined)
      entry.findings.lost(
        entry.at('auth'),
        `nothing says what ${variable} is: the provider has an address that leads nowhere`,
        `say it: --set ${variable}=https://…`,
      );
    return known?.replace(/\/+$/, '') ?? `https://${placeholder(variable)}`;
  }

  #provider(name: string, entry: Entry, value: Writable): void {
    if (!this.#context.draft.entries.providers.has(name))
      this.#context.draft.add('providers', name, value, entry.at('auth'));
  }

  #session(entry: Entry, connected?: string): void {
    const { draft } = this.#context;
    if (connected !== undefined) this.#connected.add(connected);
    const connect = [...this.#connected];
    const value = { login: ['keycloak'], ...(connect.length > 0 && { connect }) };
    const session = draft.entries.sessions.get(SESSION);
    if (session !== undefined) session.value = value;
    else {
      draft.add('sessions', SESSION, value, entry.at('auth'));
      draft.add('routes', 'login', { match: { paths: ['/auth/*'] }, login: SESSION }, entry.at('auth'));
    }
  }
}
