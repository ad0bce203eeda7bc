import type { ImportContext } from '../context.ts';
import type { Writable } from '../draft.ts';
import type { Entry } from '../entry.ts';
import { isUnrestricting } from './consumers.ts';
import { type KongConsumer, type KongPlugin, refersTo } from './model.ts';
import { keptSecret } from './secrets.ts';

/** A plugin that authenticates, as a policy. */
interface Method {
  readonly use: Writable;
  /** A request without credentials is left to the other methods. */
  readonly isOptional: boolean;
  /** And goes on where none of them finds any. */
  readonly letsNobodyIn: boolean;
  readonly plugin: KongPlugin;
}

/** Plugins that find out who calls and have a policy that does the same. */
export const AUTHENTICATING: ReadonlySet<string> = new Set(['key-auth', 'basic-auth', 'jwt']);

/** The policies that ask who calls, as several plugins together do; undefined where one cannot be carried over. */
export function authenticationOf(
  plugins: readonly KongPlugin[],
  consumers: readonly KongConsumer[],
  context: ImportContext,
): Writable[] | undefined {
  const methods: Method[] = [];
  for (const plugin of plugins) {
    const { config } = plugin;
    const anonymous = config.text('anonymous') ?? '';
    const use = methodOf(plugin, consumers, context);
    config.ignore('run_on_preflight', 'key_in_body', 'realm', 'hide_credentials', 'brute_force_protection');
    config.rest(`the plugin ${plugin.name}`);
    if (use === undefined) return undefined;
    methods.push({
      use,
      isOptional: anonymous !== '',
      letsNobodyIn: anonymous !== '' && isFree(anonymous, plugin, consumers, context),
      plugin,
    });
  }
  if (methods.length === 0) return [];
  const optional = methods.filter((method) => method.isOptional);
  if (optional.length === methods.length)
    return [
      {
        auth: {
          any: methods.map(({ use }) => use),
          ...(methods.every(({ letsNobodyIn }) => letsNobodyIn) && { optional: true }),
        },
      },
    ];
  for (const { plugin } of optional)
    context.findings.lost(
      plugin.entry.path,
      `${plugin.name} is optional beside another one that is not: it is left out`,
    );
  return methods.filter((method) => !method.isOptional).map(({ use }) => use);
}

/**
 * Whether a request without credentials, which Kong takes for one of the anonymous consumer, may do as much as any. Often it is there to be
 * refused: of several plugins one is enough then.
 */
function isFree(
  anonymous: string,
  { entry }: KongPlugin,
  consumers: readonly KongConsumer[],
  { findings }: ImportContext,
): boolean {
  const consumer = consumers.find((each) => refersTo(anonymous, each.entry, each.name));
  const restricting = consumer?.plugins.filter(({ name }) => !isUnrestricting(name)) ?? [];
  if (restricting.length === 0) return true;
  if (!restricting.some(isRefusal))
    findings.lost(
      [...entry.path, 'config', 'anonymous'],
      `what ${consumer?.name} may do is not carried over: requests without credentials are refused`,
    );
  return false;
}

/** Answers everything itself, and with an error. */
function isRefusal({ name, config }: KongPlugin): boolean {
  if (name !== 'request-termination' || config.has('trigger')) return false;
  return (config.number('status_code') ?? 503) >= 400;
}

function methodOf(
  { name, entry, config }: KongPlugin,
  consumers: readonly KongConsumer[],
  context: ImportContext,
): Writable | undefined {
  const forward = config.flag('hide_credentials') !== true;
  if (name === 'basic-auth') return { basic: { forward } };
  if (name === 'jwt') return jwtOf(entry, config, consumers, context);
  const names = config.texts('key_names') ?? ['apikey'];
  const inHeader = config.flag('key_in_header') !== false;
  const inQuery = config.flag('key_in_query') !== false;
  if (config.flag('key_in_body') === true) config.lost('key_in_body', 'keys are not looked for in bodies');
  return { 'api-key': { ...(inHeader && { header: names }), ...(inQuery && { query: names }), forward } };
}

