/** What to add to this thread's performance.now(), whose zero is the start of the thread, to count as the process does. */
const OFFSET_MS = offsetMs();

/**
 * Milliseconds that never go back and on which all threads of the process agree, so that a time that one of them wrote down means
 * the same to another. They count from some moment before the process began; a fraction is there.
 */
export function clockMs(): number {
  return performance.now() + OFFSET_MS;
}

/** The closest of a few readings of both clocks: a thread that loses the processor between two readings spoils only one of them. */
function offsetMs(): number {
  let offset = 0;
  let closest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 8; i++) {
    const before = performance.now();
    const [seconds, nanoseconds] = process.hrtime();
    const after = performance.now();
    if (after - before >= closest) continue;
    closest = after - before;
    offset = seconds * 1000 + nanoseconds / 1e6 - (before + after) / 2;
  }
  return offset;
}
