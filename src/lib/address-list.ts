import { AddressReader, type Cidr, parseCidr } from './cidr.ts';

export interface ListFault {
  /** Offsets in the text. */
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

/**
 * Reads a list of addresses and ranges: one in a line. A `#` and what follows it in the line is a comment; empty lines, and spaces at
 * both ends of a line, are nothing.
 */
export function readAddressList(text: string): {
  readonly ranges: readonly Cidr[];
  readonly faults: readonly ListFault[];
} {
  const ranges: Cidr[] = [];
  const faults: ListFault[] = [];
  const reader = new AddressReader();
  // Editors of some systems begin a file with a byte order mark.
  let at = text.startsWith('\ufeff') ? 1 : 0;
  while (at < text.length) {
    let lineEnd = text.indexOf('\n', at);
    if (lineEnd === -1) lineEnd = text.length;
    const line = text.slice(at, lineEnd);
    const comment = line.indexOf('#');
    const entry = (comment === -1 ? line : line.slice(0, comment)).trim();
    if (entry !== '') {
      const range = parseCidr(entry, reader);
      if (range.kind === 'range') ranges.push(range);
      else {
        const start = at + line.indexOf(entry);
        const message = `is not an address or a range: ${range.reason}`;
        faults.push({ start, end: start + entry.length, message });
      }
    }
    at = lineEnd + 1;
  }
  return { ranges, faults };
}