/** Kong finds the key of a token by its issuer, which each consumer has one of. */
function jwtOf(
  entry: Entry,
  config: Entry,
  consumers: readonly KongConsumer[],
  { draft, findings }: ImportContext,
): Writable | undefined {
  const close = (message: string): undefined => findings.lost(entry.path, message) as undefined;
  if ((config.text('key_claim_name') ?? 'iss') !== 'iss')
    return close('keys of tokens are found by iss alone here');
  const isBase64 = config.flag('secret_is_base64') === true;
  const checked = config.texts('claims_to_verify') ?? [];
  const cookie = firstOf(config, 'cookie_names', []);
  const query = firstOf(config, 'uri_param_names', ['jwt']);
  const maxAge = config.number('maximum_expiration') ?? 0;
  const headers = config.texts('header_names') ?? ['authorization'];
  if (headers.some((name) => name.toLowerCase() !== 'authorization') || headers.length === 0)
    config.lost('header_names', 'of the fields, tokens are taken from Authorization alone');
  if (!checked.includes('exp') || !checked.includes('nbf'))
    findings.note(
      entry.path,
      'a token that is over, or not yet valid, is refused, whatever claims_to_verify says',
    );
  const known = consumers.flatMap(({ name, credentials }) =>
    (credentials.get('jwt_secrets') ?? []).map((credential) => ({ consumer: name, credential })),
  );
  const issuers = known.flatMap((each) => issuerOf(each, isBase64, { draft, findings }));
  if (issuers.length === 0) return close('no consumer has a key for tokens');
  const isNamed = known.every(({ consumer, credential }) => credential.raw('key') === consumer);
  if (!isNamed)
    findings.lost(
      entry.path,
      'who calls by a token is known by its sub: the key of a credential is not the name of its consumer',
      'call consumers as their issuer, or add the claim that names them: claims.consumer',
    );
  return {
    jwt: {
      issuers,
      anyAudience: true,
      ...(!checked.includes('exp') && { expiry: 'optional' }),
      ...(maxAge > 0 && { maxAge: `${maxAge}s` }),
      from: { ...(cookie !== undefined && { cookie }), ...(query !== undefined && { query }) },
      keep: true,
      ...(isNamed && { claims: { consumer: 'iss' } }),
    },
  };
}

/** A token is looked for in one place of a kind. */
function firstOf(config: Entry, key: string, standard: readonly string[]): string | undefined {
  const [first, ...others] = config.texts(key) ?? standard;
  if (others.length > 0)
    config.lost(key, `tokens are taken from ${first} alone, not from ${others.join(', ')}`);
  return first;
}

interface KnownKey {
  readonly consumer: string;
  readonly credential: Entry;
}

/** An issuer of tokens with its key, as the policy `jwt` has it. */
function issuerOf(
  { consumer, credential }: KnownKey,
  isBase64: boolean,
  { draft, findings }: Pick<ImportContext, 'draft' | 'findings'>,
): Writable[] {
  const issuer = credential.text('key');
  const algorithm = credential.text('algorithm') ?? 'HS256';
  const publicKey = credential.text('rsa_public_key');
  const written = credential.text('secret');
  const secret = written !== undefined && isBase64 ? decoded(written) : written;
  const isShared = algorithm.startsWith('HS');
  if (issuer !== undefined && isShared && secret !== undefined)
    return [{ issuer, secret: keptSecret(draft, `${consumer}_jwt_secret`, secret), algorithms: [algorithm] }];
  if (issuer !== undefined && !isShared && publicKey !== undefined)
    return [{ issuer, key: publicKey, algorithms: [algorithm] }];
  findings.lost(credential.path, 'a key of tokens that is missing, or is no text, is not carried over');
  return [];
}

function decoded(base64: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
}
