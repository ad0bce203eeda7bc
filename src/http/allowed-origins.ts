/**
 * Origins that a browser may be served to. An origin is compared as browsers serialise it (RFC 6454 section 6.2): scheme and host in
 * small letters, the port only when it is not the scheme's own.
 */
const EXACT =
  /^([a-z][a-z0-9+.-]*):\/\/(\*\.)?([a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** What stands before and after the star of `https://*.example.com:8443`. */
interface Wildcard {
  readonly before: string;
  readonly after: string;
}

/** Why a text is no origin to allow, or undefined. `*` is left to the caller. */
export function refuseOrigin(text: string): string | undefined {
  if (text === 'null') return 'cannot be null: every sandboxed page and every local file has that origin';
  const match = EXACT.exec(text);
  if (match === null) {
    const parsed = URL.canParse(text) ? new URL(text) : undefined;
    const meant =
      parsed && EXACT.test(parsed.origin) && parsed.origin !== text ? `: did you mean ${parsed.origin}?` : '';
    return `is not an origin${meant === '' ? ': write https://app.example.com, https://*.example.com or *' : meant}`;
  }
  const [, scheme = '', wildcard, host, port] = match;
  if (port !== undefined && port === DEFAULT_PORTS[scheme]) {
    return `never occurs: browsers leave the port out when it is ${port}; did you mean ${scheme}://${wildcard ?? ''}${host}?`;
  }
  if (wildcard !== undefined && !host?.includes('.'))
    return 'is too wide: after *. there must be at least two labels';
  return undefined;
}

/** Compiled once per policy; `has` is asked for every cross-origin request. */
export class AllowedOrigins {
  readonly any: boolean;
  readonly #exact: ReadonlySet<string>;
  readonly #wildcards: readonly Wildcard[];

  constructor(origins: readonly string[]) {
    this.any = origins.includes('*');
    this.#exact = new Set(origins.filter((origin) => !origin.includes('*')));
    this.#wildcards = origins
      .filter((origin) => origin.includes('://*.'))
      .map((origin) => {
        const star = origin.indexOf('*');
        return { before: origin.slice(0, star), after: origin.slice(star + 1) };
      });
  }

  has(origin: string): boolean {
    if (this.any || this.#exact.has(origin)) return true;
    const wildcards = this.#wildcards;
    for (let i = 0; i < wildcards.length; i++) if (matches(wildcards[i] as Wildcard, origin)) return true;
    return false;
  }
}

/** One or more whole labels stand for the star, and nothing that ends a host: `https://evil.com/.example.com` is not below it. */
function matches({ before, after }: Wildcard, origin: string): boolean {
  const end = origin.length - after.length;
  if (end <= before.length || !origin.startsWith(before) || !origin.endsWith(after)) return false;
  let labelLength = 0;
  for (let i = before.length; i < end; i++) {
    const code = origin.charCodeAt(i);
    const isDot = code === 0x2e;
    if (isDot ? labelLength === 0 : !isLabelCharacter(code)) return false;
    labelLength = isDot ? 0 : labelLength + 1;
  }
  return labelLength > 0;
}

function isLabelCharacter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f;
}
