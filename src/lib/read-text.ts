import { open } from 'node:fs/promises';

export type FileResult =
  | { readonly ok: true; readonly text: string }
  | {
      readonly ok: false;
      /** Continues a sentence that begins with the file: `does not exist`. */
      readonly reason: string;
      /** Nothing is under this name; what is there is no UTF-8. */
      readonly kind: 'missing' | 'malformed' | 'unreadable';
    };

/** Text of a regular file, UTF-8, of a bounded size. Never rejects. */
export async function readText(file: string, maxBytes: number): Promise<FileResult> {
  const refused = (reason: string): FileResult => ({ ok: false, reason, kind: 'unreadable' });
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
      return { ok: true, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const kind =
      code === 'ENOENT'
        ? 'missing'
        : code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
          ? 'malformed'
          : 'unreadable';
    return { ok: false, reason: reasonOf(code), kind };
  }
}

function reasonOf(code: unknown): string {
  switch (code) {
    case 'ENOENT':
      return 'does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read (no permission)';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'is not UTF-8 text';
    default:
      return `cannot be read (${typeof code === 'string' ? code : 'unknown reason'})`;
  }
}
