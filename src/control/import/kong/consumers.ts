import { keyDigest } from '../../../identity/consumers/api-keys.ts';
import { valueAt } from '../../config/place.ts';
import type { ImportContext } from '../context.ts';
import type { Writable } from '../draft.ts';
import type { Entry } from '../entry.ts';
import type { KongConsumer, KongModel, KongPlugin } from './model.ts';
import { convertPlugin, HARMLESS } from './policies.ts';
import { keptSecret, variableOf } from './secrets.ts';

/** Carries the consumers over. Keys and passwords become hashes; the document's own hashes of passwords are of no use here. */
export async function importConsumers(
  { consumers }: Pick<KongModel, 'consumers'>,
  areHashed: boolean,
  context: ImportContext,
): Promise<void> {
  for (const consumer of consumers) await importConsumer(consumer, areHashed, context);
}

/** Whether a consumer who is without the plugin gets in nowhere else. */
export function isUnrestricting(plugin: string): boolean {
  return HARMLESS.has(plugin) || LIMITING.has(plugin);
}

/** A plan of the rates that the consumer has of its own; its name. */
function planOf(
  name: string,
  plugins: readonly KongPlugin[],
  { draft, findings }: ImportContext,
): string | undefined {
  let plan: string | undefined;
  for (const plugin of plugins) {
    const made = plugin.name === 'rate-limiting' && plan === undefined ? convertPlugin(plugin) : undefined;
    const limits = valueAt(made, ['rate-limit', 'limits']);
    if (limits === undefined) {
      findings.lost(
        plugin.entry.path,
        `the plugin ${plugin.name} of the consumer ${name} is not carried over`,
      );
      continue;
    }
    plan = draft.add('plans', name, { limits }, plugin.entry.path);
    findings.note(
      plugin.entry.path,
      `became the plan ${plan}: in Kong it replaces the limits of routes, here these hold as well`,
    );
    if (!draft.policies.some(({ use }) => 'plan' in use))
      draft.addPolicy({ plan: { unknown: 'pass' } }, plugin.entry.path);
  }
  return plan;
}

const LIMITING = new Set([
  'rate-limiting',
  'cors',
  'correlation-id',
  'request-size-limiting',
  'request-transformer',
  'response-transformer',
]);

async function importConsumer(
  { entry, name, credentials, plugins }: KongConsumer,
  areHashed: boolean,
  context: ImportContext,
): Promise<void> {
  const { draft, findings } = context;
  const restricting = plugins.find((plugin) => !isUnrestricting(plugin.name));
  if (restricting !== undefined) {
    findings.lost(
      restricting.entry.path,
      `the consumer ${name} is left out: without ${restricting.name}, which is for it alone, it might do more than it may`,
    );
    return;
  }
  const plan = planOf(name, plugins, context);
  const of = (kind: string): readonly Entry[] => credentials.get(kind) ?? [];
  const groups = of('acls').flatMap((acl) => acl.text('group') ?? []);
  const apiKeys = of('keyauth_credentials').flatMap((credential, index): Writable[] => {
    const key = credential.text('key');
    if (credential.has('ttl'))
      credential.lost('ttl', 'the key does not expire here', 'write when it does: expires');
    if (key === undefined) {
      findings.lost(credential.path, 'a key that Kong makes itself is not in the document');
      return [];
    }
    if (variableOf(key) !== undefined) return [{ key: keptSecret(draft, name, key) }];
    return [{ ...(index > 0 && { id: `key-${index + 1}` }), hash: `sha256:${keyDigest(key)}` }];
  });
  const [first, ...others] = of('basicauth_credentials');
  const basic = first && (await basicOf(name, first, areHashed, context));
  for (const other of others)
    findings.lost(
      other.path,
      'a consumer has one password here: a further one is left out',
      'make a consumer of it',
    );
  for (const kind of ['hmacauth_credentials', 'oauth2_credentials', 'mtls_auth_credentials'])
    for (const credential of of(kind))
      findings.lost(
        credential.path,
        `${kind} are not carried over`,
        kind.startsWith('hmac') ? 'signatures are those of RFC 9421 here: signatureKeys' : undefined,
      );
  const customId = entry.text('custom_id');
  if (customId !== undefined && customId !== name)
    entry.lost('custom_id', 'a consumer has no second name here');
  entry.rest(`the consumer ${name}`);
  for (const credential of [...of('keyauth_credentials'), ...of('acls'), ...of('jwt_secrets')]) {
    credential.ignore('key', 'secret', 'algorithm', 'rsa_public_key');
    credential.rest('a credential');
  }
  draft.add(
    'consumers',
    name,
    {
      ...(plan !== undefined && { plan }),
      ...(groups.length > 0 && { groups }),
      ...(basic && { basic }),
      ...(apiKeys.length > 0 && { apiKeys }),
    },
    entry.path,
  );
}

async function basicOf(
  name: string,
  credential: Entry,
  areHashed: boolean,
  { draft, findings, hashPassword }: ImportContext,
): Promise<{ readonly username?: string; readonly password?: string; readonly hash?: string } | undefined> {
  const username = credential.text('username') ?? name;
  const password = credential.text('password');
  credential.rest('a credential');
  const named = username === name ? {} : { username };
  if (password === undefined) return undefined;
  if (variableOf(password) !== undefined) return { ...named, password: keptSecret(draft, name, password) };
  if (areHashed) {
    findings.lost(
      credential.path,
      'the password is hashed as Kong does it, which is of no use here',
      'give a new one: portcullis hash',
    );
    return undefined;
  }
  return { ...named, hash: await hashPassword(password) };
}
