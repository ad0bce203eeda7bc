/** What stands in a secret's place. */
export const REDACTED = '[redacted]';

/** Keys whose values are secrets wherever they stand. `key` is whole: `publicKey` and `keyPrefix` are not secret. */
const SECRET_KEY =
  /^(key|recordsKey|.*(secret|password|passwd|token|credential|api[-_]?key|private[-_]?key|authorization|cookie).*)$/i;
const PEM_PRIVATE = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
/** A shorter secret is taken out where it is a whole value, not where its letters happen to stand in another one. */
const MIN_PART_CHARS = 6;
/** user:password@ of a URL, such as that of a database; it ends at the last @ (WHATWG URL, authority state), though a password should hold none. */
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)[^/?#\s]*@/gi;

/**
 * A copy without secrets: the given values (those that came from `env:` and `file:`) wherever they stand, values under a
 * key that speaks of a secret, private keys, and user info in URLs.
 */
export function redact(value: unknown, secrets: ReadonlySet<string> = new Set()): unknown {
  if (typeof value === 'string') return redactText(value, secrets);
  if (Array.isArray(value)) return value.map((item) => redact(item, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      typeof item === 'string' && SECRET_KEY.test(key) ? REDACTED : redact(item, secrets),
    ]),
  );
}

function redactText(text: string, secrets: ReadonlySet<string>): string {
  if (secrets.has(text) || PEM_PRIVATE.test(text)) return REDACTED;
  let clean = text.replace(USER_INFO, `$1${REDACTED}@`);
  for (const secret of secrets)
    if (secret.length >= MIN_PART_CHARS) clean = clean.replaceAll(secret, REDACTED);
  return clean;
}
