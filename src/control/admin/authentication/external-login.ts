import { createHash, timingSafeEqual } from 'node:crypto';
import { Issuers } from '../../../identity/discovery/issuers.ts';
import type { IdentityData } from '../../../identity/identity-data.ts';
import { ClaimPath, namesIn } from '../../../identity/jwt/claim-path.ts';
import type { LoginFlow, ProviderUser } from '../../../identity/providers/provider.ts';
import { Providers } from '../../../identity/providers/providers.ts';
import { systemTimers } from '../../../lib/timers.ts';
import { higherOf, type Role } from '../../rights/roles.ts';
import type { ExternalUser } from '../../rights/store/external-users.ts';
import { randomText } from '../../rights/store/tokens.ts';
import { BegunLogins } from './begun-logins.ts';
import { FLOW_TTL_MS } from './flow-time.ts';
import type { RoleRule } from './schema.ts';

export interface ExternalLoginOptions {
  /** The identity of the configuration in force. */
  readonly identity: () => Pick<IdentityData, 'providers' | 'sessions'>;
  /** Name of the sessions whose first provider says who somebody is. */
  readonly session: string;
  readonly roles: readonly RoleRule[];
  readonly nowMs: () => number;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

interface Begun {
  readonly flow: LoginFlow;
  readonly provider: string;
  readonly returnTo: string;
  /** Of what the browser's cookie has. */
  readonly hash: Buffer;
  readonly endsAtMs: number;
}

/**
 * Logins with the first identity provider of a kind of sessions. The way there and back is known by this process alone, to the browser that began it,
 * and once.
 */
export class ExternalLogin {
  readonly #options: ExternalLoginOptions;
  readonly #flows: BegunLogins<Begun>;
  readonly #issuers: Issuers;
  #made: { readonly configs: IdentityData['providers']; readonly providers: Providers } | undefined;

  constructor(options: ExternalLoginOptions) {
    this.#options = options;
    this.#flows = new BegunLogins(options.nowMs);
    this.#issuers = new Issuers({ timers: systemTimers, random: Math.random, log: options.log });
  }

  /** Where the browser at that address goes, and the secret of its cookie. Rejects with `ProviderUnavailable` where the provider cannot be asked. */
  async begin(
    redirectUri: string,
    returnTo: string,
    address: string,
  ): Promise<{ readonly location: string; readonly secret: string }> {
    const flow: LoginFlow = { state: randomText(), nonce: randomText(), verifier: randomText(), redirectUri };
    const provider = this.#providerName();
    const location = await this.#providers().named(provider).authorizationUrl(flow);
    const secret = randomText();
    const endsAtMs = this.#options.nowMs() + FLOW_TTL_MS;
    this.#flows.add(flow.state, address, { flow, provider, returnTo, hash: hashOf(secret), endsAtMs });
    return { location, secret };
  }

  /**
   * Who came back, and where they wanted to go; undefined for a way that nobody began, or another browser, or that was ended already. `search` is the
   * query of the address that the provider sent the browser to. Rejects as `Provider.redeem` does.
   */
  async end(
    search: string,
    secret: string | undefined,
  ): Promise<{ readonly user: ExternalUser; readonly returnTo: string } | undefined> {
    const state = new URLSearchParams(search).get('state') ?? '';
    const begun = this.#flows.get(state);
    if (begun === undefined || secret === undefined || !timingSafeEqual(hashOf(secret), begun.hash))
      return undefined;
    this.#flows.delete(state);
    const provider = this.#providers().named(begun.provider);
    const tokens = await provider.redeem(search, begun.flow);
    const user = await provider.user(tokens);
    return { user: this.#externalUser(begun.provider, user), returnTo: begun.returnTo };
  }

  close(): void {
    this.#made?.providers.close();
    this.#made = undefined;
  }

  #externalUser(provider: string, { subject, claims }: ProviderUser): ExternalUser {
    const email = claims['email_verified'] === false ? undefined : claims['email'];
    const names = [claims['preferred_username'], email, subject].filter((name) => typeof name === 'string');
    return { provider, subject, names, roles: rolesOf(claims, this.#options.roles) };
  }

  #providerName(): string {
    const { session, identity } = this.#options;
    const name = identity().sessions[session]?.login[0];
    if (name === undefined) throw new Error(`there are no sessions ${session} any more`);
    return name;
  }

  /** Made anew where the configuration has others. */
  #providers(): Providers {
    const configs = this.#options.identity().providers;
    if (this.#made?.configs !== configs) {
      this.#made?.providers.close();
      this.#made = { configs, providers: new Providers(configs, this.#options.nowMs, this.#issuers) };
    }
    return this.#made.providers;
  }
}

/** What claims give, by organization; the highest of several. */
export function rolesOf(
  claims: Readonly<Record<string, unknown>>,
  rules: readonly RoleRule[],
): ReadonlyMap<string, Role> {
  const roles = new Map<string, Role>();
  for (const { claim, value, organization, role } of rules) {
    const found = new ClaimPath(claim).read(claims);
    // A text is one value here: names of groups may have blanks in them.
    const values = typeof found === 'string' ? [found] : namesIn(found);
    const higher = values.includes(value) ? higherOf(roles.get(organization), role) : undefined;
    if (higher !== undefined) roles.set(organization, higher);
  }
  return roles;
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
