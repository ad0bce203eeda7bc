import type { Fields } from '../http/fields.ts';
import { CollectedOctets } from '../lib/collected-octets.ts';
import { copyOf } from '../lib/octets.ts';
import type { BodyBounds } from '../policy/contract.ts';
import type { BodyHolder } from './body-memory.ts';
import { Decompression, isKnownCoding } from './decompression.ts';

/** Why the policies cannot be shown a body. */
export type BodyFault = 'too_large' | 'unknown_coding' | 'malformed' | 'no_memory';

export interface WholeBodyOwner {
  /** The body without its Content-Encoding. Comes from within `end`, or later by itself, so that what it sends has to be flushed. */
  onContent(content: Buffer): void;
  /** The same for a body that is not shown: `onContent` does not come any more. */
  onFault(fault: BodyFault): void;
  /** Whether it wants `onPart`. */
  readonly watches: boolean;
  /** More is to come: what there is of the content until now. The owner may `cancel` the body. */
  onPart(content: Buffer): void;
}

/** A body that is kept until it is complete, within bounds. */
export class WholeBody {
  readonly #bounds: Required<BodyBounds>;
  readonly #owner: WholeBodyOwner;
  readonly #holder: BodyHolder;
  readonly #octets: CollectedOctets;
  #decompression: Decompression | undefined;
  /** As it is announced; -1: it is not. */
  #length = -1;
  #isOver = false;

  constructor(bounds: Required<BodyBounds>, holder: BodyHolder, owner: WholeBodyOwner) {
    this.#bounds = bounds;
    this.#holder = holder;
    this.#owner = owner;
    this.#octets = new CollectedOctets(bounds.maxBytes);
  }

  /** What came until now, as it came. */
  get octets(): Buffer {
    return this.#octets.whole();
  }

  /** What is known before the first octet: a fault of the body's head, else undefined. `length` is -1 when it is not stated. */
  open(fields: Fields, length: number): BodyFault | undefined {
    if (length > this.#bounds.maxBytes) return 'too_large';
    this.#length = length;
    const coding = fields.get('content-encoding')?.trim().toLowerCase();
    if (coding === undefined) return undefined;
    if (fields.repeats('content-encoding')) return 'unknown_coding';
    if (coding === '' || coding === 'identity') return undefined;
    if (!isKnownCoding(coding)) return 'unknown_coding';
    this.#decompression = new Decompression(coding, this.#bounds, this.#holder, this.#owner);
    return undefined;
  }

  /**
   * Takes `data[from, to)`; false, with a fault, when that would be more than the bound allows: it is then not kept, and nothing may follow. False as
   * well when the owner has seen enough.
   */
  add(data: Buffer, from: number, to: number): boolean {
    const bytes = to - from;
    const fits = this.#octets.length + bytes <= this.#bounds.maxBytes;
    if (!fits) return this.#fail('too_large');
    if (!this.#holder.hold(this.#octets.growthFor(bytes))) return this.#fail('no_memory');
    this.#octets.add(data, from, to);
    if (this.#decompression === undefined) {
      if (this.#owner.watches && this.#octets.length !== this.#length) this.#owner.onPart(this.octets);
      return !this.#isOver;
    }
    // It works through its pieces by and by: until then each is there a second time.
    if (!this.#holder.hold(bytes)) return this.#fail('no_memory');
    this.#decompression.write(copyOf(data, from, to));
    return true;
  }

  #fail(fault: BodyFault): false {
    this.cancel();
    this.#owner.onFault(fault);
    return false;
  }

  end(): void {
    if (this.#decompression === undefined) this.#owner.onContent(this.octets);
    else this.#decompression.end();
  }

  cancel(): void {
    this.#isOver = true;
    this.#decompression?.cancel();
  }
}
