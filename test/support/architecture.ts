import { posix } from 'node:path';
import { codeOf } from './source-code.ts';

export interface SourceFile {
  /** From the root of the repository, with slashes: `src/lib/units.ts`. */
  readonly path: string;
  readonly text: string;
}

interface Import {
  readonly from: string;
  readonly to: string;
  readonly line: number;
}

interface Problem {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** The layers, lowest first. A file imports its own layer, those of the same height and those below. */
const LAYERS: readonly (readonly string[])[] = [
  ['lib', 'http'],
  ['policy'],
  ['routing', 'state', 'identity', 'upstream', 'policies', 'observability'],
  ['gateway'],
  ['server'],
  ['control'],
  ['main'],
];

/** What a user of the package imports. They may import everything, and nothing inside imports them. */
const DOORS = new Set(['src/index.ts', 'src/testing.ts']);

const MAX_LINES = 500;

const IMPORT = /\bfrom\s*(['"])|\bimport\s*\(\s*(['"])|\bimport\s*(['"])/g;
const DEFAULT_EXPORT = /\bexport\s+default\b|\bas\s+default\b/g;
/** Where a type stands: what is called so otherwise is none. */
const ANY = /(?<=[:<|&=]\s*|\bas\s+|,\s*(?=any\s*>))any(?![\w$]|\s*[:(])/g;
const VARIABLE = /(?<=^|[;}]\s*|\n\s*)(?:let|var)\s|(?<=\bexport\s+)(?:let|var)\s/g;

/** What is against the rules, as `path:line: what`, in the order of paths and lines. Tests are left out. */
export function checkArchitecture(files: readonly SourceFile[]): string[] {
  const sources = files.filter(({ path }) => !path.endsWith('.test.ts'));
  const imports = sources.flatMap(importsOf);
  const problems = [
    ...sources.flatMap(checkFile),
    ...imports.flatMap(checkDirection),
    ...findLayersBothWays(imports),
    ...findCycles(sources, imports),
  ];
  return problems
    .toSorted((a, b) => a.path.localeCompare(b.path) || a.line - b.line)
    .map(({ path, line, text }) => `${path}:${line}: ${text}`);
}

function importsOf({ path, text }: SourceFile): Import[] {
  const code = codeOf(text);
  const imports: Import[] = [];
  for (const match of code.matchAll(IMPORT)) {
    const quote = match[1] ?? match[2] ?? match[3] ?? '';
    const start = match.index + match[0].length;
    const specifier = text.slice(start, text.indexOf(quote, start));
    if (!specifier.startsWith('.')) continue;
    imports.push({ from: path, to: posix.join(posix.dirname(path), specifier), line: lineAt(text, start) });
  }
  return imports;
}

function checkFile({ path, text }: SourceFile): Problem[] {
  const code = codeOf(text);
  const problems: Problem[] = [];
  const refuse = (pattern: RegExp, where: string, reason: string) => {
    for (const match of where.matchAll(pattern)) {
      problems.push({ path, line: lineAt(text, match.index), text: reason });
    }
  };
  if (layerOf(path) === undefined) {
    const folder = path.split('/')[1];
    const reason = `${folder} is not a layer: say in test/support/architecture.ts where it stands`;
    problems.push({ path, line: 1, text: reason });
  }
  refuse(DEFAULT_EXPORT, code, 'a default export: give it a name');
  refuse(ANY, code, 'any: use unknown, and narrow it');
  refuse(VARIABLE, topLevel(code), 'mutable state of a module: hold it in an object that somebody owns');
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (lines > MAX_LINES) {
    const reason = `a file of ${lines} lines: split it by what it does, at ${MAX_LINES} lines at most`;
    problems.push({ path, line: lines, text: reason });
  }
  return problems;
}

function checkDirection({ from, to, line }: Import): Problem[] {
  const problem = (text: string): Problem[] => [{ path: from, line, text }];
  if (DOORS.has(from)) return [];
  if (DOORS.has(to)) return problem(`${to} is a door of the package: nothing inside goes through it`);
  const lower = layerOf(from);
  const higher = layerOf(to);
  if (lower === undefined || higher === undefined || heightOf(higher) <= heightOf(lower)) return [];
  return problem(`${lower} is below ${higher} and must not import it`);
}

/** Two layers of one height may know each other one way only. */
function findLayersBothWays(imports: readonly Import[]): Problem[] {
  const first = new Map<string, Import>();
  for (const one of imports) {
    const from = layerOf(one.from);
    const to = layerOf(one.to);
    if (from === undefined || to === undefined || from === to || heightOf(from) !== heightOf(to)) continue;
    const key = `${from} ${to}`;
    if (!first.has(key)) first.set(key, one);
  }
  const problems: Problem[] = [];
  for (const [key, one] of first) {
    const [from = '', to = ''] = key.split(' ');
    const back = from < to ? first.get(`${to} ${from}`) : undefined;
    if (back === undefined) continue;
    const text = `${from} imports ${to}, and ${to} imports ${from} (${back.from}:${back.line})`;
    problems.push({ path: one.from, line: one.line, text });
  }
  return problems;
}

/** Each cycle once, told from the file whose path comes first. */
function findCycles(sources: readonly SourceFile[], imports: readonly Import[]): Problem[] {
  const byFile = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const problems: Problem[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const cycle = trail.slice(start);
      const line = byFile.get(path)?.find(({ to }) => to === (cycle[1] ?? path))?.line ?? 1;
      problems.push({ path, line, text: `a cycle of imports: ${[...cycle, path].join(' > ')}` });
      return;
    }
    if (done.has(path)) return;
    for (const { to } of byFile.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const path of sources.map((source) => source.path).toSorted()) visit(path, []);
  return problems;
}

function layerOf(path: string): string | undefined {
  const [, folder = '', file] = path.split('/');
  if (file === undefined) return DOORS.has(path) ? 'doors' : undefined;
  return LAYERS.some((names) => names.includes(folder)) ? folder : undefined;
}

function heightOf(layer: string): number {
  return LAYERS.findIndex((names) => names.includes(layer));
}

/** Code with everything within braces, brackets and parentheses blanked. */
function topLevel(code: string): string {
  let depth = 0;
  let result = '';
  for (const character of code) {
    if (character === '}' || character === ')' || character === ']') depth -= 1;
    result += depth === 0 || character === '\n' ? character : ' ';
    if (character === '{' || character === '(' || character === '[') depth += 1;
  }
  return result;
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
