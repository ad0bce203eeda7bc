export type CheckOutcome =
  | { readonly passed: true }
  /** The cause is for the log and the admin port. */
  | { readonly passed: false; readonly cause: string };

/**
 * Begins a check. `settle` is called once, later, with the outcome; the function that is returned gives the check up, after which `settle`
 * is not called. It sets no limit of time: its caller does.
 */
export type Probe = (settle: (outcome: CheckOutcome) => void) => () => void;

export const PASSED: CheckOutcome = { passed: true };

export function failed(cause: string): CheckOutcome {
  return { passed: false, cause };
}

/** An error of a socket as a cause: its code where that says it all (ECONNREFUSED), else what it says of itself. */
export function failedWith(error: NodeJS.ErrnoException & { readonly reason?: string }): CheckOutcome {
  const { code, reason } = error;
  // The message of OpenSSL is a line full of addresses; the reason is its end.
  if (code === 'EPROTO' && reason !== undefined) return failed(`EPROTO: ${reason}`);
  return failed(code !== undefined && /^E(?!RR_)/.test(code) ? code : error.message);
}
