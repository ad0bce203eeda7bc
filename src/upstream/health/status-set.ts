/** Statuses from `first` to `last`, both included. */
interface StatusRange {
  readonly first: number;
  readonly last: number;
}

/** Reads `200`, `2xx` or `200-299`; undefined for any other text, for what is no final status and for an empty range. */
export function parseStatusRange(text: string): StatusRange | undefined {
  const match = /^(?:([2-5])xx|(\d{3})(?:-(\d{3}))?)$/.exec(text);
  if (match === null) return undefined;
  const [, hundreds, from, to = from] = match;
  if (hundreds !== undefined) return { first: Number(hundreds) * 100, last: Number(hundreds) * 100 + 99 };
  const range = { first: Number(from), last: Number(to) };
  return range.first >= 200 && range.first <= range.last && range.last <= 599 ? range : undefined;
}

/** Whether a status is one of those listed. Throws RangeError for a text that `parseStatusRange` refuses; the schema asks it first. */
export function compileStatusSet(listed: readonly (number | string)[]): (status: number) => boolean {
  const ranges = listed.map((entry) => {
    const range = parseStatusRange(String(entry));
    if (range === undefined) throw new RangeError(`${entry} is not a status, a class or a range`);
    return range;
  });
  return (status) => ranges.some(({ first, last }) => status >= first && status <= last);
}
