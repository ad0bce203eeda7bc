import { SharedPool } from '../lib/shared-pool.ts';
import type { ConsumerIndex } from './consumers/consumer-index.ts';
import type { Issuers } from './discovery/issuers.ts';
import type { CallersTokens, ServiceTokens, ServiceTokenUse } from './grants/service-tokens.ts';
import type { IdentityData } from './identity-data.ts';
import type { IdentityPlace } from './identity-place.ts';
import type { Providers } from './providers/providers.ts';
import type { SessionFinding } from './sessions/session.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { UsedNonces } from './used-nonces.ts';

/** What a worker knows of who may call, whatever the route. */
export interface IdentityOfAll {
  readonly data: IdentityData;
  readonly place: IdentityPlace;
  readonly issuers: Issuers;
  readonly nonces: UsedNonces;
  readonly providers: Providers;
  readonly serviceTokens: ServiceTokens;
  sessionsNamed(name: string): Sessions;
}

type KnownSession = Extract<SessionFinding, { kind: 'known' }>;

/**
 * Who may call, as the routes of one organization see it: policies that authenticate are made of it. A consumer that belongs to another is
 * nobody here, so that nothing that tells of consumers is shared with routes that know others.
 */
export class RouteIdentity {
  /** What several policies of these routes hold together, such as the tokens that have been verified. */
  readonly shared = new SharedPool();
  readonly #identity: IdentityOfAll;
  readonly #consumers: () => ConsumerIndex;
  /** Of sessions, which routes of all organizations have in common. Undefined: they are as the sessions tell it. */
  readonly #findings: WeakMap<KnownSession, KnownSession> | undefined;
  readonly #owner: string | undefined;

  /** `owner`: the organization whose consumers are known beside the shared ones. */
  constructor(identity: IdentityOfAll, consumers: () => ConsumerIndex, owner: string | undefined) {
    this.#identity = identity;
    this.#owner = owner;
    this.#consumers = consumers;
    this.#findings = owner !== undefined ? new WeakMap() : undefined;
  }

  get data(): IdentityData {
    return this.#identity.data;
  }

  get place(): IdentityPlace {
    return this.#identity.place;
  }

  get issuers(): Issuers {
    return this.#identity.issuers;
  }

  get nonces(): UsedNonces {
    return this.#identity.nonces;
  }

  get providers(): Providers {
    return this.#identity.providers;
  }

  /** Tokens for services, which these routes share. */
  serviceTokens(use: Omit<ServiceTokenUse, 'owner'>): CallersTokens {
    return this.#identity.serviceTokens.of({ ...use, owner: this.#owner });
  }

  get consumers(): ConsumerIndex {
    return this.#consumers();
  }

  /** The sessions of that kind. Throws an Error where the configuration has none of that name. */
  sessionsNamed(name: string): Sessions {
    return this.#identity.sessionsNamed(name);
  }

  /** A finding of `sessions`, with the consumer that the session's user is here. The same object for the same finding. */
  seenHere(sessions: Sessions, finding: KnownSession): KnownSession {
    if (this.#findings === undefined) return finding;
    let seen = this.#findings.get(finding);
    if (seen === undefined) {
      seen = { ...finding, principal: sessions.principalOf(finding.session, this.consumers) };
      this.#findings.set(finding, seen);
    }
    return seen;
  }
}
