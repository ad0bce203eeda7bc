/** What a client says of itself before anything is encrypted (RFC 8446 section 4.1.2; RFC 5246 section 7.4.1.2). */
export interface ClientHello {
  /** In small letters, without a last dot; undefined where there is none. Empty for one that no certificate can be for. */
  readonly serverName: string | undefined;
  /** ALPN (RFC 7301), in the client's order; as latin1. */
  readonly protocols: readonly string[];
  readonly cipherSuites: readonly number[];
  readonly signatureSchemes: readonly number[];
  readonly groups: readonly number[];
  readonly speaksTls13: boolean;
  /** The first octets, up to 16, of the session ticket that it shows: the name of the key that it was made with. As latin1. */
  readonly ticketKeyName: string | undefined;
}

export type HelloReading =
  | { readonly kind: 'hello'; readonly hello: ClientHello }
  /** There have to be so many octets before it is worth looking again. */
  | { readonly kind: 'incomplete'; readonly atLeast: number }
  /** No ClientHello, or a malformed or very long one. */
  | { readonly kind: 'other' };

/** Browsers send 2 KiB at most, with a ticket and a post-quantum key. */
export const HELLO_MAX_BYTES = 32 * 1024;

const OTHER = { kind: 'other' } as const;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const RECORD_MAX_BYTES = 16 * 1024;
const RECORD_HEADER_BYTES = 5;
/** Of a handshake message: its type and its length. */
const HEADER_BYTES = 4;

const SERVER_NAME = 0;
const SUPPORTED_GROUPS = 10;
const SIGNATURE_ALGORITHMS = 13;
const ALPN = 16;
const SESSION_TICKET = 35;
const PRE_SHARED_KEY = 41;
const SUPPORTED_VERSIONS = 43;
const TLS_1_3 = 0x0304;
const TICKET_KEY_NAME_BYTES = 16;

/**
 * Reads the first message of a TLS connection from its first octets. It goes on where it stopped: a client may send every octet in a record and
 * in a segment of its own.
 */
export class HelloScan {
  /** Where the next record begins. */
  #at = 0;
  /** Octets of the message in the records before it. */
  #length = 0;
  #wanted = HEADER_BYTES;

