import { resolve } from 'node:path';
import { messageOf } from '../../lib/message-of.ts';
import { readText } from '../../lib/read-text.ts';
import { type Command, didYouMean, EXIT, type Flag, type Given, type Io } from '../command-line.ts';
import { AdminClient, AdminFailure } from './admin-client.ts';
import { Contexts } from './contexts.ts';

const DEFAULT_URL = 'http://127.0.0.1:9900';
const MAX_CA_BYTES = 1024 * 1024;

/** Flags of every command that talks to a running gateway. */
export const REMOTE_FLAGS: Readonly<Record<string, Flag>> = {
  context: { value: 'name', description: 'Which of the known gateways; default: the current one' },
  admin: {
    value: 'url',
    description: `Address of the admin port instead; the token is then PORTCULLIS_TOKEN. Default: ${DEFAULT_URL}`,
  },
  ca: { value: 'file', description: 'PEM of the authorities that the admin port is trusted by' },
};

/** Wrong use of a command: exit code 2. */
export class UsageError extends Error {}

/** What was written cannot be taken, before any gateway is asked: exit code 1. */
export class InputFailure extends Error {}

/** What a command that talks to a running gateway does; it throws `UsageError`, `InputFailure` and `AdminFailure`. */
export type RemoteRun = (given: Given, io: Io, client: AdminClient) => Promise<number>;

/** A command that talks to a running gateway. */
export function remoteCommand(command: Omit<Command, 'run'> & { readonly run: RemoteRun }): Command {
  return {
    ...command,
    flags: { ...command.flags, ...REMOTE_FLAGS },
    run: (given, io) =>
      reporting(command.name, io, async () => command.run(given, io, await connect(given, io))),
  };
}

/** Runs something and tells what went wrong as a command does. */
export async function reporting(name: string, io: Io, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!isTold(error)) throw error;
    io.err(`portcullis ${name}: ${error.message}\n`);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

/** Whether an error is for whoever gave the command. */
export function isTold(error: unknown): error is UsageError | InputFailure | AdminFailure {
  return error instanceof UsageError || error instanceof InputFailure || error instanceof AdminFailure;
}

/** Whether the flags name one: for commands that also do without. */
export function namesGateway(given: Given): boolean {
  return given.has('context') || given.has('admin');
}

/** The gateway that the flags, the environment or the current context name. */
export async function connect(given: Given, io: Io): Promise<AdminClient> {
  const named = given.value('context');
  const address = given.value('admin') ?? io.env['PORTCULLIS_ADMIN'];
  if (named !== undefined && given.has('admin'))
    throw new UsageError('--context and --admin both name a gateway: give one of them');
  const caFile = given.value('ca');
  const ca = caFile === undefined ? undefined : await readAuthorities(resolve(io.cwd, caFile));
  const token = io.env['PORTCULLIS_TOKEN'];
  if (named === undefined && address !== undefined) return client(address, token, ca);
  const contexts = await openContexts(io);
  const name = named ?? contexts.current;
  if (name === undefined) return client(DEFAULT_URL, token, ca);
  const context = contexts.get(name);
  if (context === undefined)
    throw new UsageError(`there is no context ${name}${didYouMean(name, contexts.names)}`);
  return client(context.url, token ?? context.token, ca ?? context.ca);
}

export async function openContexts(io: Io): Promise<Contexts> {
  try {
    return await Contexts.open(io.env);
  } catch (error) {
    throw new AdminFailure(messageOf(error));
  }
}

/** A client of that address; throws `UsageError` where there must be none. */
export function client(address: string, token: string | undefined, ca: string | undefined): AdminClient {
  const url = adminUrl(address);
  if (token !== undefined && url.protocol === 'http:' && !isThisMachine(url.hostname))
    throw new UsageError(`a token is not sent to ${url.host} without TLS: write https://`);
  return new AdminClient({ url, token, ca });
}

/** The address of an admin port; throws `UsageError` for what is none. */
export function adminUrl(address: string): URL {
  const url = /^https?:\/\//.test(address) && URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.pathname !== '/' || url.search !== '' || url.username !== '')
    throw new UsageError(
      `${JSON.stringify(address)} is not the address of an admin port: write ${DEFAULT_URL}`,
    );
  return url;
}

export async function readAuthorities(file: string): Promise<string> {
  const read = await readText(file, MAX_CA_BYTES);
  if (!read.ok) throw new UsageError(`${file} ${read.reason}`);
  if (!read.text.includes('-----BEGIN CERTIFICATE-----'))
    throw new UsageError(`${file} holds no PEM certificate`);
  return read.text;
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
