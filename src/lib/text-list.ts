import type { ListFault } from './address-list.ts';

/** What a path or a field may hold: latin1 without control characters. */
const OTHER_CHARACTER = /[^\x20-\x7e\xa0-\xff]/u;

/** What is wrong with an entry of a list of texts; undefined: nothing is. */
export function textFault(text: string): string | undefined {
  if (text === '') return 'is empty: it would stand for everything';
  if (OTHER_CHARACTER.test(text)) return 'holds a character that neither a path nor a field may hold';
  return text.trim() === text ? undefined : 'begins or ends with a space, which no path or field does';
}

/** Reads a list of texts: one in a line. A line that begins with `#` is a comment; empty lines, and spaces at both ends of a line, are nothing. */
export function readTextList(text: string): {
  readonly texts: readonly string[];
  readonly faults: readonly ListFault[];
} {
  const texts: string[] = [];
  const faults: ListFault[] = [];
  // Editors of some systems begin a file with a byte order mark.
  let at = text.startsWith('\ufeff') ? 1 : 0;
  while (at < text.length) {
    let lineEnd = text.indexOf('\n', at);
    if (lineEnd === -1) lineEnd = text.length;
    const line = text.slice(at, lineEnd);
    const entry = line.trim();
    if (entry !== '' && !entry.startsWith('#')) {
      const message = textFault(entry);
      if (message === undefined) texts.push(entry);
      else {
        const start = at + line.indexOf(entry);
        faults.push({ start, end: start + entry.length, message });
      }
    }
    at = lineEnd + 1;
  }
  return { texts, faults };
}
