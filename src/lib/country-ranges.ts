import { type CountryResponse, Reader } from 'mmdb-lib';
import { type Cidr, formatIPv4, formatIPv6 } from './cidr.ts';

type Words = [number, number, number, number];

/**
 * The networks of some countries, from a database in MaxMind's format (MaxMind DB specification 2.0) that tells the country of an address,
 * such as GeoLite2-Country. `countries` are codes of ISO 3166-1 in capital letters. Throws an Error for what is no such database.
 *
 * All networks are looked at once, here, so that to find an address later costs no more than in any other list, and needs no database.
 */
export function countryRanges(database: Buffer, countries: ReadonlySet<string>): Cidr[] {
  return new CountryWalk(database, countries).ranges();
}

class CountryWalk {
  readonly #database: Buffer;
  readonly #reader: Reader<CountryResponse>;
  readonly #countries: ReadonlySet<string>;
  /** Whether it is one of the countries, by where in the database the record is: few records are told of many networks. */
  readonly #wanted = new Map<number, boolean>();
  readonly #found: Cidr[] = [];
  /** Node at which the IPv4 addresses begin; others lead to it too, as aliases (such as 2002::/16). */
  #v4Root = -1;
  #nodes = 0;

  constructor(database: Buffer, countries: ReadonlySet<string>) {
    this.#database = database;
    this.#reader = new Reader<CountryResponse>(database);
    this.#countries = countries;
  }

  ranges(): Cidr[] {
    const { ipVersion, nodeCount } = this.#reader.metadata;
    if (ipVersion === 4) {
      this.#walk(0, [0, 0, 0, 0], 96, true);
      return this.#found;
    }
    let node = 0;
    for (let depth = 0; depth < 96 && node < nodeCount; depth++) node = this.#record(node, 0);
    if (node === 0) throw new Error(BROKEN);
    this.#v4Root = node;
    this.#walk(0, [0, 0, 0, 0], 0, false);
    return this.#found;
  }

  /** `depth` counts from the start of an IPv6 address; an IPv4 one begins at 96. */
  #walk(node: number, at: Words, depth: number, isV4: boolean): void {
    const { nodeCount } = this.#reader.metadata;
    const atV4 = isV4 || (depth === 96 && isZero(at));
    if (node < nodeCount) {
      if (node === this.#v4Root && !atV4) return;
      // Each node is met once. Where it is not, the records go round in circles, and the walk would have no end.
      if (++this.#nodes > nodeCount || depth === 128) throw new Error(BROKEN);
      this.#walk(this.#record(node, 0), at, depth + 1, atV4);
      const right: Words = [...at];
      const word = depth >>> 5;
      right[word] = ((right[word] as number) | (1 << (31 - (depth & 31)))) >>> 0;
      this.#walk(this.#record(node, 1), right, depth + 1, atV4);
    } else if (node > nodeCount && this.#isWanted(node, at, atV4)) {
      this.#add(at, depth, atV4);
      // A network that is wider than all of IPv4 has it within.
      if (depth < 96 && isZero(at)) this.#add([0, 0, 0, 0], 96, true);
    }
  }

  #add(first: Words, depth: number, isV4: boolean): void {
    if (isV4) {
      const prefix = depth - 96;
      const last = (first[3] | hostMask(prefix, 0)) >>> 0;
      this.#found.push({ kind: 'range', family: 4, prefix, first: first[3], last });
      return;
    }
    const last = first.map((word, i) => (word | hostMask(depth, i * 32)) >>> 0) as Words;
    this.#found.push({ kind: 'range', family: 6, prefix: depth, first, last });
  }

  /** `address` is one that leads to the record. */
  #isWanted(record: number, address: Words, isV4: boolean): boolean {
    let wanted = this.#wanted.get(record);
    if (wanted === undefined) {
      const code = this.#reader.get(isV4 ? formatIPv4(address[3]) : formatIPv6(address))?.country?.iso_code;
      wanted = code !== undefined && this.#countries.has(code);
      this.#wanted.set(record, wanted);
    }
    return wanted;
  }

  /** The left (0) or right (1) record of a node. */
  #record(node: number, side: 0 | 1): number {
    const { recordSize, nodeByteSize } = this.#reader.metadata;
    const at = node * nodeByteSize;
    const database = this.#database;
    if (recordSize === 24) return database.readUIntBE(at + side * 3, 3);
    if (recordSize === 32) return database.readUInt32BE(at + side * 4);
    // 28 bits: the octet in the middle has the highest four of both.
    const middle = database.readUInt8(at + 3);
    return side === 0
      ? (middle >>> 4) * 0x1000000 + database.readUIntBE(at, 3)
      : (middle & 0x0f) * 0x1000000 + database.readUIntBE(at + 4, 3);
  }
}

const BROKEN = 'its search tree is broken';

/** All that stands before an IPv4 address. */
function isZero(at: Words): boolean {
  return at[0] === 0 && at[1] === 0 && at[2] === 0;
}

/** The bits of the word that begins at `from` which stand beyond the prefix. */
function hostMask(prefix: number, from: number): number {
  const bits = Math.min(32, Math.max(0, prefix - from));
  return bits === 32 ? 0 : 0xffffffff >>> bits;
}
