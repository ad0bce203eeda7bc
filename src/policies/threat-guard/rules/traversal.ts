import { isWordOctet, type ProbeText } from '../probe-text.ts';
import { CERTAIN, EVERYWHERE, HEADER, PARAMETER, PATH, type Rule, SUSPICIOUS } from '../rule.ts';

const CLIMBS = ['../', '..\\', '..;/', '..;\\'] as const;

/** What comes of it when a server reads the octets more generously than it may (RFC 3629 section 10). */
const OVERLONG = ['\xc0\xae', '\xc0\xaf', '\xc0\xbc', '\xc1\x9c', '\xe0\x80\xae', '\xe0\x80\xaf'] as const;

/** Octets of the longest way up that anybody writes in good faith. */
const MAX_STEPS = 30;

const SYSTEM_FILES = [
  '/etc/passwd',
  '/etc/shadow',
  '/etc/hosts',
  '/proc/self/',
  '/windows/win.ini',
  '\\windows\\win.ini',
  '/windows/system32',
  '\\windows\\system32',
  '/web-inf/',
] as const;

export const ENCODING_RULES: readonly Rule[] = [
  { id: 'null-byte', group: 'encoding', score: CERTAIN, places: EVERYWHERE, triggers: ['\0'] },
  { id: 'overlong-utf8', group: 'encoding', score: CERTAIN, places: EVERYWHERE, triggers: OVERLONG },
];

export const TRAVERSAL_RULES: readonly Rule[] = [
  {
    // The path has none left that the gateway itself understood: this one was hidden from it.
    id: 'climb-in-path',
    group: 'traversal',
    score: CERTAIN,
    places: PATH,
    triggers: [...CLIMBS, '/..'],
    confirms: (text, start, end) =>
      text.at(start) === 0x2f ? !(text.at(end) === 0x2e || isWordOctet(text.at(end))) : isClimb(text, start),
  },
  {
    // Not quoted or in parentheses: imports and links climb, too, in what people write about code.
    id: 'climb-far',
    group: 'traversal',
    score: CERTAIN,
    places: PARAMETER | HEADER,
    triggers: CLIMBS,
    confirms: (text, start, end) =>
      isClimb(text, start) &&
      CLIMBS.some((climb) => text.startsWith(climb, end)) &&
      !' ("\'`'.includes(String.fromCharCode(text.at(firstStep(text, start) - 1))),
  },
  {
    // Relative links climb a step, too.
    id: 'climb-once',
    group: 'traversal',
    score: SUSPICIOUS,
    places: PARAMETER,
    triggers: CLIMBS,
    confirms: isClimb,
  },
  {
    // As a value of its own; people write about these files.
    id: 'system-file',
    group: 'traversal',
    score: CERTAIN,
    places: PATH | PARAMETER,
    triggers: SYSTEM_FILES,
    confirms: (text, start) =>
      start === 0 || '/\\.:'.includes(String.fromCharCode(text.at(start - 1))) || text.startsWith('file:', 0),
  },
];

/** Where the steps before `start` begin. */
function firstStep(text: ProbeText, start: number): number {
  let at = start;
  while (at > start - MAX_STEPS && (text.endsWith('../', at) || text.endsWith('..\\', at))) at -= 3;
  return at;
}

/** Not an ellipsis, and not the end of a name. */
function isClimb(text: ProbeText, start: number): boolean {
  const before = text.at(start - 1);
  return before !== 0x2e && !isWordOctet(before);
}
