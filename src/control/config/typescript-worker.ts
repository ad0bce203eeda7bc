import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { parse } from 'acorn';
import { messageOf } from '../../lib/message-of.ts';
import { OWN_ENTRIES, OWN_SOURCES } from '../../lib/own-entries.ts';
import { plainData } from './plain-data.ts';
import type { Problem } from './problem.ts';
import type { ModuleText } from './typescript-places.ts';

/**
 * The thread that a configuration in TypeScript or JavaScript is evaluated in: once, and then it ends. A new thread has no module
 * loaded yet, so that a reload sees every file as it is now, and what a configuration leaves running ends with it.
 */

export interface ModulePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type ModuleAnswer = { readonly texts: ReadonlyMap<string, ModuleText> } & (
  | { readonly ok: true; readonly value: unknown; readonly problems: readonly Problem[] }
  | { readonly ok: false; readonly message: string; readonly place: ModulePlace | undefined }
);

const texts = new Map<string, ModuleText>();

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(OWN_ENTRIES.get(specifier) ?? specifier, context);
    // TypeScript is read as an ES module whatever the nearest package.json says.
    return /\.m?ts$/.test(resolved.url) ? { ...resolved, format: 'module-typescript' } : resolved;
  },
  load(url, context, nextLoad) {
    if (url.startsWith('file:') && !url.startsWith(OWN_SOURCES) && !url.includes('/node_modules/'))
      remember(fileURLToPath(url));
    return nextLoad(url, context);
  },
});

function remember(file: string): void {
  const text = readFileSync(file, 'utf8');
  texts.set(file, { text, stripped: text });
  if (!/\.[cm]?ts$/.test(file)) return;
  try {
    texts.set(file, { text, stripped: stripTypeScriptTypes(text) });
  } catch (error) {
    throw new ModuleFault(messageOf(error), placeInStack(error, file));
  }
}

class ModuleFault extends Error {
  readonly place: ModulePlace | undefined;
  constructor(message: string, place: ModulePlace | undefined) {
    super(message);
    this.place = place;
  }
}

async function evaluate(file: string): Promise<ModuleAnswer> {
  try {
    const module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
    const exported = module['default'] ?? module['config'];
    if (exported === undefined) {
      return {
        ok: false,
        message: 'exports no configuration: write export default defineConfig({ ... })',
        place: { file, line: 1, column: 1 },
        texts,
      };
    }
    return { ok: true, ...plainData(exported), texts };
  } catch (error) {
    if (error instanceof ModuleFault) return { ok: false, message: error.message, place: error.place, texts };
    const message = messageOf(error);
    return { ok: false, message: message.split('\n')[0] as string, place: placeOfError(error, file), texts };
  }
}

/** A syntax error's stack begins with file:line, the line and a caret; any other error names its place in its frames. */
function placeOfError(error: unknown, file: string): ModulePlace | undefined {
  if (!(error instanceof Error)) return undefined;
  const stack = error.stack ?? '';
  const first = /^(?:file:\/\/)?(\/.+?):\d+$/.exec(stack.slice(0, Math.max(0, stack.indexOf('\n'))))?.[1];
  if (first !== undefined) return placeInStack(error, first);
  if (error instanceof SyntaxError) return placeOfSyntaxError() ?? { file, line: 1, column: 1 };
  for (const frame of stack.matchAll(/\(?(file:\/\/\/[^()\n]+?):(\d+):(\d+)\)?$/gm)) {
    const frameFile = fileURLToPath(frame[1] as string);
    if (texts.has(frameFile)) return { file: frameFile, line: Number(frame[2]), column: Number(frame[3]) };
  }
  const specifier = /^Cannot find (?:package|module) '([^']+)'/.exec(error.message)?.[1];
  const name = specifier?.split('/').at(-1);
  for (const [importer, { text }] of name === undefined ? [] : texts) {
    const offset = text.indexOf(name as string);
    if (offset === -1) continue;
    const before = text.slice(0, offset).split('\n');
    return { file: importer, line: before.length, column: (before.at(-1) as string).length + 1 };
  }
  return { file, line: 1, column: 1 };
}

function placeInStack(error: unknown, file: string): ModulePlace {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const line = /^[^\n]*?:(\d+)\n/.exec(stack)?.[1];
  const caret = /^( *)\^+$/m.exec(stack)?.[1];
  return line === undefined
    ? { file, line: 1, column: 1 }
    : { file, line: Number(line), column: (caret ?? '').length + 1 };
}

/** The engine does not say where a syntax error of JavaScript is; acorn does. */
function placeOfSyntaxError(): ModulePlace | undefined {
  for (const [file, { stripped }] of texts) {
    try {
      parse(stripped, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true });
    } catch (error) {
      const { loc } = error as { readonly loc?: { readonly line: number; readonly column: number } };
      if (loc !== undefined) return { file, line: loc.line, column: loc.column + 1 };
    }
  }
  return undefined;
}

function answer(result: ModuleAnswer): void {
  parentPort?.postMessage(result);
  // What the configuration left running (timers, sockets) would keep the thread alive.
  process.exit();
}

void evaluate((workerData as { readonly file: string }).file).then(answer);
