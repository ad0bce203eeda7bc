import { normalisePath } from '../http/path.ts';

export type Segment = { readonly literal: string } | { readonly capture: string };

/** A route's path, taken apart. */
export interface PathPattern {
  /** As written. */
  readonly text: string;
  /** What stands between the slashes, without the `*` of a prefix. A slash at the end of an exact path is an empty last literal. */
  readonly segments: readonly Segment[];
  /** Whether it ends in `/*`: it then matches what stands before, and everything under it. */
  readonly prefix: boolean;
  /** Names in the order of their values; `*` is last when `prefix`. */
  readonly captureNames: readonly string[];
  /** For each segment `1` for a literal, `0` for a capture: as text, the greater is the more specific. */
  readonly shape: string;
}

export type ParsedPattern =
  | { readonly ok: true; readonly pattern: PathPattern }
  | { readonly ok: false; readonly message: string };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Parses the path of a route: exact, unless it ends in `/*`; `{name}` captures one whole segment that is not empty.
 * Literal segments must be written as requests are normalised, because they are compared with normalised paths.
 */
export function parsePattern(text: string): ParsedPattern {
  if (!text.startsWith('/')) return refuse('a path begins with /');
  const prefix = text.endsWith('/*');
  const body = prefix ? text.slice(0, -2) : text;
  if (body.includes('*')) return refuse('* may only stand at the end, as /*; use {name} for one segment');

  const segments: Segment[] = [];
  const names: string[] = [];
  for (const part of body === '' ? [] : body.slice(1).split('/')) {
    if (!part.includes('{') && !part.includes('}')) {
      segments.push({ literal: part });
      continue;
    }
    if (!part.startsWith('{') || part.indexOf('}') !== part.length - 1 || part.lastIndexOf('{') !== 0) {
      return refuse(
        `a capture takes a whole segment, such as /{name}/; it cannot be a part of one as in ${part}`,
      );
    }
    const name = part.slice(1, -1);
    if (!NAME.test(name)) {
      return refuse(
        `${part} is not a capture: its name has letters, digits and _, and does not begin with a digit`,
      );
    }
    if (names.includes(name)) return refuse(`{${name}} is captured twice`);
    names.push(name);
    segments.push({ capture: name });
  }

  const problem = body === '' ? undefined : spellingProblem(body, prefix);
  if (problem !== undefined) return refuse(problem);
  if (prefix) names.push('*');
  const shape = segments.map((segment) => ('literal' in segment ? '1' : '0')).join('');
  return { ok: true, pattern: { text, segments, prefix, captureNames: names, shape } };
}

/** Why no request's path could ever be spelt so, with the spelling to use; undefined when it could. */
export function spellingProblem(body: string, prefix: boolean): string | undefined {
  const ending = prefix ? '/*' : '';
  const normalised = normalisePath(body);
  // `/api/` with `/*` behind it would ask for an empty segment, which no normalised path has.
  const wanted = prefix && normalised?.endsWith('/') ? normalised.slice(0, -1) : normalised;
  if (wanted === body) return undefined;
  if (wanted !== undefined) return `requests are matched in normalised form: write ${wanted}${ending}`;
  const escaped = escapeOddCharacters(body);
  const suggestion = escaped === body ? undefined : normalisePath(escaped);
  if (suggestion !== undefined)
    return `requests are matched in normalised form: write ${suggestion}${ending}`;
  return 'no request can have this path: such escapes and dot segments are refused with 400';
}

function escapeOddCharacters(text: string): string {
  return text.replace(/[^\x21-\x7e]+|[\\#?]/gu, (odd) =>
    odd.isWellFormed() ? encodeURIComponent(odd) : odd,
  );
}

function refuse(message: string): ParsedPattern {
  return { ok: false, message };
}
