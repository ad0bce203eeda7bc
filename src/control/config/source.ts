import { isRecord } from '../../lib/is-record.ts';
import { withoutUserInfo } from '../../lib/user-info.ts';
import { readJson, scanJson } from './json.ts';
import {
  dottedPath,
  locateInTree,
  type Path,
  type Place,
  type Range,
  type TextNode,
  valueAt,
} from './place.ts';
import { plainData } from './plain-data.ts';
import { readPlainYaml } from './plain-yaml.ts';
import type { ConfigError, Problem } from './problem.ts';
import { secretPaths } from './secret-paths.ts';
import { SourceText } from './source-text.ts';
import { readYaml } from './yaml.ts';

/** Where a path stands, in which of the files that a configuration is made of. */
export interface FilePlace extends Place {
  readonly source: SourceText;
}

/** A configuration as it was read, before it is looked at. Places are looked up only when they are asked for. */
export interface ConfigSource {
  readonly file: string;
  /** Plain data. */
  readonly value: unknown;
  readonly locate: (path: Path) => FilePlace;
}

export type SourceResult =
  | { readonly ok: true; readonly source: ConfigSource; readonly files?: readonly string[] }
  | { readonly ok: false; readonly errors: readonly ConfigError[]; readonly files?: readonly string[] };

/** Reads JSON. */
export function jsonSource(file: string, text: string): SourceResult {
  const source = new SourceText(file, text);
  const read = readJson(text);
  if (!read.ok)
    return {
      ok: false,
      errors: [errorAt(source, { start: read.offset, end: read.offset + 1 }, read.message)],
    };
  return fromPlain(
    source,
    read.value,
    lazyTree(() => scanJson(text, true).root),
  );
}

/** Reads YAML: by the fast reader where it can, else by the full one. Both give the same. */
export function yamlSource(file: string, text: string): SourceResult {
  const source = new SourceText(file, text);
  const plain = readPlainYaml(text, false);
  if (plain !== undefined)
    return fromPlain(
      source,
      plain.value,
      lazyTree(() => readPlainYaml(text, true)?.root),
    );
  const full = readYaml(text);
  if (!full.ok)
    return { ok: false, errors: full.faults.map((fault) => errorAt(source, fault, fault.message)) };
  // Aliases make one value stand in several places, even in itself: the copy has each place on its own.
  const { value, problems } = plainData(full.value);
  const read = fromPlain(source, value, full.locate);
  return problems.length === 0 ? read : { ok: false, errors: locateProblems(read.source, problems) };
}

function lazyTree(read: () => TextNode | undefined): (path: Path) => Place {
  let root: TextNode | undefined;
  return (path) => {
    root ??= read() ?? { start: 0, end: 1, children: undefined };
    return locateInTree(root, path);
  };
}

function fromPlain(source: SourceText, value: unknown, locate: (path: Path) => Place) {
  const located: ConfigSource = { file: source.file, value, locate: (path) => ({ ...locate(path), source }) };
  return { ok: true, source: located } as const;
}

/** An error at a range of a text that could not be read as data. */
export function errorAt(source: SourceText, range: Range, message: string): ConfigError {
  return describe('error', source, range, '', message, undefined, [], true);
}

/** The problems with file, line and column, in the order of the text, each once. */
export function locateProblems(source: ConfigSource, problems: readonly Problem[]): ConfigError[] {
  if (problems.length === 0) return [];
  const secrets = secretRanges(source);
  const seen = new Set<string>();
  const located: ConfigError[] = [];
  for (const problem of problems) {
    const place = placeOf(source, problem);
    const range = markedRange(place, problem);
    const path = dottedPath(problem.path);
    const hidden = secrets.filter((secret) => secret.file === place.source.file);
    const error = describe(
      problem.severity ?? 'error',
      place.source,
      range,
      path,
      problem.message,
      problem.suggestion,
      hidden,
      false,
    );
    const notes = notesOf(source, problem, error.file);
    const key = `${error.file}:${error.line}:${error.column}:${path}:${error.message}`;
    if (seen.has(key)) continue;
    seen.add(key);
    located.push(notes.length === 0 ? error : { ...error, notes });
  }
  const rank = (error: ConfigError) => (error.file === source.file ? 0 : 1);
  return located.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
}