  /** `data` is all that came so far, with what was looked at before. It never throws. */
  look(data: Buffer): HelloReading {
    while (this.#length < this.#wanted) {
      const at = this.#at;
      // RFC 8446 section 5.1: a message may lie in several records.
      if (data.length < at + RECORD_HEADER_BYTES)
        return data.length > at && data[at] !== HANDSHAKE_RECORD
          ? OTHER
          : incomplete(at + RECORD_HEADER_BYTES);
      const size = data.readUInt16BE(at + 3);
      if (data[at] !== HANDSHAKE_RECORD || data[at + 1] !== 3 || size === 0 || size > RECORD_MAX_BYTES)
        return OTHER;
      const end = at + RECORD_HEADER_BYTES + size;
      if (data.length < end) return incomplete(end);
      const isBegun = this.#length >= HEADER_BYTES;
      this.#length += size;
      this.#at = end;
      if (isBegun || this.#length < HEADER_BYTES) continue;
      const start = messageIn(data, end);
      this.#wanted = HEADER_BYTES + start.readUIntBE(1, 3);
      if (start[0] !== CLIENT_HELLO || this.#wanted > HELLO_MAX_BYTES) return OTHER;
    }
    const message = messageIn(data, this.#at).subarray(HEADER_BYTES, this.#wanted);
    const hello = parse(new Reader(message));
    return hello === undefined ? OTHER : { kind: 'hello', hello };
  }
}

/** What the records before `end` hold. */
function messageIn(data: Buffer, end: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < end; ) {
    const next = at + RECORD_HEADER_BYTES + data.readUInt16BE(at + 3);
    pieces.push(data.subarray(at + RECORD_HEADER_BYTES, next));
    at = next;
  }
  return Buffer.concat(pieces);
}

function incomplete(atLeast: number): HelloReading {
  return atLeast > HELLO_MAX_BYTES ? OTHER : { kind: 'incomplete', atLeast };
}

/** Walks over lengths and values. What is asked for beyond the end is empty, and `isSound` false from then on. */
class Reader {
  isSound = true;
  #at = 0;
  readonly #data: Buffer;

  constructor(data: Buffer) {
    this.#data = data;
  }

  get isDone(): boolean {
    return !this.isSound || this.#at >= this.#data.length;
  }

  number(bytes: 1 | 2): number {
    const taken = this.take(bytes);
    return this.isSound ? taken.readUIntBE(0, bytes) : 0;
  }

  take(bytes: number): Buffer {
    const end = this.#at + bytes;
    if (end > this.#data.length) this.isSound = false;
    const taken = this.#data.subarray(this.#at, this.isSound ? end : this.#at);
    this.#at = end;
    return taken;
  }

  /** A value behind its length. */
  vector(lengthBytes: 1 | 2): Reader {
    return new Reader(this.take(this.number(lengthBytes)));
  }

  bytes(lengthBytes: 1 | 2): Buffer {
    return this.take(this.number(lengthBytes));
  }

  numbers(): number[] {
    const numbers: number[] = [];
    while (!this.isDone) numbers.push(this.number(2));
    return numbers;
  }
}

interface Parts {
  serverName: string | undefined;
  protocols: readonly string[];
  cipherSuites: readonly number[];
  signatureSchemes: readonly number[];
  groups: readonly number[];
  speaksTls13: boolean;
  ticketKeyName: string | undefined;
}

function parse(reader: Reader): ClientHello | undefined {
  reader.take(2 + 32); // version and random
  reader.vector(1); // session id
  const cipherSuites = reader.vector(2).numbers();
  reader.vector(1); // compression
  const hello: Parts = {
    serverName: undefined,
    protocols: [],
    cipherSuites,
    signatureSchemes: [],
    groups: [],
    speaksTls13: false,
    ticketKeyName: undefined,
  };
  if (!reader.isSound) return undefined;
  const extensions = reader.vector(2);
  while (!extensions.isDone) readExtension(extensions.number(2), extensions.vector(2), hello);
  // RFC 8446 section 4.1.2: none at all is allowed.
  return reader.isSound && extensions.isSound ? hello : undefined;
}

function readExtension(type: number, value: Reader, hello: Parts): void {
  switch (type) {
    case SERVER_NAME:
      hello.serverName = serverNameIn(value.vector(2));
      return;
    case SUPPORTED_GROUPS:
      hello.groups = value.vector(2).numbers();
      return;
    case SIGNATURE_ALGORITHMS:
      hello.signatureSchemes = value.vector(2).numbers();
      return;
    case ALPN:
      hello.protocols = textsIn(value.vector(2));
      return;
    case SUPPORTED_VERSIONS:
      hello.speaksTls13 = value.vector(1).numbers().includes(TLS_1_3);
      return;
    case SESSION_TICKET:
      hello.ticketKeyName ??= keyNameOf(value.take(TICKET_KEY_NAME_BYTES));
      return;
    case PRE_SHARED_KEY:
      hello.ticketKeyName = keyNameOf(value.vector(2).bytes(2)) ?? hello.ticketKeyName;
      return;
    default:
  }
}

function keyNameOf(ticket: Buffer): string | undefined {
  if (ticket.length < TICKET_KEY_NAME_BYTES) return undefined;
  return ticket.toString('latin1', 0, TICKET_KEY_NAME_BYTES);
}

function textsIn(list: Reader): string[] {
  const texts: string[] = [];
  while (!list.isDone) texts.push(list.bytes(1).toString('latin1'));
  return texts;
}

/** RFC 6066 section 3: a list of one host name, which is no address. */
function serverNameIn(list: Reader): string | undefined {
  while (!list.isDone) {
    const isHostName = list.number(1) === 0;
    const name = list.bytes(2).toString('latin1');
    if (isHostName) return canonicalServerName(name);
  }
  return undefined;
}

const HOST_NAME = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/;

/** In small letters and without a last dot; empty for what is no host name: an address, something with control characters, a long one. */
export function canonicalServerName(name: string): string {
  if (name.length > 254) return '';
  const canonical = (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();
  return HOST_NAME.test(canonical) && !/(?:^|\.)\d+$/.test(canonical) ? canonical : '';
}
