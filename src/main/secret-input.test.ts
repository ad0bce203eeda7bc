import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import type { ReadStream } from 'node:tty';
import { readSecret } from './secret-input.ts';

/** A terminal in which `keys` are typed once it shows nothing any more. */
function terminal(keys: readonly string[]) {
  const modes: boolean[] = [];
  const stream = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (raw: boolean) => {
      modes.push(raw);
      if (raw) for (const key of keys) stream.write(key);
    },
  });
  return { stream: stream as unknown as ReadStream, modes };
}

describe('A secret that is piped in', () => {
  for (const [text, secret] of [
    ['sécret\n', 'sécret'],
    ['secret\r\n', 'secret'],
    ['no line end', 'no line end'],
    ['', undefined],
    ['\n', undefined],
    ['two\nlines\n', undefined],
    ['x'.repeat(4097), undefined],
  ] as const) {
    it(`is ${secret === undefined ? 'none' : 'its line'}: ${JSON.stringify(text.slice(0, 20))}`, async () => {
      assert.equal(await readSecret(Readable.from([Buffer.from(text)]), new PassThrough()), secret);
    });
  }
});

describe('A secret that is typed', () => {
  for (const [keys, secret] of [
    [['se', 'cret\r'], 'secret'],
    [['sex\u007fcret\n'], 'secret'],
    [['sec\u0003'], undefined],
    [['\r'], undefined],
  ] as const) {
    it(`is not shown, and is ${secret ?? 'none'} after ${JSON.stringify(keys.join(''))}`, async () => {
      const { stream, modes } = terminal(keys);
      const prompts = new PassThrough();
      assert.equal(await readSecret(stream, prompts), secret);
      assert.deepEqual(modes, [true, false]);
      assert.equal(String(prompts.read()), 'Password: \n');
    });
  }
});
