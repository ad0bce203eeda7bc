import { clientProblem } from '../../identity/client/client-key.ts';
import { type IdentityData, NO_IDENTITY } from '../../identity/identity-data.ts';
import { loadProviderDefinition, makeProvider } from '../../identity/providers/definition.ts';
import { isOAuth2, isOidc } from '../../identity/providers/schema.ts';
import { messageOf } from '../../lib/message-of.ts';
import type { FileReader } from './files.ts';
import { problemsFromIssues } from './issues.ts';
import type { Path } from './place.ts';
import { isModulePath } from './policies.ts';
import type { Problem } from './problem.ts';
import type { ParsedConfig } from './schema.ts';
import type { Secrets } from './secrets.ts';
import { userModule } from './user-module.ts';

const COLLECTIONS = ['consumers', 'providers', 'sessions'] as const;
/** Beside a session's cookie the key is all that stands between a dump of the store and its tokens. */
const MIN_KEY_LENGTH = 32;

interface IdentityContext {
  readonly secrets: Secrets;
  readonly files: FileReader;
  readonly problems: Problem[];
}

/** What the workers get of who may call; nobody where the configuration has errors. */
export async function resolvedIdentity(
  parsed: Pick<ParsedConfig, (typeof COLLECTIONS)[number]> | undefined,
  context: IdentityContext,
): Promise<IdentityData> {
  if (parsed === undefined) return NO_IDENTITY;
  const entries = COLLECTIONS.map(
    async (name) => [name, await context.secrets.deep(parsed[name], [name], new Set())] as const,
  );
  const data = Object.fromEntries(await Promise.all(entries)) as unknown as IdentityData;
  checkKeyLengths(data, context.problems);
  checkClients(data, context.problems);
  return { ...data, providers: await withModules(data.providers, context) };
}

function checkKeyLengths({ sessions }: IdentityData, problems: Problem[]): void {
  for (const [name, { keys }] of Object.entries(sessions))
    keys.forEach((key, index) => {
      if (key.length < MIN_KEY_LENGTH)
        problems.push({
          path: ['sessions', name, 'keys', index],
          message: `is shorter than ${MIN_KEY_LENGTH} characters; make one with openssl rand -base64 32`,
        });
    });
}

/** Keys and certificates by which the gateway proves who it is. */
function checkClients({ providers }: IdentityData, problems: Problem[]): void {
  for (const [name, provider] of Object.entries(providers)) {
    const problem = isOidc(provider) || isOAuth2(provider) ? clientProblem(provider) : undefined;
    if (problem !== undefined)
      problems.push({ path: ['providers', name, ...problem.path], message: problem.message });
  }
}

/** Providers of modules get the address of the module, and are made once to see whether they can be. */
async function withModules(
  providers: IdentityData['providers'],
  { files, problems, secrets }: IdentityContext,
): Promise<IdentityData['providers']> {
  const entries = Object.entries(providers).map(async ([name, provider]) => {
    if (provider.kind === undefined || !isModulePath(provider.kind)) return [name, provider] as const;
    const path = ['providers', name];
    const found = await userModule(provider.kind, files);
    if (!('module' in found)) {
      problems.push({
        path: [...path, 'kind'],
        message: `the provider's file ${found.file} ${found.reason}`,
      });
      return [name, provider] as const;
    }
    for (const problem of await tried(name, { ...provider }, found.module, path))
      problems.push({ ...problem, message: without(problem.message, secrets.resolved) });
    return [name, { ...provider, module: found.module }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function tried(
  name: string,
  provider: Record<string, unknown>,
  module: string,
  path: Path,
): Promise<readonly Problem[]> {
  const { kind, organization: _, ...options } = provider;
  try {
    const definition = await loadProviderDefinition(String(kind), module);
    const parsed = await definition.schema.safeParseAsync(options);
    if (!parsed.success) return problemsFromIssues(parsed.error.issues, options, definition.schema, path);
    makeProvider(String(kind), definition, parsed.data, {
      name,
      nowMs: Date.now,
      fetch: () => Promise.reject(new Error('nothing is asked while a configuration is checked')),
    });
    return [];
  } catch (error) {
    return [{ path: [...path, 'kind'], message: messageOf(error) }];
  }
}

/** A module may quote an option in its message; a resolved secret must not stand there. */
function without(message: string, secrets: ReadonlySet<string>): string {
  let text = message;
  for (const secret of secrets) text = text.replaceAll(secret, '***');
  return text;
}
