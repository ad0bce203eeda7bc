import type { Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';
import { CollectedOctets } from '../lib/collected-octets.ts';
import type { BodyBounds } from '../policy/contract.ts';
import type { BodyHolder } from './body-memory.ts';

/** What follows the end of the compressed data would not be shown, and a service may read it all the same. */
const STRICT = { rejectGarbageAfterEnd: true };
/** RFC 9659: 8 MiB is the largest window of this content coding. By itself the decoder reserves 128 MiB if a frame asks for it. */
const ZSTD = { ...STRICT, params: { [constants.ZSTD_d_windowLogMax]: 23 } };

/** Content codings of RFC 9110 section 8.4.1, RFC 7932 and RFC 8878. */
const CODINGS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', () => createGunzip(STRICT)],
  ['x-gzip', () => createGunzip(STRICT)],
  ['deflate', () => createInflate(STRICT)],
  ['br', () => createBrotliDecompress(STRICT)],
  ['zstd', () => createZstdDecompress(ZSTD)],
]);

/** A ratio says nothing of a few octets. */
const RATIO_FROM_BYTES = 64 * 1024;

type DecompressionFault = 'too_large' | 'malformed' | 'no_memory';

export interface Decompressed {
  /** It has come to its end. */
  onContent(content: Buffer): void;
  onFault(fault: DecompressionFault): void;
  /** Whether it wants `onPart`. */
  readonly watches: boolean;
  /** What there is until now. */
  onPart(content: Buffer): void;
}

/** Whether a body of this Content-Encoding can be read; one with several codings cannot. */
export function isKnownCoding(coding: string): boolean {
  return coding === 'identity' || CODINGS.has(coding);
}

/** Decompresses a body as it comes, on a thread of Node's own, and gives up as soon as it has become too much. */
export class Decompression {
  readonly #stream: Transform;
  readonly #holder: BodyHolder;
  readonly #content: CollectedOctets;
  #taken = 0;
  /** All of it was given. */
  #whole = false;
  #over = false;

  /** `coding` is a known one. */
  constructor(
    coding: string,
    { maxBytes, maxRatio }: Required<BodyBounds>,
    holder: BodyHolder,
    owner: Decompressed,
  ) {
    const stream = (CODINGS.get(coding) as () => Transform)();
    this.#stream = stream;
    this.#holder = holder;
    this.#content = new CollectedOctets(maxBytes);
    const fail = (fault: DecompressionFault) => {
      if (this.#over) return;
      this.cancel();
      owner.onFault(fault);
    };
    stream.on('data', (piece: Buffer) => {
      const bytes = this.#content.length + piece.length;
      if (bytes > maxBytes || (bytes > RATIO_FROM_BYTES && bytes > maxRatio * this.#taken))
        return fail('too_large');
      if (!holder.hold(this.#content.growthFor(piece.length))) return fail('no_memory');
      this.#content.add(piece, 0, piece.length);
      if (owner.watches && !this.#over) owner.onPart(this.#content.whole());
    });
    stream.on('end', () => {
      // Its data may say that it is over while the body goes on.
      if (!this.#whole) return fail('malformed');
      if (!this.#over) owner.onContent(this.#content.whole());
    });
    stream.on('error', () => fail('malformed'));
  }

  /** Takes a piece that stays as it is, and that is held; it is let go of once it is worked through. */
  write(piece: Buffer): void {
    if (this.#over) return;
    this.#taken += piece.length;
    this.#stream.write(piece, () => this.#holder.release(piece.length));
  }

  end(): void {
    this.#whole = true;
    if (!this.#over) this.#stream.end();
  }

  cancel(): void {
    this.#over = true;
    this.#stream.destroy();
  }
}
