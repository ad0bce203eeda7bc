import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { isRecord } from '../../lib/is-record.ts';
import { type Command, EXIT, type Given, type Io } from '../command-line.ts';
import { daysOf, tokenIn } from '../remote/accounts.ts';
import { type AdminClient, AdminFailure } from '../remote/admin-client.ts';
import { adminUrl, client, openContexts, readAuthorities, reporting, UsageError } from '../remote/connect.ts';
import { CONTEXT_NAME } from '../remote/contexts.ts';
import { printable } from '../remote/output.ts';

const DEFAULT_DAYS = 30;

export const loginCommand: Command = {
  name: 'login',
  summary: 'Keep a token for a gateway, so that commands may manage it',
  details: [
    'With --user it asks for the password and has the gateway make a token; the password is not kept. Else it asks for a token,',
    'which whoever logs in by an identity provider makes at the admin port. Both may come from the standard input.',
  ].join('\n'),
  arguments: [{ name: 'context', required: true, description: 'Name for the gateway, of your choice' }],
  flags: {
    url: { value: 'url', description: 'Address of the admin port; default: that of the context' },
    user: { short: 'u', value: 'name', description: 'A user of the gateway itself' },
    role: { value: 'role', description: 'The highest role that the token has; default: developer' },
    days: { value: 'n', description: `How long it lives; default: ${DEFAULT_DAYS}` },
    ca: { value: 'file', description: 'PEM of the authorities that the admin port is trusted by' },
  },
  examples: [
    'portcullis login staging --url https://gateway.staging.example.com:9900 --user alice',
    'portcullis login staging < token.txt',
  ],
  run: (given, io) => reporting('login', io, () => logIn(given, io)),
};

async function logIn(given: Given, io: Io): Promise<number> {
  const [name = ''] = given.args;
  if (!CONTEXT_NAME.test(name))
    throw new UsageError('a name has up to 100 letters, digits, ".", "_" and "-"');
  const user = given.value('user');
  if (user === undefined && (given.has('role') || given.has('days')))
    throw new UsageError('--role and --days are for the token that --user has the gateway make');
  const contexts = await openContexts(io);
  const known = contexts.get(name);
  const address = given.value('url') ?? known?.url;
  if (address === undefined) throw new UsageError('say where it is: --url https://gateway.example.com:9900');
  const caFile = given.value('ca');
  const ca = caFile === undefined ? known?.ca : await readAuthorities(resolve(io.cwd, caFile));
  // Asked before it is connected to, so that no secret is typed for an address that gets none.
  client(address, 'a secret', ca);
  const secret = await io.secret();
  if (secret === undefined)
    throw new AdminFailure(`no ${user === undefined ? 'token' : 'password'} was given`);
  const token =
    user === undefined ? secret : await newToken(client(address, undefined, ca), user, secret, given);
  const who = await whoIs(client(address, token, ca));
  await contexts.put(name, { url: adminUrl(address).origin, token, ...(ca === undefined ? {} : { ca }) });
  io.out(`Logged in to ${name} as ${printable(who)}.\n`);
  return EXIT.ok;
}

async function newToken(gateway: AdminClient, user: string, password: string, given: Given): Promise<string> {
  const days = daysOf(given, DEFAULT_DAYS);
  const { body } = await gateway.call('POST', '/v1/tokens', {
    body: {
      name: `portcullis login on ${hostname()}`.slice(0, 100),
      role: given.value('role') ?? 'developer',
      days,
    },
    fields: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
  });
  return tokenIn(body);
}

async function whoIs(gateway: AdminClient): Promise<string> {
  const { body } = await gateway.call('GET', '/v1/whoami');
  return isRecord(body) && typeof body['name'] === 'string' ? body['name'] : 'somebody';
}

export const logoutCommand: Command = {
  name: 'logout',
  summary: 'Revoke the token that is kept for a gateway, and forget it',
  arguments: [{ name: 'context', description: 'Default: the current one' }],
  flags: {},
  examples: ['portcullis logout staging'],
  run: (given, io) => reporting('logout', io, () => logOut(given, io)),
};

async function logOut(given: Given, io: Io): Promise<number> {
  const contexts = await openContexts(io);
  const name = given.args[0] ?? contexts.current;
  const context = name === undefined ? undefined : contexts.get(name);
  if (name === undefined || context === undefined)
    throw new UsageError(`there is no context ${name ?? ''}`.trim());
  const { url, token, ca } = context;
  if (token !== undefined) {
    await revoke(client(url, token, ca), io);
    await contexts.forgetToken(name);
  }
  io.out(`Logged out of ${name}.\n`);
  return EXIT.ok;
}

/** A token that is not revoked is forgotten all the same; whoever runs the gateway can revoke it. */
async function revoke(gateway: AdminClient, io: Io): Promise<void> {
  try {
    const { body } = await gateway.call('GET', '/v1/whoami');
    const id = isRecord(body) ? body['token'] : undefined;
    if (typeof id === 'string') await gateway.call('DELETE', `/v1/tokens/${encodeURIComponent(id)}`);
  } catch (error) {
    if (!(error instanceof AdminFailure)) throw error;
    io.err(`The token was not revoked: ${error.message}\n`);
  }
}
