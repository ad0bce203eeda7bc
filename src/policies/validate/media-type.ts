/** Type and subtype of a Content-Type in small letters, without its parameters (RFC 9110 section 8.3.1); empty when there is none. */
export function essenceOf(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const semicolon = contentType.indexOf(';');
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}

/** RFC 6839 section 3.1: what ends in +json is JSON too. */
export function isJson(essence: string): boolean {
  return essence === 'application/json' || essence.endsWith('+json');
}

export function isForm(essence: string): boolean {
  return essence === 'application/x-www-form-urlencoded';
}

/** Whether a content type, or a range of them, has content that is held against a schema. */
export function isHeldAgainstSchema(essence: string): boolean {
  return isJson(essence) || isForm(essence) || essence === 'application/*' || essence === '*/*';
}

/** Wherever it stands: readers differ in which of two they take, and in what is within quotes. */
const CHARSET = /charset[\s*]*=\s*["']?([^"';,\s]*)/gi;
const UTF_8: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii']);

/** RFC 8259 section 8.1: JSON is UTF-8; some say so, and who says something else, such as UTF-7, means something else. */
export function saysOtherCharset(contentType: string): boolean {
  for (const [, charset = ''] of contentType.matchAll(CHARSET))
    if (!UTF_8.has(charset.toLowerCase())) return true;
  return false;
}

/** Values by media range: `application/json`, `text/*`, and all; `application/json; version=1` beside another version. */
export class ByMediaType<Value> {
  readonly #byEssence = new Map<string, Described<Value>[]>();

  /** Throws an Error for two that are the same. */
  constructor(entries: Iterable<readonly [range: string, value: Value]>) {
    const seen = new Set<string>();
    for (const [range, value] of entries) {
      const key = rangeKey(range);
      if (seen.has(key)) throw new Error(`the content type ${range} stands twice`);
      seen.add(key);
      const essence = essenceOf(range);
      const described = this.#byEssence.get(essence) ?? [];
      described.push({ parameters: parametersOf(range), value });
      this.#byEssence.set(essence, described);
    }
    for (const described of this.#byEssence.values())
      described.sort((a, b) => b.parameters.size - a.parameters.size);
  }

  /** The most specific range wins. Parameters are looked at where they tell ranges apart. */
  get(contentType: string): Value | undefined {
    const essence = essenceOf(contentType);
    const described =
      this.#byEssence.get(essence) ??
      this.#byEssence.get(`${essence.slice(0, essence.indexOf('/'))}/*`) ??
      this.#byEssence.get('*/*');
    if (described === undefined || described.length === 1) return described?.[0]?.value;
    const parameters = parametersOf(contentType);
    return described.find((each) => holdsAll(parameters, each.parameters))?.value;
  }
}

/** The same text for ranges that are the same: neither case nor `charset` nor the order of parameters counts. */
export function rangeKey(range: string): string {
  const parameters = [...parametersOf(range)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([essenceOf(range), ...parameters]);
}

interface Described<Value> {
  readonly parameters: ReadonlyMap<string, string>;
  readonly value: Value;
}

const PARAMETER = /;[ \t]*([^\s=;]+)=("(?:[^"\\]|\\.)*"|[^\s;]*)/g;

/** Parameters of a media type (RFC 9110 section 5.6.6), names in small letters; without `charset`, which says nothing of a schema. */
function parametersOf(contentType: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [, name = '', value = ''] of contentType.matchAll(PARAMETER))
    parameters.set(
      name.toLowerCase(),
      value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value,
    );
  parameters.delete('charset');
  return parameters;
}

function holdsAll(all: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): boolean {
  return [...wanted].every(([name, value]) => all.get(name) === value);
}
