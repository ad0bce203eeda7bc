import { Worker } from 'node:worker_threads';
import { messageOf } from '../../lib/message-of.ts';
import { type ConfigSource, errorAt, locateProblems, type SourceResult } from './source.ts';
import { SourceText } from './source-text.ts';
import { TypeScriptPlaces } from './typescript-places.ts';
import type { ModuleAnswer } from './typescript-worker.ts';

export interface TypeScriptOptions {
  /** How long the module may take to be evaluated, in milliseconds. */
  readonly timeoutMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Evaluates a configuration in TypeScript or JavaScript in a thread of its own. Never rejects. */
export async function typescriptSource(
  file: string,
  text: string,
  options: TypeScriptOptions,
): Promise<SourceResult> {
  const answer = await evaluate(file, options);
  const root = new SourceText(file, text);
  if (typeof answer === 'string') return { ok: false, errors: [errorAt(root, { start: 0, end: 1 }, answer)] };
  const files = [...answer.texts.keys()];
  if (!answer.ok) {
    const place = answer.place ?? { file, line: 1, column: 1 };
    const source =
      place.file === file ? root : new SourceText(place.file, answer.texts.get(place.file)?.text ?? '');
    const start = source.offsetOf(place.line, place.column);
    return {
      ok: false,
      files,
      errors: [errorAt(source, { start, end: start + 1 }, answer.message)],
    };
  }
  const places = new TypeScriptPlaces(root, answer.texts);
  const source: ConfigSource = { file, value: answer.value, locate: (path) => places.locate(path) };
  if (answer.problems.length > 0)
    return { ok: false, files, errors: locateProblems(source, answer.problems) };
  return { ok: true, source, files };
}

function evaluate(file: string, options: TypeScriptOptions): Promise<ModuleAnswer | string> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(`./typescript-worker.${EXTENSION}`, import.meta.url), {
      workerData: { file },
      env: { ...options.env },
      execArgv: ['--disable-warning=ExperimentalWarning', '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'],
    });
    const timer = setTimeout(() => {
      finish(`did not finish within ${options.timeoutMs} ms`);
    }, options.timeoutMs);
    function finish(result: ModuleAnswer | string): void {
      clearTimeout(timer);
      resolve(result);
      void worker.terminate();
    }
    worker.once('message', (answer: ModuleAnswer) => finish(answer));
    worker.once('error', (error) => finish(messageOf(error)));
    worker.once('exit', () =>
      finish('ended before it exported a configuration: by process.exit, or by waiting for what never comes'),
    );
  });
}
