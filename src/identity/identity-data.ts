import type { ConsumerConfig } from './consumers/schema.ts';
import type { ProviderConfig } from './providers/schema.ts';
import type { SessionConfig } from './sessions/schema.ts';

/** What the configuration says of who may call: plain data, with secrets resolved. */
export interface IdentityData {
  readonly consumers: Readonly<Record<string, ConsumerConfig>>;
  readonly providers: Readonly<Record<string, ProviderConfig>>;
  readonly sessions: Readonly<Record<string, SessionConfig>>;
}

export const NO_IDENTITY: IdentityData = { consumers: {}, providers: {}, sessions: {} };
