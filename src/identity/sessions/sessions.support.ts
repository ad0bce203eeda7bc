import assert from 'node:assert/strict';
import type { GrantTokens } from '../providers/provider.ts';
import { MemoryRecords } from './memory-records.support.ts';
import { sessionSchema } from './schema.ts';
import type { Login } from './session.ts';
import { Sessions } from './sessions.ts';
import { principalOf } from './user-principal.ts';

export const KEY = 'k'.repeat(32);
/** Where the browser of these tests is. */
export const AT = { scheme: 'https', host: 'app.example.com' } as const;
export const TOKENS: GrantTokens = {
  accessToken: 'access-token-of-alice',
  tokenType: 'bearer',
  refreshToken: 'refresh-token-of-alice',
  idToken: 'id-token-of-alice',
  expiresAtMs: 1_000_000,
  scopes: ['openid'],
};
export const LOGIN: Login = {
  provider: 'keycloak',
  user: {
    issuer: 'https://id.example.com',
    subject: 'alice-subject',
    claims: { name: 'Alice', groups: ['staff'], roles: 'admin' },
    sid: 'sid-1',
  },
  tokens: TOKENS,
};

/** Sessions on a clock and in a store of the test's, of a user who logged in; nobody asks a provider. */
export class SessionsPlay {
  now = 1000;
  readonly records = new MemoryRecords(() => this.now);

  sessions(options: Record<string, unknown> = {}, name = 'web'): Sessions {
    const config = sessionSchema.parse({ login: ['keycloak'], connect: ['gitlab'], keys: [KEY], ...options });
    return new Sessions(name, config, {
      records: this.records,
      nowMs: () => this.now,
      log: () => {},
      provider: () => assert.fail('no provider is asked'),
      principal: (id, content) => principalOf(id, content, undefined, undefined),
    });
  }
}
