import { latin1 } from '../lib/octets.ts';
import { FIELD_CONTENT, isBlank, NAME, NAME_ODD, NAME_PLAIN } from './characters.ts';
import { FIELD, type FieldKind, fieldKind } from './field-kind.ts';
import { Fields, initialBit } from './fields.ts';
import { isLineEnd, lineProblem } from './line-end.ts';

export type SectionProblem =
  | 'too_long'
  | 'too_many'
  | 'line_end'
  | 'white_space'
  | 'name'
  | 'value'
  | 'lookalike';

export type SectionState = 'complete' | 'incomplete' | SectionProblem;

const SP = 0x20;
const COLON = 0x3a;

/** What is noted of a line that is not passed on as it is: kind, and the positions of name, its end, value, its end, and the next line. */
const NOTES = 6;

/**
 * The fields of a head: those that are passed on, and those that are for the engine alone, apart. One object serves one head after the
 * other: what it says of a head is to be taken before the next is read.
 */
export class FieldSection {
  /** Position after the empty line. */
  end = 0;
  /** The field that a problem is about, in small letters; or empty. */
  problemName = '';
  #from = 0;
  #initials = 0;
  readonly #notes: number[] = [];
  #noted = 0;

  /**
   * Reads field lines of `data[from, to)` to the empty line (RFC 9112 section 5). `limit` is the position that the section may not reach
   * beyond. One pass over the octets; strings are cut out later, when the head is known to be complete.
   *
   * RFC 9112 section 5.1: white space before the colon is refused in a request, and taken out of an answer.
   */
  read(
    data: Buffer,
    from: number,
    to: number,
    limit: number,
    maxLines: number,
    isAnswer: boolean,
  ): SectionState {
    const end = Math.min(to, limit);
    this.#from = from;
    this.#noted = 0;
    let initials = 0;
    let pos = from;
    for (let lines = 0; !isLineEnd(data, pos, end); lines++) {
      if (lines === maxLines) return this.#stop('too_many', data, pos, to, limit);
      let colon = pos;
      let odd = false;
      for (; colon < end; colon++) {
        const kind = NAME[data[colon] as number];
        if (kind === NAME_PLAIN) continue;
        if (kind !== NAME_ODD) break;
        odd = true;
      }
      const nameEnd = colon;
      if (isAnswer && nameEnd > pos && nameEnd < end && data[nameEnd] !== COLON)
        colon = blankEnd(data, nameEnd, end);
      if (nameEnd === pos || colon >= end || data[colon] !== COLON)
        return this.#stop('name', data, pos, to, limit);

      const valueFrom = blankEnd(data, colon + 1, end);
      const lineEnd = valueEnd(data, valueFrom, end);
      if (!isLineEnd(data, lineEnd, end)) return this.#stop('value', data, pos, to, limit, nameEnd);
      let valueTo = lineEnd;
      while (valueTo > valueFrom && isBlank(data[valueTo - 1] as number)) valueTo--;

      const kind = fieldKind(data, pos, nameEnd, odd);
      if (kind === FIELD.lookalike) return this.#stop('lookalike', data, pos, to, limit, nameEnd);
      const asWritten = valueTo === lineEnd && valueFrom === nameEnd + 2 && data[nameEnd + 1] === SP;
      if (kind !== FIELD.other || !asWritten) this.#note(kind, pos, nameEnd, valueFrom, valueTo, lineEnd + 2);
      if (kind === FIELD.other) initials |= initialBit(data[pos] as number);
      pos = lineEnd + 2;
    }
    this.#initials = initials;
    this.end = pos + 2;
    return 'complete';
  }

  /**
   * The fields that are passed on, of a section that is complete. `text` is the octets from `base` to the section's end. Lines are not
   * taken apart: their text is passed on, in one piece where they stand together.
   */
  fields(text: string, base: number): Fields {
    const notes = this.#notes;
    let kept = '';
    let from = this.#from;
    for (let i = 0; i < this.#noted; i += NOTES) {
      const line = notes[i + 1] as number;
      if (from < line) kept += text.slice(from - base, line - base);
      if (notes[i] === FIELD.other)
        kept += `${text.slice(line - base, (notes[i + 2] as number) - base)}: ${this.#value(i, text, base)}\r\n`;
      from = notes[i + 5] as number;
    }
    const last = this.end - 2;
    if (from < last) kept += text.slice(from - base, last - base);
    return Fields.ofLines(kept, this.#initials);
  }

  /** How many lines are noted: those for the engine, and those that are not written as they are passed on, which have the kind `other`. */
  get noted(): number {
    return this.#noted / NOTES;
  }

  kind(index: number): FieldKind {
    return this.#notes[index * NOTES] as FieldKind;
  }

  /** Where the value of a noted line begins and ends. */
  valueFrom(index: number): number {
    return this.#notes[index * NOTES + 3] as number;
  }

  valueTo(index: number): number {
    return this.#notes[index * NOTES + 4] as number;
  }

  /** The value of a noted line; `text` and `base` as for `fields`. */
  value(index: number, text: string, base: number): string {
    return this.#value(index * NOTES, text, base);
  }

  #value(at: number, text: string, base: number): string {
    return text.slice((this.#notes[at + 3] as number) - base, (this.#notes[at + 4] as number) - base);
  }

  #note(kind: FieldKind, name: number, nameEnd: number, from: number, to: number, next: number): void {
    const notes = this.#notes;
    const at = this.#noted;
    notes[at] = kind;
    notes[at + 1] = name;
    notes[at + 2] = nameEnd;
    notes[at + 3] = from;
    notes[at + 4] = to;
    notes[at + 5] = next;
    this.#noted = at + NOTES;
  }

  /** The line at `pos` is wrong, or has not come to its end. `nameEnd` when its name is right. */
  #stop(
    problem: SectionProblem,
    data: Buffer,
    pos: number,
    to: number,
    limit: number,
    nameEnd = pos,
  ): SectionState {
    const state = lineProblem(problem, data, pos, to, limit);
    this.problemName = state === problem ? latin1(data, pos, nameEnd).toLowerCase() : '';
    // RFC 9112 section 5.2: obs-fold.
    return state === 'name' && isBlank(data[pos] as number) ? 'white_space' : state;
  }
}

/** The first octet from `at` on that is no white space. */
function blankEnd(data: Buffer, at: number, end: number): number {
  let pos = at;
  while (pos < end && isBlank(data[pos] as number)) pos++;
  return pos;
}

/** The first octet from `at` on that no field value has. */
function valueEnd(data: Buffer, at: number, end: number): number {
  let pos = at;
  while (pos < end && FIELD_CONTENT[data[pos] as number] === 1) pos++;
  return pos;
}
