import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminFailure } from './admin-client.ts';
import { UsageError } from './connect.ts';

/** A text in a file of its own, for an editor. It stays until it is removed, so that no work is lost. */
export class Draft {
  readonly file: string;
  readonly #folder: string;
  readonly #begun: string;

  private constructor(folder: string, name: string, begun: string) {
    this.#folder = folder;
    this.file = join(folder, name);
    this.#begun = begun;
  }

  static async begin(name: string, text: string): Promise<Draft> {
    const draft = new Draft(await mkdtemp(join(tmpdir(), 'portcullis-edit-')), name, text);
    // Only whoever edits reads it.
    await writeFile(draft.file, text, { mode: 0o600 });
    return draft;
  }

  /** What an editor makes of it. Rejects with `AdminFailure` where that ends with anything but 0. */
  async edit(editor: string): Promise<string> {
    await run(editor, this.file);
    return this.#read();
  }

  /** Whether there is anything in it that would be lost. */
  async isWorked(): Promise<boolean> {
    const text = await this.#read().catch(() => '');
    return text.trim() !== '' && text !== this.#begun;
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }

  #read(): Promise<string> {
    return readFile(this.file, 'utf8');
  }
}

/** As git does: the editor may have arguments, so that a shell reads it. */
function run(editor: string, file: string): Promise<void> {
  const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new UsageError(`the editor cannot be started: ${error.message}`)));
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new AdminFailure(`the editor ended with ${code}: nothing was changed`)),
    );
  });
}
