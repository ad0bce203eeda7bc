export const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;
const SLASH = 0x2f;
export const STAR = 0x2a;
/** In latin1, which databases may take for white space; in UTF-8 it stands behind C2, and in many letters. */
export const NO_BREAK_SPACE = 0xa0;
const LEADS_NO_BREAK_SPACE = 0xc2;
const LETTER_U = 0x75;

/** How often escapes within escapes are taken apart. */
const MAX_DEPTH = 3;
/** Longest inside of a comment between keywords that is taken for a space. */
const MAX_COMMENT = 64;
const INITIAL_OCTETS = 1024;

/** Quotes, angle brackets, a backtick and an equals sign. */
const ENDS_COMMENT: Uint8Array = Buffer.from('<>"\'`=', 'latin1');

/** Small letters for capitals, a space for every kind of white space; all else as it is. */
export const FOLDED: Uint8Array = foldTable();
export const FOLDED_QUERY: Uint8Array = FOLDED.with(PLUS, SPACE);

/**
 * A part of a request as its readers may end up understanding it: octets, percent-decoded up to three times, in small letters, with one
 * space for any white space and for short comments, as `union/**\/select` has them. One object serves many texts; it grows with the
 * longest, which the listener's limit on heads bounds. All of it takes time linear in the text.
 */
export class ProbeText {
  octets = new Uint8Array(INITIAL_OCTETS);
  length = 0;

  /** Takes the characters [from, to) of a latin1 text. */
  take(text: string, from: number, to: number, plusIsSpace: boolean): void {
    if (to - from > this.octets.length) this.octets = new Uint8Array(2 * (to - from));
    if (this.#takePlain(text, from, to, plusIsSpace ? FOLDED_QUERY : FOLDED)) return;
    const { octets } = this;
    for (let i = from; i < to; i++) {
      const code = text.charCodeAt(i);
      octets[i - from] = plusIsSpace && code === PLUS ? SPACE : code;
    }
    this.length = to - from;
    for (let depth = 0; depth < MAX_DEPTH && this.#decode(); depth++);
    this.#fold();
  }

  /** The octet there; -1 before the first and behind the last. */
  at(index: number): number {
    return index >= 0 && index < this.length ? (this.octets[index] as number) : -1;
  }

  /** Behind the one space that may stand there. */
  afterSpace(index: number): number {
    return this.at(index) === SPACE ? index + 1 : index;
  }

  startsWith(text: string, index: number): boolean {
    if (index < 0 || index + text.length > this.length) return false;
    for (let i = 0; i < text.length; i++) if (this.octets[index + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  /** Whether the text ends at `index`, which is behind its last octet. */
  endsWith(text: string, index: number): boolean {
    return this.startsWith(text, index - text.length);
  }

  /** Behind the digits that stand there. */
  afterDigits(index: number): number {
    let at = index;
    while (isDigit(this.at(at))) at++;
    return at;
  }

  /** In one pass, as for most texts; false where there is something to decode, or may be a comment. */
  #takePlain(text: string, from: number, to: number, folded: Uint8Array): boolean {
    const { octets } = this;
    let length = 0;
    let previous = -1;
    for (let i = from; i < to; i++) {
      const code = folded[text.charCodeAt(i) & 0xff] as number;
      if (code === PERCENT || code === STAR || code === NO_BREAK_SPACE) return false;
      if (code === SPACE && previous === SPACE) continue;
      octets[length++] = code;
      previous = code;
    }
    this.length = length;
    return true;
  }

  /** Decodes in place, since no escape is shorter than its octet. Whether there may be more to decode. */
  #decode(): boolean {
    const { octets, length } = this;
    let kept = 0;
    let found = false;
    for (let i = 0; i < length; i++) {
      let code = octets[i] as number;
      if (code === PERCENT) {
        // The four digits are what old Microsoft servers read (`%u002e`).
        const wide = (this.at(i + 1) | 0x20) === LETTER_U;
        const value = wide ? this.#hex(i + 2, 4) : this.#hex(i + 1, 2);
        if (value >= 0) {
          code = value > 0xff ? 0x3f : value;
          i += wide ? 5 : 2;
          found = true;
        }
      }
      octets[kept++] = code;
    }
    this.length = kept;
    return found;
  }

  /** The value of so many hex digits; -1 when one of them is none. */
  #hex(index: number, digits: number): number {
    let value = 0;
    for (let i = index; i < index + digits; i++) {
      const code = this.at(i);
      const lower = code | 0x20;
      if (isDigit(code)) value = value * 16 + code - 0x30;
      else if (code >= 0 && lower >= 0x61 && lower <= 0x66) value = value * 16 + lower - 0x57;
      else return -1;
    }
    return value;
  }

  #fold(): void {
    const { octets, length } = this;
    let kept = 0;
    let previous = -1;
    for (let i = 0; i < length; i++) {
      let code = FOLDED[octets[i] as number] as number;
      if (code === SLASH || code === STAR) {
        const end = this.#commentEnd(i, code);
        if (end > i) {
          code = SPACE;
          i = end - 1;
        }
      } else if (code === LEADS_NO_BREAK_SPACE && this.at(i + 1) === NO_BREAK_SPACE) {
        code = SPACE;
        i++;
      } else if (code === NO_BREAK_SPACE && this.at(i - 1) < 0x80) {
        code = SPACE;
      }
      if (code === SPACE && previous === SPACE) continue;
      octets[kept++] = code;
      previous = code;
    }
    this.length = kept;
  }

  /**
   * Behind a mark that databases read as white space: a comment, the beginning of one that MySQL runs (`/*!50000`), or the end of that.
   * `start` where there is none. A longer comment, or one with markup, a quote or an equals sign in it, stays: a browser would run what stands in it.
   */
  #commentEnd(start: number, code: number): number {
    if (code === STAR) return this.at(start + 1) === SLASH ? start + 2 : start;
    if (this.at(start + 1) !== STAR) return start;
    if (this.at(start + 2) === 0x21) return this.afterDigits(start + 3);
    for (let i = start + 2; i < start + 2 + MAX_COMMENT; i++) {
      const inside = this.at(i);
      if (inside === STAR && this.at(i + 1) === SLASH) return i + 2;
      if (inside < 0 || ENDS_COMMENT.includes(inside)) return start;
    }
    return start;
  }
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** A small letter, as texts have no others. */
export function isLetter(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

/** Of a name; octets beyond ASCII belong to letters. Capitals are there only while a text is being folded. */
export function isWordOctet(code: number): boolean {
  return isDigit(code) || (code >= 0x41 && code <= 0x5a) || isLetter(code) || code === 0x5f || code > 0x7f;
}

export function isQuote(code: number): boolean {
  return code === 0x27 || code === 0x22;
}

function foldTable(): Uint8Array {
  const table = new Uint8Array(256).map((_, code) => code);
  for (let code = 0x41; code <= 0x5a; code++) table[code] = code + 0x20;
  for (let code = 0x09; code <= 0x0d; code++) table[code] = SPACE;
  return table;
}
