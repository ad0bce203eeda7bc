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

/** In a line of OpenSSL (`...:error:0A00010B:SSL routines:tls_get_more_records:wrong version number:../deps/...`), what went wrong. */
const OPENSSL_REASON = /:SSL routines:[^:]*:([^:]+)/;

/** An error of a socket as a cause: its code where that says it all (ECONNREFUSED), else what it says of itself. */
export function failedWith({ code, message }: NodeJS.ErrnoException): CheckOutcome {
  const reason = OPENSSL_REASON.exec(message)?.[1];
  if (reason !== undefined) return failed(`TLS: ${reason}`);
  return failed(code !== undefined && /^E(?!RR_)/.test(code) ? code : message);
}
