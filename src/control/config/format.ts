import { isAbsolute, relative } from 'node:path';
import { styleText } from 'node:util';
import type { ConfigError } from './problem.ts';

export interface FormatOptions {
  /** Colours for a terminal; default false. */
  readonly color?: boolean | undefined;
  /** Files below it are shown relative to it; default: the current directory. */
  readonly cwd?: string | undefined;
  /** Beyond so many the rest is counted only; default 100. */
  readonly limit?: number | undefined;
}

/** The errors for people: `file:line:column: path: what is wrong`, and below it the line with a mark under the fault. */
export function formatErrors(errors: readonly ConfigError[], options: FormatOptions = {}): string {
  const limit = options.limit ?? 100;
  const shown = errors.slice(0, limit).map((error) => formatError(error, options));
  if (errors.length > limit) shown.push(`and ${errors.length - limit} more`);
  return shown.join('\n');
}

function formatError(error: ConfigError, options: FormatOptions): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    options.color === true ? styleText(style, text, { validateStream: false }) : text;
  const style = error.severity === 'warning' ? 'yellow' : 'red';
  const warning = error.severity === 'warning' ? `${paint(style, 'warning:')} ` : '';
  const path = error.path === '' ? '' : `${paint('cyan', error.path)}: `;
  const suggestion =
    error.suggestion === undefined ? '' : `; did you mean ${JSON.stringify(error.suggestion)}?`;
  const position = `${shownFile(error.file, options.cwd ?? process.cwd())}:${error.line}:${error.column}`;
  const head = `${paint('bold', position)}: ${warning}${path}${error.message}${suggestion}`;
  const lines = [head];
  const number = String(error.line).padStart(4);
  const gutter = ' '.repeat(number.length);
  if (error.excerpt !== undefined) {
    const mark = ' '.repeat(error.excerpt.start) + paint(style, '^'.repeat(error.excerpt.length));
    lines.push(
      `${paint('dim', `${number} |`)} ${error.excerpt.line}`.trimEnd(),
      `${paint('dim', `${gutter} |`)} ${mark}`,
    );
  }
  for (const note of error.notes ?? []) lines.push(`${paint('dim', `${gutter} =`)} ${note}`);
  return lines.join('\n');
}

function shownFile(file: string, cwd: string): string {
  const short = relative(cwd, file);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? file : short;
}
