export const CR = 0x0d;
export const LF = 0x0a;

/** Where the first LF of `data[from, to)` is, or -1. */
export function findLineEnd(data: Buffer, from: number, to: number): number {
  for (let i = from; i < to; i++) if (data[i] === LF) return i;
  return -1;
}

/** Whether `data[at, to)` begins with CR LF. */
export function isLineEnd(data: Buffer, at: number, to: number): boolean {
  return at + 1 < to && data[at] === CR && data[at + 1] === LF;
}

/**
 * What is wrong with the line `data[from, to)` or the beginning of one, where something in it was found to be wrong.
 *
 * That it is too long or does not end in CR LF comes first, and the problem itself only when the line is complete: so a line is told to be
 * wrong in the same way however its octets come. `limit` is the position that no line may end beyond.
 */
export function lineProblem<Problem>(
  problem: Problem,
  data: Buffer,
  from: number,
  to: number,
  limit: number,
): Problem | 'too_long' | 'incomplete' | 'line_end' {
  const end = findLineEnd(data, from, Math.min(to, limit));
  if (end < 0) return to > limit ? 'too_long' : 'incomplete';
  return end === from || data[end - 1] !== CR ? 'line_end' : problem;
}
