import { isRecord } from '../../lib/is-record.ts';
import { EXIT, type Flag, type Given, type Io } from '../command-line.ts';
import { type AdminClient, AdminFailure } from './admin-client.ts';
import { REMOTE_FLAGS, UsageError } from './connect.ts';
import type { AccountKind } from './kinds.ts';
import { dataText, printable, textOrData } from './output.ts';

export const SERVICE_ACCOUNT_FLAG: Flag = {
  value: 'name',
  description: 'Of a token: whose it is; default: your own',
};

/** Flags of accounts, their roles and tokens, which are no part of the configuration and have no revisions. */
export const ACCOUNT_FLAGS = {
  title: { value: 'text', description: 'Of a user or service account: who or what it is' },
  password: { description: 'Of a user: ask for one, or read it from the standard input' },
  role: { value: 'role', description: 'Of a membership or token: viewer, developer, admin or owner' },
  days: { value: 'n', description: 'Of a token: how long it lives (90)' },
  'service-account': SERVICE_ACCOUNT_FLAG,
} as const satisfies Readonly<Record<string, Flag>>;

type Verb = 'create' | 'edit' | 'delete';

/** Which flags go with what. */
const ALLOWED: Readonly<Record<AccountKind, Readonly<Record<Verb, readonly string[]>>>> = {
  users: { create: ['title', 'password'], edit: ['title', 'password', 'enable', 'disable'], delete: [] },
  'service-accounts': {
    create: ['title', 'organization'],
    edit: ['title', 'enable', 'disable'],
    delete: [],
  },
  memberships: { create: ['role'], edit: ['role'], delete: [] },
  tokens: {
    create: ['role', 'days', 'organization', 'service-account'],
    edit: [],
    delete: ['service-account'],
  },
};
const SINGULAR: Readonly<Record<AccountKind, string>> = {
  users: 'user',
  'service-accounts': 'service account',
  memberships: 'membership',
  tokens: 'token',
};
const DEFAULT_DAYS = 90;

/** Makes an account, gives a role (`acme/alice`) or makes a token, which is printed alone. The exit code. */
export async function createAccount(
  kind: AccountKind,
  name: string,
  given: Given,
  io: Io,
  client: AdminClient,
): Promise<number> {
  check('create', kind, given);
  if (kind === 'tokens') return createToken(name, given, io, client);
  const path = pathOf(kind, name);
  if (kind === 'memberships') return giveRole(path, name, given, io, client);
  // Whoever is there would lose what is not said here, such as their identities.
  if (await isThere(client, path)) throw new AdminFailure(`there is a ${SINGULAR[kind]} ${name} already`);
  return put(path, await changed({}, given, io), `${SINGULAR[kind]} ${name} created`, given, io, client);
}

/** Changes an account by flags, or a role. The exit code. */
export async function editAccount(
  kind: AccountKind,
  name: string,
  given: Given,
  io: Io,
  client: AdminClient,
): Promise<number> {
  if (kind === 'tokens') throw new UsageError('a token is not changed: make another, and delete this one');
  check('edit', kind, given);
  const path = pathOf(kind, name);
  if (kind === 'memberships') return giveRole(path, name, given, io, client);
  if (!ALLOWED[kind].edit.some((flag) => given.has(flag)))
    throw new UsageError(`say what to change: ${ALLOWED[kind].edit.map((flag) => `--${flag}`).join(', ')}`);
  const { body } = await client.call('GET', path);
  if (!isRecord(body)) throw new AdminFailure('the gateway answered something that is no account');
  const { title, disabled, identities, organization } = body;
  const current = kind === 'users' ? { title, disabled, identities } : { title, disabled, organization };
  const wanted = await changed(current, given, io);
  return put(path, wanted, `${SINGULAR[kind]} ${name} changed`, given, io, client);
}

/** Deletes an account, takes a role away or revokes a token. The exit code. */
export async function deleteAccount(
  kind: AccountKind,
  name: string,
  given: Given,
  io: Io,
  client: AdminClient,
): Promise<number> {
  check('delete', kind, given);
  const path =
    kind === 'tokens'
      ? `${tokensOf(given.value('service-account'))}/${encodeURIComponent(name)}`
      : pathOf(kind, name);
  await client.call('DELETE', path);
  io.out(`${printable(`${SINGULAR[kind]} ${name} ${kind === 'tokens' ? 'revoked' : 'deleted'}`)}\n`);
  return EXIT.ok;
}

