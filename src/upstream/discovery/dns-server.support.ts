import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { Changes } from '../../../test/support/changes.ts';

type RecordType = 'A' | 'AAAA' | 'SRV';

export interface DnsRecord {
  readonly ttl: number;
  /** An address, or of SRV `priority weight port target`. */
  readonly data: string;
}

/** What the server says to a question: records, an error by its name in RFC 1035, octets of no meaning, or nothing at all. */
export type DnsAnswer = readonly DnsRecord[] | 'NXDOMAIN' | 'SERVFAIL' | 'garbage' | 'silence';

const TYPES: Readonly<Record<number, RecordType>> = { 1: 'A', 28: 'AAAA', 33: 'SRV' };
const CODES = { SERVFAIL: 2, NXDOMAIN: 3 } as const;

/** A DNS server (RFC 1035) over UDP on the loopback. What is in no zone does not exist. */
export class DnsServer {
  /** Answers by `TYPE name`. */
  readonly zone = new Map<string, DnsAnswer>();
  /** Every question, as `TYPE name`. */
  readonly questions: string[] = [];
  readonly #socket: Socket;
  readonly #changes = new Changes();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message, from) => {
      const answer = this.#answer(message);
      if (answer !== undefined) socket.send(answer, from.port, from.address);
      this.#changes.tell();
    });
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new DnsServer(socket);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** Resolves when so many questions came. */
  async untilAsked(count: number): Promise<void> {
    await this.#changes.until(() => this.questions.length >= count, `question ${count}`);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #answer(message: Buffer): Buffer | undefined {
    const { name, type, end } = readQuestion(message);
    const key = `${TYPES[type] ?? type} ${name}`;
    this.questions.push(key);
    const answer = this.zone.get(key) ?? 'NXDOMAIN';
    if (answer === 'silence') return undefined;
    if (answer === 'garbage') return Buffer.concat([message.subarray(0, 2), Buffer.alloc(40, 0xff)]);
    const records = typeof answer === 'string' ? [] : answer.map((record) => writeRecord(type, record));
    const head = Buffer.alloc(12);
    message.copy(head, 0, 0, 2);
    // Section 4.1.1: an answer (QR), recursion desired and available, and the code.
    head.writeUInt16BE(0x8180 | (typeof answer === 'string' ? CODES[answer] : 0), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    return Buffer.concat([head, message.subarray(12, end), ...records]);
  }
}

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

function writeRecord(type: number, { ttl, data }: DnsRecord): Buffer {
  const octets = TYPES[type] === 'SRV' ? writeService(data) : writeAddress(data);
  const head = Buffer.alloc(12);
  // Section 4.1.4: the name is the one that stands at offset 12, in the question.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(octets.length, 10);
  return Buffer.concat([head, octets]);
}

/** IPv6 addresses are written out, without `::`. */
function writeAddress(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const octets = Buffer.alloc(16);
  for (const [i, part] of address.split(':').entries())
    octets.writeUInt16BE(Number.parseInt(part, 16), 2 * i);
  return octets;
}

function writeService(data: string): Buffer {
  const [priority, weight, port, target = ''] = data.split(' ');
  const head = Buffer.alloc(6);
  for (const [i, value] of [priority, weight, port].entries()) head.writeUInt16BE(Number(value), 2 * i);
  const labels = target.split('.').filter((label) => label !== '');
  return Buffer.concat([
    head,
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}
