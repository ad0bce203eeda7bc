import { stringify } from 'yaml';
import { isRecord } from '../../lib/is-record.ts';
import type { Flag, Given, Io } from '../command-line.ts';
import { UsageError } from './connect.ts';

export const OUTPUT_FLAG: Flag = {
  short: 'o',
  value: 'form',
  description: 'table (default), json, yaml, or name for the names alone',
};

const FORMS = ['table', 'json', 'yaml', 'name'] as const;
export type OutputForm = (typeof FORMS)[number];

/** Throws `UsageError` for a form that there is none. */
export function outputForm(given: Given): OutputForm {
  const text = given.value('output') ?? 'table';
  const form = FORMS.find((known) => known === text);
  if (form === undefined)
    throw new UsageError(`--output is ${FORMS.join(', ')}, not ${JSON.stringify(text)}`);
  return form;
}

/** Of commands that have no table; throws `UsageError` for a form that there is none. */
export function textOrData(given: Given): 'text' | 'json' | 'yaml' {
  const form = given.value('output') ?? 'text';
  if (form !== 'text' && form !== 'json' && form !== 'yaml')
    throw new UsageError(`--output is text, json or yaml, not ${JSON.stringify(form)}`);
  return form;
}

/** For programs. */
export function dataText(value: unknown, form: 'json' | 'yaml'): string {
  return form === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { lineWidth: 0 });
}

/** Columns by their heads; what is in a row under another name is not shown. */
export function tableText(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads.map((head) => head.toUpperCase()), ...rows.map((row) => row.map(shown))];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map(
      (line) =>
        `${line
          .map((text, column) => text.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

const MAX_CELL = 60;

/** What comes from elsewhere must not move the cursor of a terminal. */
function shown(text: string): string {
  const plain = printable(text);
  return plain.length > MAX_CELL ? `${plain.slice(0, MAX_CELL - 1)}…` : plain;
}

export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}

/** A value in a cell of a table. */
export function cell(value: unknown): string {
  if (value === undefined || value === null) return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(cell).join(',');
  if (isRecord(value)) return Object.keys(value).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Asks whether to go on. On no terminal nobody could answer: then it must have been said before. */
export async function confirmed(given: Given, io: Io, question: string): Promise<boolean> {
  if (given.has('yes')) return true;
  if (io.confirm === undefined) throw new UsageError('nobody is there to be asked: say --yes');
  return io.confirm(question);
}

export const YES_FLAG: Flag = { short: 'y', description: 'Do it without asking' };
