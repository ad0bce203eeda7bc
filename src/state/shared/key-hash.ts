const ROUNDS = 12;
const BLOCK = 16;

/**
 * Chaskey-12 (Mouha and others, ISO/IEC 29192-6), a keyed hash of 128 bits that needs nothing but additions, rotations and exclusive ors of
 * 32 bits. Who does not know the key cannot find texts that collide. A character of a latin1 text is one octet; any other text is hashed
 * as UTF-16 under a key of its own, so that it is never taken for a latin1 text.
 */
export class KeyHash {
  readonly #key: Int32Array;
  /** For a last block that is full, and for one that is filled up. */
  readonly #full: Int32Array;
  readonly #filled: Int32Array;
  /** For texts beyond latin1, once there is one. */
  #wide: KeyHash | undefined;

  /** `key` is four words. */
  constructor(key: Int32Array) {
    this.#key = Int32Array.from(key);
    this.#full = doubled(this.#key);
    this.#filled = doubled(this.#full);
  }

  /** Writes the hash of the text into the four words of `out`. */
  hash(text: string, out: Int32Array): void {
    if (isLatin1(text)) this.#hashOctets(text, out);
    else this.#hashWide(text, out);
  }

  #hashWide(text: string, out: Int32Array): void {
    if (this.#wide === undefined) {
      const key = new Int32Array(4);
      this.#hashOctets('wide', key);
      this.#wide = new KeyHash(key);
    }
    this.#wide.#hashOctets(Buffer.from(text, 'utf16le').toString('latin1'), out);
  }

  #hashOctets(text: string, out: Int32Array): void {
    const key = this.#key;
    let a = key[0] as number;
    let b = key[1] as number;
    let c = key[2] as number;
    let d = key[3] as number;
    const length = text.length;
    let at = 0;
    for (let last = false; !last; at += BLOCK) {
      const left = length - at;
      last = left <= BLOCK;
      let mask: Int32Array = NO_MASK;
      if (last) mask = left === BLOCK ? this.#full : this.#filled;
      const maskA = mask[0] as number;
      const maskB = mask[1] as number;
      const maskC = mask[2] as number;
      const maskD = mask[3] as number;
      a ^= word(text, at, length) ^ maskA;
      b ^= word(text, at + 4, length) ^ maskB;
      c ^= word(text, at + 8, length) ^ maskC;
      d ^= word(text, at + 12, length) ^ maskD;
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

function isLatin1(text: string): boolean {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits |= text.charCodeAt(i);
  return bits <= 0xff;
}

/** Four octets as one word, least significant first; after the end of the text come a 1 and zeros. */
function word(text: string, at: number, length: number): number {
  if (at + 4 <= length) {
    return (
      text.charCodeAt(at) |
      (text.charCodeAt(at + 1) << 8) |
      (text.charCodeAt(at + 2) << 16) |
      (text.charCodeAt(at + 3) << 24)
    );
  }
  if (at > length) return 0;
  let value = 1;
  for (let i = length - 1; i >= at; i--) value = (value << 8) | text.charCodeAt(i);
  return value;
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
