import { isWordOctet, type ProbeText } from './probe-text.ts';

/** Fixed texts of which one may stand at a place. Mostly the first octet there tells that none does: 5 ns instead of 10 for each. */
export class Words {
  readonly #words: readonly string[];
  /** A bit for the lower five of each first octet. */
  readonly #initials: number;

  constructor(words: readonly string[]) {
    this.#words = words;
    this.#initials = words.reduce((bits, word) => bits | (1 << (word.charCodeAt(0) & 31)), 0);
  }

  /** Length of the first that stands there; 0 when none does. */
  lengthAt(text: ProbeText, index: number): number {
    if ((this.#initials & (1 << (text.at(index) & 31))) === 0) return 0;
    for (let i = 0; i < this.#words.length; i++) {
      const word = this.#words[i] as string;
      if (text.startsWith(word, index)) return word.length;
    }
    return 0;
  }

  /** As `lengthAt`, of those that do not go on as a longer word. */
  wholeLengthAt(text: ProbeText, index: number): number {
    const length = this.lengthAt(text, index);
    return length > 0 && isWordOctet(text.at(index + length)) ? 0 : length;
  }
}
