import { randomBytes } from 'node:crypto';
import { keyDigest } from '../../identity/consumers/api-keys.ts';
import { hasControlCharacter } from '../../identity/passwords/characters.ts';
import { HAS_ARGON2ID, hashPassword } from '../../identity/passwords/password-hash.ts';
import { formatPhc } from '../../identity/passwords/phc.ts';
import { type Command, EXIT, type Given, type Io } from '../command-line.ts';

/** Of an API key: what is random in it cannot be guessed, so that a fast hash is enough. */
const KEY_BYTES = 32;
const PREFIX = /^[A-Za-z0-9_-]{0,50}$/;

export const hashCommand: Command = {
  name: 'hash',
  summary: 'Print the hash of a password for the configuration, or a new API key and its hash',
  details: [
    'The password is asked for, or read from the standard input up to the end of its line; it is never an argument,',
    'where other users of the machine could read it. What is printed goes into `basic.hash` or `apiKeys[].hash` of a consumer.',
  ].join('\n'),
  arguments: [],
  flags: {
    scrypt: { description: 'Hash by scrypt; default: argon2id, where Node.js has it' },
    'api-key': { description: 'Make a random API key and print it, once, with its hash' },
    prefix: { value: 'text', description: 'What the API key begins with, such as acme_' },
  },
  examples: [
    'portcullis hash',
    'printf %s "$PASSWORD" | portcullis hash --scrypt',
    'portcullis hash --api-key --prefix acme_',
  ],
  run: (given, io) => (given.has('api-key') ? apiKey(given, io) : password(given, io)),
};

async function apiKey(given: Given, io: Io): Promise<number> {
  const prefix = given.value('prefix') ?? '';
  if (given.has('scrypt')) return wrong(io, '--scrypt is for passwords: an API key is random');
  if (!PREFIX.test(prefix)) return wrong(io, 'a prefix is of up to 50 letters, digits, - and _');
  const key = prefix + randomBytes(KEY_BYTES).toString('base64url');
  io.out(`key:  ${key}\nhash: sha256:${keyDigest(key)}\n`);
  return EXIT.ok;
}

async function password(given: Given, io: Io): Promise<number> {
  if (given.has('prefix')) return wrong(io, '--prefix goes with --api-key');
  const text = await io.secret();
  if (text === undefined || hasControlCharacter(text)) {
    io.err('portcullis hash: no password was given: one line of text, without control characters\n');
    return EXIT.failed;
  }
  const kind = given.has('scrypt') || !HAS_ARGON2ID ? 'scrypt' : 'argon2id';
  io.out(`${formatPhc(await hashPassword(text, kind))}\n`);
  return EXIT.ok;
}

function wrong(io: Io, message: string): number {
  io.err(`portcullis hash: ${message}\n`);
  return EXIT.usage;
}