function placeOf(source: ConfigSource, { path, within }: Problem): FilePlace {
  if (within === undefined) return source.locate(path);
  return { source: within.source, key: undefined, value: within, found: true, container: false };
}

/** Line and column, both from 1, of a path; of the nearest value around it where the path itself is not in the text. */
export function positionIn(place: FilePlace): { file: string; line: number; column: number } {
  const { line, column } = place.source.lineOf((place.key ?? place.value).start);
  return { file: place.source.file, line, column };
}

function notesOf(source: ConfigSource, problem: Problem, file: string): string[] {
  const notes: string[] = [];
  if (problem.related !== undefined) {
    const position = positionIn(source.locate(problem.related));
    const other = position.file === file ? '' : ` of ${position.file}`;
    notes.push(`${dottedPath(problem.related)} is in line ${position.line}${other}`);
  }
  if (problem.example !== undefined) notes.push(`a request that shows it: ${problem.example}`);
  return notes;
}

/** A key stands for what is missing within it, and for a map or list as a whole. */
function markedRange(place: Place, problem: Problem): Range {
  if (
    place.key !== undefined &&
    (problem.atKey === true || !place.found || place.container || place.value.start === place.key.start)
  )
    return place.key;
  return place.value;
}

interface FileRange extends Range {
  readonly file: string;
}

function secretRanges(source: ConfigSource): FileRange[] {
  const ranges: FileRange[] = [];
  for (const path of secretPaths(source.value)) {
    const value = valueAt(source.value, path);
    if (isRecord(value) || (typeof value === 'string' && /^(?:env|file):/.test(value))) continue;
    const place = source.locate(path);
    if (place.found) ranges.push({ file: place.source.file, start: place.value.start, end: place.value.end });
  }
  return ranges;
}

const MAX_EXCERPT = 120;
const MAX_TEXT = 80;
/** For a text that could not be read: the rest of the line after a name that sounds like a secret. */
const SECRET_LINE =
  /((?:secret|password|passwd|token|authorization|credential|key)s?["']?\s*[:=]\s*)(?!["']?(?:env|file):)(\S.*)$/i;

function describe(
  severity: ConfigError['severity'],
  where: SourceText,
  range: Range,
  path: string,
  message: string,
  suggestion: string | undefined,
  secrets: readonly Range[],
  guessSecrets: boolean,
): ConfigError {
  const start = Math.min(range.start, where.text.length);
  const { line, column, start: lineStart, end: lineEnd } = where.lineOf(start);
  let shown = where.text.slice(lineStart, lineEnd);
  for (const secret of secrets) {
    const from = Math.max(secret.start, lineStart);
    const to = Math.min(secret.end, lineEnd);
    if (from < to)
      shown = shown.slice(0, from - lineStart) + '*'.repeat(to - from) + shown.slice(to - lineStart);
  }
  shown = withoutUserInfo(shown, (info) => '*'.repeat(info.length));
  if (guessSecrets) {
    shown = shown.replace(SECRET_LINE, (_, head: string, tail: string) => head + '*'.repeat(tail.length));
    if (/-----BEGIN|^\s*[A-Za-z0-9+/=]{40,}\s*$/.test(shown)) shown = '*'.repeat(shown.length);
  }
  // Controls would move the caret or, in a terminal, do worse.
  shown = shown.replaceAll(/\p{Cc}|\p{Cf}|[\u2028\u2029]/gu, ' ');
  const offset = column - 1;
  const length = Math.max(1, Math.min(range.end, lineEnd) - start);
  const faulty = shown.slice(offset, offset + length).trimEnd();
  const cut =
    shown.length <= MAX_EXCERPT ? 0 : Math.max(0, Math.min(offset - 40, shown.length - MAX_EXCERPT));
  return {
    severity,
    file: where.file,
    line,
    column,
    path,
    text: /^\*+$/.test(faulty) ? '' : faulty.slice(0, MAX_TEXT),
    message,
    ...(suggestion === undefined ? {} : { suggestion }),
    excerpt: {
      line: shown.slice(cut, cut + MAX_EXCERPT).trimEnd(),
      start: offset - cut,
      length: Math.max(1, Math.min(faulty.length, MAX_EXCERPT - (offset - cut))),
    },
  };
}
