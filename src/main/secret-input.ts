import type { Readable, Writable } from 'node:stream';
import type { ReadStream } from 'node:tty';

/** A secret is a line; what is longer is something else that was piped in. */
const MAX_BYTES = 4096;

const ENTER = /[\r\n\u0004]/;
const CANCEL = '\u0003';
const RUBOUT = /[\u007f\b]/;

/**
 * A secret that somebody types, without showing it, or that is piped in: up to the end of its line. Undefined when there is none, it was
 * cancelled, or it is longer than 4096 octets.
 */
export function readSecret(input: ReadStream | Readable, prompts: Writable): Promise<string | undefined> {
  return 'setRawMode' in input && input.isTTY ? typed(input, prompts) : piped(input);
}

async function piped(input: Readable): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of input as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    if (length > MAX_BYTES) return undefined;
  }
  const line = Buffer.concat(pieces)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  return line === '' || line.includes('\n') ? undefined : line;
}

function typed(input: ReadStream, prompts: Writable): Promise<string | undefined> {
  prompts.write('Password: ');
  input.setRawMode(true);
  input.setEncoding('utf8');
  return new Promise((resolve) => {
    let text = '';
    const done = (result: string | undefined): void => {
      input.off('data', take);
      input.setRawMode(false);
      input.pause();
      prompts.write('\n');
      resolve(result);
    };
    const take = (data: string): void => {
      for (const character of data) {
        if (character === CANCEL) return done(undefined);
        if (ENTER.test(character)) return done(text === '' ? undefined : text);
        if (RUBOUT.test(character)) text = text.slice(0, -1);
        else if (text.length < MAX_BYTES) text += character;
      }
    };
    input.on('data', take);
    input.resume();
  });
}
