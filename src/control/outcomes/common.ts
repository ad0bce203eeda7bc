import { type PathPattern, parsePattern, type Segment } from '../../routing/pattern.ts';
import type { Candidate } from '../../routing/precedence.ts';
import { intersection } from '../../routing/witness.ts';

/** A candidate with the conditions of both, for a request that both match; undefined where there is none. */
export function common(a: Candidate, b: Candidate): Candidate | undefined {
  const place = commonPlace(a, b);
  const both = place && intersection(a, b);
  return both && { ...both, ...place };
}

/** The first candidate, where the hosts and paths of the other one are too. */
export function within(a: Candidate, b: Candidate): Candidate | undefined {
  const place = commonPlace(a, b);
  return place && { ...a, ...place };
}

type Placed = Pick<Candidate, 'host' | 'pattern'>;

function commonPlace(a: Placed, b: Placed): Placed | undefined {
  if (a.host !== undefined && b.host !== undefined && commonHost(a.host, b.host) === undefined)
    return undefined;
  const host = a.host === undefined || b.host === undefined ? (a.host ?? b.host) : commonHost(a.host, b.host);
  if (a.pattern === undefined || b.pattern === undefined) return { host, pattern: a.pattern ?? b.pattern };
  const pattern = commonPattern(a.pattern, b.pattern);
  return pattern && { host, pattern };
}

/** Of an exact host and a `*.` host that takes it the exact one, of two `*.` hosts the narrower one. */
function commonHost(a: string, b: string): string | undefined {
  if (a === b || takesHost(b, a)) return a;
  return takesHost(a, b) ? b : undefined;
}

function takesHost(wide: string, narrow: string): boolean {
  if (!wide.startsWith('*.')) return false;
  const name = narrow.startsWith('*.') ? narrow.slice(1) : narrow;
  return name.length > wide.length - 1 && name.endsWith(wide.slice(1));
}

function commonPattern(a: PathPattern, b: PathPattern): PathPattern | undefined {
  const [longer, shorter] = a.segments.length >= b.segments.length ? [a, b] : [b, a];
  if (longer.segments.length > shorter.segments.length && !shorter.prefix) return undefined;
  if (longer.segments.length === shorter.segments.length && longer.prefix !== shorter.prefix)
    return commonPattern({ ...a, prefix: false }, { ...b, prefix: false });
  const segments: string[] = [];
  for (const [index, segment] of longer.segments.entries()) {
    const other = shorter.segments[index];
    const both = other === undefined ? textOf(segment, index) : commonSegment(segment, other, index);
    if (both === undefined) return undefined;
    segments.push(both);
  }
  const parsed = parsePattern(
    `/${segments.join('/')}${longer.prefix ? (segments.length > 0 ? '/*' : '*') : ''}`,
  );
  return parsed.ok ? parsed.pattern : undefined;
}

function commonSegment(a: Segment, b: Segment, index: number): string | undefined {
  if ('literal' in a && 'literal' in b) return a.literal === b.literal ? a.literal : undefined;
  const literal = 'literal' in a ? a : b;
  // A capture takes no empty segment.
  if ('literal' in literal && literal.literal === '') return undefined;
  return textOf(literal, index);
}

function textOf(segment: Segment, index: number): string {
  return 'literal' in segment ? segment.literal : `{c${index}}`;
}
