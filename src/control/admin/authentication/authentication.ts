import { createHash, timingSafeEqual } from 'node:crypto';
import { readBasic } from '../../../identity/basic-credentials.ts';
import { type Account, LOCAL_ACCOUNT } from '../../rights/account.ts';
import { EVERYWHERE } from '../../rights/roles.ts';
import { KnownAccounts } from '../../rights/store/known-accounts.ts';
import type { RightsStore } from '../../rights/store/rights-store.ts';
import { isToken } from '../../rights/store/tokens.ts';
import { LocalLogin } from './local-login.ts';
import type { AuthenticationConfig } from './schema.ts';

/** What a request shows of who sent it. */
export interface Shown {
  /** The field Authorization. */
  readonly authorization: string | undefined;
  /** What the cookie of a session has. */
  readonly session: string | undefined;
  /** Of the client. */
  readonly address: string;
}

export type Known =
  | {
      readonly kind: 'known';
      readonly account: Account;
      /** By the cookie, which browsers send whatever page asks them to. */
      readonly byCookie: boolean;
    }
  /** It shows nothing, and something has to be shown. */
  | { readonly kind: 'nobody' }
  /** What it shows does not hold. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'wait'; readonly waitMs: number };

const REFUSED: Known = { kind: 'refused' };

const BOOTSTRAP: Account = {
  id: 'bootstrap',
  name: 'bootstrap',
  kind: 'bootstrap',
  roles: new Map([[EVERYWHERE, 'owner']]),
};

/** Finds out who sends a request to the admin port. Methods reject where the store cannot be reached. */
export class AdminAuthentication {
  readonly config: AuthenticationConfig;
  readonly local: LocalLogin;
  readonly #store: RightsStore;
  readonly #accounts: KnownAccounts;
  readonly #bootstrap: Buffer | undefined;

  constructor(config: AuthenticationConfig, store: RightsStore) {
    this.config = config;
    this.#store = store;
    this.#accounts = new KnownAccounts(store);
    this.local = new LocalLogin(this.#accounts, store.nowMs);
    this.#bootstrap = config.bootstrapToken === undefined ? undefined : digest(config.bootstrapToken);
  }

  async identify({ authorization, session, address }: Shown): Promise<Known> {
    if (authorization !== undefined) return this.#authorized(authorization, address);
    if (session !== undefined) {
      const account = await this.sessionAccount(session);
      if (account !== undefined) return { kind: 'known', account, byCookie: true };
    }
    return this.config.required
      ? { kind: 'nobody' }
      : { kind: 'known', account: LOCAL_ACCOUNT, byCookie: false };
  }

  /** Whose session it is; undefined for one that has ended. */
  sessionAccount(session: string): Promise<Account | undefined> {
    return this.#accounts.withSession(session, { idleMs: this.config.idleTimeout });
  }

  async #authorized(authorization: string, address: string): Promise<Known> {
    const space = authorization.indexOf(' ');
    const scheme = authorization.slice(0, space).toLowerCase();
    const sent = authorization.slice(space + 1).trim();
    if (scheme === 'bearer') return this.#bearer(sent);
    const credentials = scheme === 'basic' && this.config.local ? readBasic(sent) : undefined;
    if (credentials === undefined) return REFUSED;
    const verdict = await this.local.check(credentials.name, credentials.password, address);
    switch (verdict.kind) {
      case 'known':
        return { kind: 'known', account: verdict.account, byCookie: false };
      case 'wrong':
        return REFUSED;
      case 'wait':
        return verdict;
    }
  }

  async #bearer(sent: string): Promise<Known> {
    if (isToken(sent)) {
      const account = await this.#accounts.withToken(sent);
      return account === undefined ? REFUSED : { kind: 'known', account, byCookie: false };
    }
    // Over digests: the time tells neither the token nor its length.
    if (this.#bootstrap === undefined || !timingSafeEqual(this.#bootstrap, digest(sent))) return REFUSED;
    return (await this.#store.isOwned()) ? REFUSED : { kind: 'known', account: BOOTSTRAP, byCookie: false };
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
