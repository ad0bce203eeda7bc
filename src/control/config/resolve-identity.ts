import { type IdentityData, NO_IDENTITY } from '../../identity/identity.ts';
import type { ParsedConfig } from './schema.ts';
import type { Secrets } from './secrets.ts';

const COLLECTIONS = ['consumers', 'providers', 'sessions'] as const;

/** What the workers get of who may call; nobody where the configuration has errors. */
export async function resolvedIdentity(
  parsed: Pick<ParsedConfig, (typeof COLLECTIONS)[number]> | undefined,
  secrets: Secrets,
): Promise<IdentityData> {
  if (parsed === undefined) return NO_IDENTITY;
  const entries = COLLECTIONS.map(
    async (name) => [name, await secrets.deep(parsed[name], [name], new Set())] as const,
  );
  return Object.fromEntries(await Promise.all(entries)) as unknown as IdentityData;
}
