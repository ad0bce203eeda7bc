/** A value of ASN.1 in DER (X.690): where it lies, and what is in it. */
export interface DerValue {
  /** The first octet: class, form and number in one. Numbers above 30 are not read. */
  readonly tag: number;
  /** With tag and length. */
  readonly whole: Buffer;
  readonly content: Buffer;
}

export const DER = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  /** A context-specific tag around other values. */
  context: (number: number): number => 0xa0 | number,
} as const;

/** The value at the start of `data`; undefined when there is none, or it is cut off. */
export function readDer(data: Buffer): DerValue | undefined {
  const tag = data[0];
  const first = data[1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let start = 2;
  let length = first;
  if (first >= 0x80) {
    const bytes = first & 0x7f;
    if (bytes === 0 || bytes > 4 || data.length < 2 + bytes) return undefined;
    length = data.readUIntBE(2, bytes);
    start += bytes;
  }
  if (data.length < start + length) return undefined;
  return { tag, whole: data.subarray(0, start + length), content: data.subarray(start, start + length) };
}

/** The values in `data`, one after the other; undefined when what is there is none. */
export function derValues(data: Buffer): DerValue[] | undefined {
  const values: DerValue[] = [];
  for (let rest = data; rest.length > 0; ) {
    const value = readDer(rest);
    if (value === undefined) return undefined;
    values.push(value);
    rest = rest.subarray(value.whole.length);
  }
  return values;
}

/** The values within the value at the start of `data`; undefined when it has another tag. */
export function derMembers(data: Buffer, tag: number = DER.sequence): DerValue[] | undefined {
  const value = readDer(data);
  return value?.tag === tag ? derValues(value.content) : undefined;
}

export function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x10000
          ? [0x82, length >> 8, length & 0xff]
          : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

/** `1.2.840.113549.1.1.5`; empty for what is no object identifier. */
export function oidText({ tag, content }: DerValue): string {
  if (tag !== DER.oid) return '';
  const parts: number[] = [];
  let part = 0;
  for (const octet of content) {
    part = part * 128 + (octet & 0x7f);
    if (octet >= 0x80) continue;
    if (parts.length > 0) parts.push(part);
    else parts.push(Math.min(2, Math.floor(part / 40)), part - 40 * Math.min(2, Math.floor(part / 40)));
    part = 0;
  }
  return parts.join('.');
}

/** Milliseconds since 1970 (RFC 5280 section 4.1.2.5); NaN for what is no time. */
export function timeOf({ tag, content }: DerValue): number {
  const text = content.toString('latin1');
  const short = tag === DER.utcTime;
  if (!short && tag !== DER.generalizedTime) return Number.NaN;
  const match = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/.exec(text);
  if (match === null || (match[1]?.length === 2) !== short) return Number.NaN;
  const [, year = '', ...rest] = match;
  const full = short ? Number(year) + (Number(year) < 50 ? 2000 : 1900) : Number(year);
  const [month = 1, day, hour, minute, second] = rest.map(Number);
  return Date.UTC(full, month - 1, day, hour, minute, second);
}
