const NAME = /^[A-Za-z0-9._:-]{1,200}$/;
export const MAX_VALUE_BYTES = 256 * 1024;
export const MAX_MEMBERS = 1000;
const MAX_TTL_MS = 400 * 86_400_000;

/** Throws a RangeError where that is nothing that a record, a set, a member or a holder can be called. The name may be a secret, and is not told. */
export function checkName(name: string): void {
  if (!NAME.test(name))
    throw new RangeError('the name of a record is 1 to 200 letters, digits, ".", "_", ":" and "-"');
}

/** Its size in octets. Throws a RangeError where it is too long. */
export function checkValue(value: string): number {
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_VALUE_BYTES)
    throw new RangeError(`a record of ${bytes} octets is longer than ${MAX_VALUE_BYTES}`);
  return bytes;
}

/** Whole milliseconds, at least one: a lifetime that is over by now ends at once. Throws a RangeError for what is no time. */
export function lifetimeMs(ttlMs: number): number {
  if (!(ttlMs <= MAX_TTL_MS)) throw new RangeError(`a record cannot live for ${ttlMs} ms`);
  return Math.max(1, Math.ceil(ttlMs));
}
