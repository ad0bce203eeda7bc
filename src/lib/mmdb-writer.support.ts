import { type Cidr, parseCidr } from './cidr.ts';

export interface CountryDatabase {
  readonly ipVersion: 4 | 6;
  readonly recordSize: 24 | 28 | 32;
  /** Country by network; networks must not lie within each other. */
  readonly networks: Readonly<Record<string, string>>;
  /** Networks of IPv6 that lead to the IPv4 addresses too, such as 2002::/16 in MaxMind's own. */
  readonly aliases?: readonly string[];
}

type Slot = Node | { readonly country: string } | undefined;
interface Node {
  readonly slots: [Slot, Slot];
}

/** A small database of countries in MaxMind's format (MaxMind DB specification 2.0). */
export function writeCountryDatabase({
  ipVersion,
  recordSize,
  networks,
  aliases = [],
}: CountryDatabase): Buffer {
  const root: Node = { slots: [undefined, undefined] };
  for (const [network, country] of Object.entries(networks))
    put(root, bitsOf(network, ipVersion), { country });
  if (aliases.length > 0) {
    const v4Root = walk(root, '0'.repeat(96));
    for (const alias of aliases) put(root, bitsOf(alias, ipVersion), v4Root);
  }
  const nodes = nodesOf(root);
  const numbers = new Map(nodes.map((node, index) => [node, index]));
  const data: Buffer[] = [];
  const offsets = new Map<string, number>();
  let length = 0;
  for (const country of new Set(Object.values(networks))) {
    const record = map({ country: map({ iso_code: text(country) }) });
    offsets.set(country, length);
    data.push(record);
    length += record.length;
  }
  const valueOf = (slot: Slot): number => {
    if (slot === undefined) return nodes.length;
    if ('slots' in slot) return numbers.get(slot) as number;
    return nodes.length + 16 + (offsets.get(slot.country) as number);
  };
  const tree = nodes.map(({ slots: [left, right] }) => nodeOctets(valueOf(left), valueOf(right), recordSize));
  const metadata = map({
    node_count: uint(nodes.length, 6),
    record_size: uint(recordSize, 5),
    ip_version: uint(ipVersion, 5),
    database_type: text('Test-Country'),
    binary_format_major_version: uint(2, 5),
    binary_format_minor_version: uint(0, 5),
    build_epoch: uint(1, 6),
  });
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
  return Buffer.concat([...tree, Buffer.alloc(16), ...data, marker, metadata]);
}

/** The bits of the network's prefix, in a tree of that version. */
function bitsOf(network: string, ipVersion: 4 | 6): string {
  const cidr = parseCidr(network);
  if (cidr.kind === 'refused') throw new Error(cidr.reason);
  const bits = wordsOf(cidr).map((word) => word.toString(2).padStart(32, '0'));
  return (cidr.family === 4 && ipVersion === 6 ? '0'.repeat(96) : '') + bits.join('').slice(0, cidr.prefix);
}

function wordsOf(cidr: Cidr): readonly number[] {
  return cidr.family === 4 ? [cidr.first] : cidr.first;
}

function walk(root: Node, bits: string): Node {
  let node = root;
  for (const bit of bits) {
    const at = Number(bit) as 0 | 1;
    const next = node.slots[at] ?? { slots: [undefined, undefined] };
    if (!('slots' in next)) throw new Error('networks lie within each other');
    node.slots[at] = next;
    node = next;
  }
  return node;
}

function put(root: Node, bits: string, slot: Slot): void {
  walk(root, bits.slice(0, -1)).slots[Number(bits.at(-1)) as 0 | 1] = slot;
}

/** Each once, the root first. */
function nodesOf(root: Node): Node[] {
  const nodes = new Set([root]);
  for (const { slots } of nodes)
    for (const slot of slots) if (slot !== undefined && 'slots' in slot) nodes.add(slot);
  return [...nodes];
}

function nodeOctets(left: number, right: number, recordSize: 24 | 28 | 32): Buffer {
  const octets = Buffer.alloc(recordSize / 4);
  if (recordSize === 32) {
    octets.writeUInt32BE(left, 0);
    octets.writeUInt32BE(right, 4);
    return octets;
  }
  octets.writeUIntBE(left & 0xffffff, 0, 3);
  octets.writeUIntBE(right & 0xffffff, recordSize === 24 ? 3 : 4, 3);
  if (recordSize === 28) octets.writeUInt8(((left >>> 24) << 4) | (right >>> 24), 3);
  return octets;
}

/** Values of the data section: a control octet has the type in its upper three bits, or 0 and the type less 7 behind it. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([(2 << 5) | value.length]), Buffer.from(value)]);
}

function uint(value: number, type: 5 | 6): Buffer {
  const octets = Buffer.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
  return Buffer.concat([
    Buffer.from([(type << 5) | (type === 5 ? 2 : 4)]),
    octets.subarray(type === 5 ? 2 : 0),
  ]);
}

function map(entries: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(entries).flatMap(([key, value]) => [text(key), value]);
  return Buffer.concat([Buffer.from([(7 << 5) | Object.keys(entries).length]), ...parts]);
}