/** These are of nothing that the configuration has. */
export function refuseAccountFlags(given: Given): void {
  const wrong = Object.keys(ACCOUNT_FLAGS).find((flag) => given.has(flag));
  if (wrong !== undefined) throw new UsageError(`--${wrong} is for accounts, their roles and tokens`);
}

/** Tokens of a service account, or of whoever asks. */
export function tokensOf(serviceAccount: string | undefined): string {
  return serviceAccount === undefined
    ? '/v1/tokens'
    : `/v1/service-accounts/${encodeURIComponent(serviceAccount)}/tokens`;
}

/** `--days`: how long a token lives. */
export function daysOf(given: Given, byDefault: number): number {
  const days = given.value('days') ?? String(byDefault);
  if (!/^\d{1,4}$/.test(days)) throw new UsageError(`--days takes a number, not ${JSON.stringify(days)}`);
  return Number(days);
}

/** The token that was made. */
export function tokenIn(body: unknown): string {
  if (!isRecord(body) || typeof body['token'] !== 'string')
    throw new AdminFailure('the gateway answered something that is no token');
  return body['token'];
}

function check(verb: Verb, kind: AccountKind, given: Given): void {
  textOrData(given);
  const allowed = [...ALLOWED[kind][verb], 'output', ...Object.keys(REMOTE_FLAGS)];
  const wrong = given.flags.find((flag) => !allowed.includes(flag));
  if (wrong !== undefined) throw new UsageError(`--${wrong} is not for ${verb} ${SINGULAR[kind]}`);
  if (given.args.length > 2) throw new UsageError(`unexpected argument ${JSON.stringify(given.args[2])}`);
}

function pathOf(kind: Exclude<AccountKind, 'tokens'>, name: string): string {
  if (kind !== 'memberships') return `/v1/${kind}/${encodeURIComponent(name)}`;
  const [organization = '', account = '', ...rest] = name.split('/');
  if (organization === '' || account === '' || rest.length > 0)
    throw new UsageError(
      `a membership is <organization>/<account>, such as acme/alice, not ${JSON.stringify(name)}`,
    );
  return `/v1/memberships/${encodeURIComponent(organization)}/${encodeURIComponent(account)}`;
}

async function changed(
  current: Readonly<Record<string, unknown>>,
  given: Given,
  io: Io,
): Promise<Readonly<Record<string, unknown>>> {
  if (given.has('enable') && given.has('disable'))
    throw new UsageError('--enable and --disable exclude each other');
  const password = given.has('password') ? await io.secret() : undefined;
  if (given.has('password') && password === undefined) throw new UsageError('no password was given');
  return {
    ...current,
    ...(given.has('title') && { title: given.value('title') }),
    ...(given.has('organization') && { organization: given.value('organization') }),
    ...(given.has('enable') && { disabled: false }),
    ...(given.has('disable') && { disabled: true }),
    ...(password !== undefined && { password }),
  };
}

function giveRole(path: string, name: string, given: Given, io: Io, client: AdminClient): Promise<number> {
  const role = given.value('role');
  if (role === undefined) throw new UsageError('say which role: --role developer');
  return put(path, { role }, `${name} is ${role}`, given, io, client);
}

async function put(
  path: string,
  body: object,
  done: string,
  given: Given,
  io: Io,
  client: AdminClient,
): Promise<number> {
  const form = textOrData(given);
  const reply = await client.call('PUT', path, { body });
  io.out(form === 'text' ? `${printable(done)}\n` : dataText(reply.body, form));
  return EXIT.ok;
}

async function createToken(name: string, given: Given, io: Io, client: AdminClient): Promise<number> {
  const days = daysOf(given, DEFAULT_DAYS);
  const organization = given.value('organization');
  const { body } = await client.call('POST', tokensOf(given.value('service-account')), {
    body: {
      name,
      days,
      role: given.value('role'),
      organizations: organization === undefined ? undefined : [organization],
    },
  });
  const token = tokenIn(body);
  const form = textOrData(given);
  if (form !== 'text') io.out(dataText(body, form));
  else {
    // Alone, so that it can be put away without being seen.
    io.out(`${token}\n`);
    io.err('It is told this once.\n');
  }
  return EXIT.ok;
}

async function isThere(client: AdminClient, path: string): Promise<boolean> {
  try {
    await client.call('GET', path);
    return true;
  } catch (error) {
    if (error instanceof AdminFailure && error.status === 404) return false;
    throw error;
  }
}
