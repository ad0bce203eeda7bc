import { withoutUserInfo } from '../../lib/user-info.ts';
import { NAMING_OPTIONS, NO_OPTIONS } from '../config/secret-paths.ts';

/** What stands in a secret's place. */
export const REDACTED = '[redacted]';

/** Keys whose values are secrets wherever they stand. `key` is whole: `publicKey` and `keyPrefix` are not secret. */
const SECRET_KEY =
  /^(key|recordsKey|hmacKey|.*(secret|password|passwd|token|credential|api[-_]?key|private[-_]?key|authorization|cookie).*)$/i;
/** The same of lists: those of a session are `keys`. */
const SECRET_LIST = /^keys$/i;
/** PHC strings of passwords, which may be guessed from them. */
const PASSWORD_HASH = /^\$(?:scrypt|argon2\w*)\$/;
const PEM_PRIVATE = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
/** A shorter secret is taken out where it is a whole value, not where its letters happen to stand in another one. */
const MIN_PART_CHARS = 6;

/**
 * A copy without secrets: the given values (those that came from `env:` and `file:`) wherever they stand, values under a
 * key that speaks of a secret, alone or in a list, private keys, hashes of passwords, and user info in URLs.
 */
export function redact(value: unknown, secrets: ReadonlySet<string> = new Set()): unknown {
  return redactWithin(value, secrets, NO_OPTIONS);
}

/** `naming` are keys that speak of no secret here. */
function redactWithin(value: unknown, secrets: ReadonlySet<string>, naming: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return redactText(value, secrets);
  if (Array.isArray(value)) return value.map((item) => redactWithin(item, secrets, naming));
  if (typeof value !== 'object' || value === null) return value;
  const inside = namingOptionsOf(value) ?? naming;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const isSecret = SECRET_KEY.test(key) && !naming.has(key);
      if (isSecret && typeof item === 'string') return [key, REDACTED];
      const clean = redactWithin(item, secrets, inside);
      return [
        key,
        (isSecret || SECRET_LIST.test(key)) && Array.isArray(clean) ? clean.map(redactItem) : clean,
      ];
    }),
  );
}

function redactItem(item: unknown): unknown {
  return typeof item === 'string' ? REDACTED : item;
}

/** Of a use of one of the gateway's own policies. */
function namingOptionsOf(value: object): ReadonlySet<string> | undefined {
  const { name, module, options } = value as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || module !== undefined || options === undefined) return undefined;
  return NAMING_OPTIONS.get(name);
}

/** A text without what is a secret in itself, and without those given. */
export function redactText(text: string, secrets: ReadonlySet<string>): string {
  if (secrets.has(text) || PEM_PRIVATE.test(text) || PASSWORD_HASH.test(text)) return REDACTED;
  let clean = withoutUserInfo(text, () => REDACTED);
  for (const secret of secrets)
    if (secret.length >= MIN_PART_CHARS) clean = clean.replaceAll(secret, REDACTED);
  return clean;
}
