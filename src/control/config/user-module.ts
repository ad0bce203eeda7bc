import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { digest, type FileReader, MAX_SMALL_FILE_BYTES } from './files.ts';

/**
 * The address to import a user's own module by: it changes when the file does, or one that it imports by a relative path. `reason` completes a
 * sentence that begins with the file.
 */
export async function userModule(
  path: string,
  files: FileReader,
): Promise<{ readonly module: string } | { readonly file: string; readonly reason: string }> {
  const file = files.absolute(path);
  const read = await files.read(path, MAX_SMALL_FILE_BYTES);
  if (!read.ok) return { file, reason: read.reason };
  const texts = await moduleTexts(file, read.text, files, new Map());
  return { module: `${pathToFileURL(file).href}?v=${digest(JSON.stringify([...texts]))}` };
}

/** The file's text and those of the files that it imports by a relative path, and they in turn: a change of any is a change of the module. */
async function moduleTexts(
  file: string,
  text: string,
  files: FileReader,
  texts: Map<string, string>,
): Promise<Map<string, string>> {
  if (texts.size >= MAX_MODULE_FILES) return texts;
  texts.set(file, text);
  for (const match of text.matchAll(RELATIVE_IMPORT)) {
    const imported = resolve(dirname(file), match[1] as string);
    if (texts.has(imported)) continue;
    // One that is missing is told of when the module is loaded; it is watched all the same.
    const read = await files.read(imported, MAX_SMALL_FILE_BYTES);
    if (read.ok) await moduleTexts(imported, read.text, files, texts);
  }
  return texts;
}

/** Static and dynamic imports; what a comment or a text holds that looks like one does no harm. */
const RELATIVE_IMPORT = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"\n]+)['"]/g;
const MAX_MODULE_FILES = 500;
