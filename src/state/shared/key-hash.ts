const ROUNDS = 12;

/**
 * Chaskey-12 (Mouha and others, ISO/IEC 29192-6), a keyed hash of 128 bits that needs nothing but additions, rotations and exclusive ors of
 * 32 bits. Who does not know the key cannot find texts that collide. A text is read as UTF-16, least significant octet first.
 */
export class KeyHash {
  readonly #key: Int32Array;
  /** For a last block that is full, and for one that is filled up. */
  readonly #full: Int32Array;
  readonly #filled: Int32Array;

  /** `key` is four words. */
  constructor(key: Int32Array) {
    this.#key = Int32Array.from(key);
    this.#full = doubled(this.#key);
    this.#filled = doubled(this.#full);
  }

  /** Writes the hash of the text into the four words of `out`. */
  hash(text: string, out: Int32Array): void {
    const key = this.#key;
    let a = key[0] as number;
    let b = key[1] as number;
    let c = key[2] as number;
    let d = key[3] as number;
    const length = text.length;
    let at = 0;
    for (let last = false; !last; at += 8) {
      const left = length - at;
      last = left <= 8;
      let mask: Int32Array = NO_MASK;
      if (left >= 8) {
        a ^= pair(text, at);
        b ^= pair(text, at + 2);
        c ^= pair(text, at + 4);
        d ^= pair(text, at + 6);
        if (last) mask = this.#full;
      } else {
        a ^= ended(text, at, length);
        b ^= ended(text, at + 2, length);
        c ^= ended(text, at + 4, length);
        d ^= ended(text, at + 6, length);
        mask = this.#filled;
      }
      const maskA = mask[0] as number;
      const maskB = mask[1] as number;
      const maskC = mask[2] as number;
      const maskD = mask[3] as number;
      a ^= maskA;
      b ^= maskB;
      c ^= maskC;
      d ^= maskD;
      for (let round = 0; round < ROUNDS; round++) {
        a = (a + b) | 0;
        b = ((b << 5) | (b >>> 27)) ^ a;
        a = (a << 16) | (a >>> 16);
        c = (c + d) | 0;
        d = ((d << 8) | (d >>> 24)) ^ c;
        a = (a + d) | 0;
        d = ((d << 13) | (d >>> 19)) ^ a;
        c = (c + b) | 0;
        b = ((b << 7) | (b >>> 25)) ^ c;
        c = (c << 16) | (c >>> 16);
      }
      a ^= maskA;
      b ^= maskB;
      c ^= maskC;
      d ^= maskD;
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
  }
}

const NO_MASK = new Int32Array(4);

/** Two code units as one word. */
function pair(text: string, at: number): number {
  return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
}

/** As `pair`, where the text may end: a 1 follows it, and zeros that. */
function ended(text: string, at: number, length: number): number {
  return unit(text, at, length) | (unit(text, at + 1, length) << 16);
}

function unit(text: string, at: number, length: number): number {
  if (at < length) return text.charCodeAt(at);
  return at === length ? 1 : 0;
}

/** Times x in the field of 2^128 elements, by the polynomial x^128 + x^7 + x^2 + x + 1. */
function doubled(words: Int32Array): Int32Array {
  const [a, b, c, d] = words as unknown as [number, number, number, number];
  return Int32Array.of(
    (a << 1) ^ (d < 0 ? 0x87 : 0),
    (b << 1) | (a >>> 31),
    (c << 1) | (b >>> 31),
    (d << 1) | (c >>> 31),
  );
}
