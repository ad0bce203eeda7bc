/** What a fixed answer says to everybody: that there is nothing, or that nobody is let in. */
export type Refusal = 'absent' | 'denied';

/** Undefined for the status of any other answer. */
export function refusalOf(status: unknown): Refusal | undefined {
  switch (status) {
    case 404:
    case 405:
    case 410:
      return 'absent';
    case 401:
    case 403:
    case 451:
      return 'denied';
    default:
      return undefined;
  }
}
