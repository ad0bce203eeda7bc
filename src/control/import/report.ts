import { relative } from 'node:path';
import type { ImportFinding } from './findings.ts';

/** What could not be carried over, and which variables have to be set, for people; ends in a line end unless there is nothing to tell. */
export function reportText(
  findings: readonly ImportFinding[],
  variables: readonly string[],
  cwd: string,
): string {
  const lines = findings.flatMap(({ kind, file, line, column, path, message, suggestion }) => [
    `${relative(cwd, file) || file}:${line}:${column}: ${kind}: ${path === '' ? '' : `${path}: `}${message}`,
    ...(suggestion === undefined ? [] : [`    ${suggestion}`]),
  ]);
  const lost = findings.filter(({ kind }) => kind === 'lost').length;
  lines.push(
    lost === 0
      ? 'Everything was carried over.'
      : `${lost} ${lost === 1 ? 'thing is' : 'things are'} not carried over, or otherwise.`,
  );
  if (variables.length > 0) lines.push(`Variables that the configuration asks for: ${variables.join(', ')}`);
  // Names of a document may hold what moves a terminal's cursor, or worse.
  return `${lines.map((line) => line.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ')).join('\n')}\n`;
}
