/** A file's text, which knows its lines. */
export class SourceText {
  /** Absolute. */
  readonly file: string;
  readonly text: string;
  #lineStarts: number[] | undefined;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** Line and column, both from 1, of an offset; and where the line starts and ends. */
  lineOf(offset: number): { line: number; column: number; start: number; end: number } {
    const starts = (this.#lineStarts ??= lineStarts(this.text));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    const start = starts[low] as number;
    const next = starts[low + 1];
    return {
      line: low + 1,
      column: offset - start + 1,
      start,
      end: next === undefined ? this.text.length : next - 1,
    };
  }

  /** Offset of a line and column, both from 1; the nearest there is. */
  offsetOf(line: number, column: number): number {
    const starts = (this.#lineStarts ??= lineStarts(this.text));
    const start = starts[Math.min(line, starts.length) - 1] ?? 0;
    return Math.min(this.text.length, start + Math.max(0, column - 1));
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
