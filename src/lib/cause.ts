/** What was thrown, in one line. */
export function causeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  // A connection that was tried at several addresses fails with an empty message.
  return thrown.message || ((thrown as NodeJS.ErrnoException).code ?? thrown.name);
}
