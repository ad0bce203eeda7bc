import { open } from 'node:fs/promises';

export interface FileFailure {
  readonly ok: false;
  /** Continues a sentence that begins with the file: `does not exist`. */
  readonly reason: string;
  /** Nothing is under this name; what is there is no UTF-8. */
  readonly kind: 'missing' | 'malformed' | 'unreadable';
}

export type FileResult = { readonly ok: true; readonly text: string } | FileFailure;

export type BytesResult = { readonly ok: true; readonly bytes: Buffer } | FileFailure;

/** Text of a regular file, UTF-8, of a bounded size. Never rejects. */
export async function readText(file: string, maxBytes: number): Promise<FileResult> {
  const read = await readBytes(file, maxBytes);
  if (!read.ok) return read;
  try {
    return {
      ok: true,
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(read.bytes),
    };
  } catch {
    return { ok: false, reason: 'is not UTF-8 text', kind: 'malformed' };
  }
}

/** What a regular file holds, of a bounded size. Never rejects. */
export async function readBytes(file: string, maxBytes: number): Promise<BytesResult> {
  const refused = (reason: string): FileFailure => ({ ok: false, reason, kind: 'unreadable' });
  try {
    const handle = await open(file, 'r');
    try {
      const stat = await handle.stat();
      if (stat.isDirectory()) return refused('is a directory');
      // A device or a pipe could be without end.
      if (!stat.isFile()) return refused('is not a regular file');
      if (stat.size > maxBytes) return refused(`is larger than ${maxBytes / 1024 ** 2} MiB`);
      const bytes = await handle.readFile();
      if (bytes.length > maxBytes) return refused(`is larger than ${maxBytes / 1024 ** 2} MiB`);
      return { ok: true, bytes };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return { ok: false, reason: reasonOf(code), kind: code === 'ENOENT' ? 'missing' : 'unreadable' };
  }
}

function reasonOf(code: unknown): string {
  switch (code) {
    case 'ENOENT':
      return 'does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read (no permission)';
    default:
      return `cannot be read (${typeof code === 'string' ? code : 'unknown reason'})`;
  }
}
