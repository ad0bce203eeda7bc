import { FIELD_CONTENT, NAME, NAME_ODD, NAME_PLAIN } from './characters.ts';
import { FIELD, type FieldKind, type FieldNames } from './field-names.ts';
import { Fields, initialBit } from './fields.ts';

export type SectionProblem =
  | 'too_large'
  | 'too_many'
  | 'line_end'
  | 'white_space'
  | 'name'
  | 'value'
  | 'lookalike';

/** The fields of a head: those that are passed on, and those that are for the engine alone, apart. */
export class FieldSection {
  fields: Fields = new Fields();
  /** Kind and value in turns, in order. */
  readonly specials: (FieldKind | string)[] = [];
  /** Position after the empty line. */
  end = 0;
  problem: SectionProblem | undefined = undefined;
  /** The field that the problem is about, in small letters. */
  problemName = '';
}

const CR = 0x0d;
const SP = 0x20;
const HTAB = 0x09;
const COLON = 0x3a;

/**
 * Reads field lines from `from` to the empty line (RFC 9112 section 5). undefined while that is not there. `limit` is the position
 * that the section may not reach beyond.
 *
 * Lines that are passed on are not taken apart: their text is, in one piece where they stand together.
 */
export function readFieldSection(
  text: string,
  from: number,
  limit: number,
  maxLines: number,
  names: FieldNames,
): FieldSection | undefined {
  const section = new FieldSection();
  let kept = '';
  let keptFrom = from;
  let initials = 0;
  let pos = from;
  for (let lines = 1; ; lines++) {
    const lineEnd = text.indexOf('\n', pos);
    if ((lineEnd < 0 ? text.length : lineEnd + 1) > limit) return refused(section, 'too_large');
    if (lineEnd < 0) return undefined;
    const end = lineEnd - 1;
    if (text.charCodeAt(end) !== CR) return refused(section, 'line_end');
    if (end === pos) break;
    if (lines > maxLines) return refused(section, 'too_many');

    const first = text.charCodeAt(pos);
    // RFC 9112 section 5.2: obs-fold.
    if (first === SP || first === HTAB) return refused(section, 'white_space');
    let colon = pos;
    let odd = false;
    for (; ; colon++) {
      const kind = NAME[text.charCodeAt(colon)];
      if (kind === NAME_PLAIN) continue;
      if (kind !== NAME_ODD) break;
      odd = true;
    }
    // RFC 9112 section 5.1: white space before the colon is no token either.
    if (colon === pos || text.charCodeAt(colon) !== COLON) return refused(section, 'name');

    let valueStart = colon + 1;
    while (text.charCodeAt(valueStart) === SP || text.charCodeAt(valueStart) === HTAB) valueStart++;
    for (let i = valueStart; i < end; i++) {
      if (FIELD_CONTENT[text.charCodeAt(i)] !== 1) return refused(section, 'value', text.slice(pos, colon));
    }
    let valueEnd = end;
    while (
      valueEnd > valueStart &&
      (text.charCodeAt(valueEnd - 1) === SP || text.charCodeAt(valueEnd - 1) === HTAB)
    ) {
      valueEnd--;
    }

    const special = odd || mayBeSpecial(first | 0x20, colon - pos);
    const kind = special ? names.find(text.slice(pos, colon))?.kind : FIELD.other;
    if (kind === FIELD.lookalike) return refused(section, 'lookalike', text.slice(pos, colon));
    const asWritten =
      kind === FIELD.other &&
      valueEnd === end &&
      valueStart === colon + 2 &&
      text.charCodeAt(colon + 1) === SP;
    if (!asWritten) {
      if (keptFrom < pos) kept += text.slice(keptFrom, pos);
      keptFrom = lineEnd + 1;
      const value = valueStart < valueEnd ? text.slice(valueStart, valueEnd) : '';
      if (kind === FIELD.other) kept += `${text.slice(pos, colon)}: ${value}\r\n`;
      else if (kind !== undefined) section.specials.push(kind, value);
    }
    if (kind === FIELD.other) initials |= initialBit(first);
    pos = lineEnd + 1;
  }
  if (keptFrom < pos) kept = kept === '' ? text.slice(keptFrom, pos) : kept + text.slice(keptFrom, pos);
  section.fields = Fields.ofLines(kept, initials);
  section.end = pos + 2;
  return section;
}

function refused(section: FieldSection, problem: SectionProblem, name = ''): FieldSection {
  section.problemName = name.toLowerCase();
  section.problem = problem;
  return section;
}

/**
 * Whether a name with this first letter (small) and length can be one that the engine treats apart, or look like one. Most fields of most
 * messages cannot, and need not be looked up.
 */
function mayBeSpecial(first: number, length: number): boolean {
  switch (first) {
    case 0x63: // connection, content-length and its lookalikes, which are no shorter
      return length === 10 || length >= 13;
    case 0x74: // te, transfer-encoding and its lookalikes
      return length === 2 || length >= 16;
    case 0x68: // host, http2-settings
      return length === 4 || length === 14;
    case 0x75: // upgrade
      return length === 7;
    case 0x65: // expect
      return length === 6;
    case 0x6b: // keep-alive
      return length === 10;
    case 0x70: // proxy-connection
      return length === 16;
    case 0x2d: // a hyphen, which is no way to begin a name
    case 0x0d | 0x20:
      return true;
    default:
      return false;
  }
}
