import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { withFileLock } from '../../lib/file-lock.ts';
import { messageOf } from '../../lib/message-of.ts';
import { readText } from '../../lib/read-text.ts';
import { replaceFile } from '../../lib/replace-file.ts';

/** A gateway that commands talk to, under a name of the user's choice. */
export interface Context {
  readonly url: string;
  readonly token?: string | undefined;
  /** PEM of the authorities that the admin port is trusted by. */
  readonly ca?: string | undefined;
}

const contextsSchema = z.strictObject({
  current: z.string().optional(),
  contexts: z.record(
    z.string(),
    z.strictObject({ url: z.string(), token: z.string().optional(), ca: z.string().optional() }),
  ),
});

/** For other commands that change the file. */
const WAIT_MS = 5000;
const MAX_FILE_BYTES = 4 * 1024 * 1024;
export const CONTEXT_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

type Stored = z.output<typeof contextsSchema>;

/** The gateways that a user knows, in a file that nobody else can read: it holds their tokens. */
export class Contexts {
  readonly file: string;
  #stored: Stored;

  private constructor(file: string, stored: Stored) {
    this.file = file;
    this.#stored = stored;
  }

  /** `PORTCULLIS_CONTEXTS` names the file; else it is `portcullis/contexts.json` below `XDG_CONFIG_HOME` or `~/.config`. Throws an Error. */
  static async open(env: Readonly<Record<string, string | undefined>>): Promise<Contexts> {
    const configs = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
    const file = env['PORTCULLIS_CONTEXTS'] || join(configs, 'portcullis', 'contexts.json');
    return new Contexts(file, await readContexts(file));
  }

  get current(): string | undefined {
    return this.#stored.current;
  }

  get names(): readonly string[] {
    return Object.keys(this.#stored.contexts);
  }

  get(name: string): Context | undefined {
    return Object.hasOwn(this.#stored.contexts, name) ? this.#stored.contexts[name] : undefined;
  }

  /** Keeps it and makes it the one that commands use. */
  async put(name: string, context: Context): Promise<void> {
    await this.#change(({ contexts }) => ({ current: name, contexts: { ...contexts, [name]: context } }));
  }

  /** Forgets the token of a gateway that is known. */
  async forgetToken(name: string): Promise<void> {
    await this.#change((stored) => {
      const { [name]: context, ...others } = stored.contexts;
      if (context === undefined) return stored;
      const { token: _, ...rest } = context;
      return { ...stored, contexts: { ...others, [name]: rest } };
    });
  }

  async use(name: string): Promise<void> {
    await this.#change((stored) => ({ ...stored, current: name }));
  }

  async remove(name: string): Promise<void> {
    await this.#change(({ current, contexts }) => {
      const { [name]: _, ...others } = contexts;
      return { ...(current === name ? {} : { current }), contexts: others };
    });
  }

  /** Of what the file says now: another command may have changed it since it was read. */
  async #change(change: (stored: Stored) => Stored): Promise<void> {
    await mkdir(dirname(this.file), { recursive: true, mode: 0o700 });
    await withFileLock(`${this.file}.lock`, WAIT_MS, async (isHeld) => {
      const stored = change(await readContexts(this.file));
      await replaceFile(this.file, `${JSON.stringify(stored, null, 2)}\n`, async () => {
        if (!(await isHeld()))
          throw new Error(`${this.file} was changed by another command meanwhile: try again`);
      });
      this.#stored = stored;
    });
  }
}

async function readContexts(file: string): Promise<Stored> {
  const read = await readText(file, MAX_FILE_BYTES);
  if (!read.ok) {
    if (read.kind === 'missing') return { contexts: {} };
    throw new Error(`${file} ${read.reason}`);
  }
  let written: unknown;
  try {
    written = JSON.parse(read.text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = contextsSchema.safeParse(written);
  if (!parsed.success) throw new Error(`${file} is not a file of contexts`);
  return parsed.data;
}
