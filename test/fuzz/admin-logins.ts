import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { AdminAuthentication } from '../../src/control/admin/authentication/authentication.ts';
import { type Identified, identify } from '../../src/control/admin/authentication/identify.ts';
import { authenticationSchema } from '../../src/control/admin/authentication/schema.ts';
import type { GatewayControl, RequestPlace } from '../../src/control/admin/endpoint.ts';
import type { ConfigurationManager } from '../../src/control/manager/manager.ts';
import { LOCAL_ACCOUNT } from '../../src/control/rights/account.ts';
import { giveRole } from '../../src/control/rights/store/memberships.ts';
import type { RightsStore } from '../../src/control/rights/store/rights-store.ts';
import { createToken, TOKEN_PREFIX } from '../../src/control/rights/store/tokens.ts';
import { putUser } from '../../src/control/rights/store/users.ts';
import type { AdminFuzz } from './admin-requests.ts';

const LOGINS = [
  ['acme-viewer', 'acme', 'viewer'],
  ['acme-developer', 'acme', 'developer'],
  ['acme-owner', 'acme', 'owner'],
  ['all-viewer', '*', 'viewer'],
  ['all-admin', '*', 'admin'],
  ['all-owner', '*', 'owner'],
] as const;
/** What a user is, by name, as the API takes it. */
export const USERS: Readonly<Record<string, object>> = Object.fromEntries(
  LOGINS.map(([name]) => [name, { title: name }]),
);
/** What is kept of a password, marked as no other text is. */
const HASH_MARK = 'TWFya2VkSGFzaA';
const HASH = `$scrypt$ln=17,r=8,p=1$${HASH_MARK}$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`;
const DAY_MS = 86_400_000;
const ASKER = { account: LOCAL_ACCOUNT };

/** Users of every role with a token each, where callers have to be known. */
export class Logins {
  readonly authentication: AdminAuthentication;
  readonly #store: RightsStore;
  readonly #marks: string[];
  readonly #tokens = new Map<string, string>();

  /** Of every token that is made, what nobody may be told is added to `marks`. */
  constructor(store: RightsStore, marks: string[]) {
    this.#store = store;
    this.#marks = marks;
    marks.push(HASH_MARK);
    this.authentication = new AdminAuthentication(authenticationSchema.parse({}), store);
  }

  get ofOwner(): string {
    return this.#tokens.get('all-owner') ?? assert.fail('there is no owner');
  }

  identify(
    configuration: ConfigurationManager,
    request: IncomingMessage,
    place: RequestPlace,
  ): Promise<Identified> {
    const gateway: Pick<GatewayControl, 'configuration' | 'warn'> = {
      configuration: () => configuration,
      warn: (message) => assert.fail(message),
    };
    return identify(gateway, this.authentication, request, place);
  }

  /** Makes them anew as far as they were changed. */
  async restore(): Promise<void> {
    for (const [name, organization, role] of LOGINS) {
      const put = await putUser(this.#store, ASKER, name, { disabled: false, password: HASH });
      assert.ok(put.ok, JSON.stringify(put));
      await giveRole(this.#store, ASKER, organization, name, role);
      if (await this.#isGood(this.#tokens.get(name))) continue;
      const { id } = put.result.user;
      const account = { id, name, kind: 'user', roles: new Map([[organization, role]]) } as const;
      const wanted = { name: 'fuzz', role, organizations: undefined, expiresAtMs: Date.now() + DAY_MS };
      const made = await createToken(this.#store, { account }, { kind: 'self' }, wanted);
      assert.ok(made.ok, JSON.stringify(made));
      this.#tokens.set(name, made.result.secret);
      this.#marks.push(made.result.secret.slice(TOKEN_PREFIX.length));
    }
  }

  async #isGood(token: string | undefined): Promise<boolean> {
    if (token === undefined) return false;
    const known = await this.authentication.identify({
      authorization: `Bearer ${token}`,
      session: undefined,
      address: '127.0.0.1',
    });
    return known.kind === 'known';
  }

  /** The request by each of them in turn, and by nobody, unless it says itself who sends it. */
  withCaller(asked: AdminFuzz, turn: number): AdminFuzz {
    const token = this.#tokens.get(LOGINS[turn % (LOGINS.length + 1)]?.[0] ?? '');
    if (token === undefined) return asked;
    return { ...asked, headers: { authorization: `Bearer ${token}`, ...asked.headers } };
  }
}
