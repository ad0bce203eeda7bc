import * as net from 'node:net';

/**
 * Where plain sockets of a thread read into, unless much comes at once. A read is told at once and synchronously, so one buffer
 * serves them all: no allocation per read, and an idle connection holds no memory for it. bench/README.md has the measurements.
 */
const SHARED: Buffer = Buffer.allocUnsafeSlow(64 * 1024);

const OWN_BYTES = 64 * 1024;
/** A read of this size is part of something large: the next one goes into a buffer of the socket's own, which need not be copied. */
const LARGE_BYTES = 32 * 1024;
/** Buffers kept for the next socket that has much to read. */
const MAX_SPARE = 64;

/** A buffer that one socket reads into at a time. */
interface OwnBuffer extends Buffer {
  /** A write that is not done yet still needs what is in it. */
  taken?: boolean;
}

const spare: OwnBuffer[] = [];

/**
 * Takes octets `data[0, length)`, which last for the call only. `this` is the socket. Returns whether they were from within something that
 * goes on, such as a body.
 */
export type OnRead = (this: net.Socket, length: number, data: Uint8Array) => boolean;

/** The `onread` option of a socket. */
interface OnReadOption {
  readonly buffer: () => Buffer;
  readonly callback: OnRead;
}

/** Which buffer a socket reads into next. */
class ReadTarget {
  #own: OwnBuffer | undefined;
  #current: Buffer | undefined;
  /** The last read was a large one, and more is to come. */
  large = false;
  /** Something was read since the buffer was last told. Else a new handle asks, which knows none: Node makes one per address that it tries. */
  read = false;

  /** The buffer for the next read; undefined when it is the same as for the last one, which is cheaper than to tell it again. */
  next(): Buffer | undefined {
    const { large, read } = this;
    this.read = false;
    if (read && !large && this.#current === SHARED) return undefined;
    const before = read ? this.#current : undefined;
    if (this.#own?.taken === true) this.#own = undefined;
    if (large) {
      this.#own ??= spare.pop() ?? Buffer.allocUnsafeSlow(OWN_BYTES);
      this.#current = this.#own;
    } else {
      if (this.#own !== undefined && spare.length < MAX_SPARE) spare.push(this.#own);
      this.#own = undefined;
      this.#current = SHARED;
    }
    return this.#current === before ? undefined : this.#current;
  }
}

/** The `onread` option of a socket whose octets go to `callback`. */
export function readInto(callback: OnRead): OnReadOption {
  const target = new ReadTarget();
  // Node leaves the buffer as it is when it is given none, which its types do not say.
  const buffer = target.next.bind(target) as () => Buffer;
  function told(this: net.Socket, length: number, data: Uint8Array): boolean {
    const goesOn = callback.call(this, length, data);
    target.large = goesOn && length >= LARGE_BYTES;
    target.read = true;
    return true;
  }
  return { buffer, callback: told };
}

/**
 * Writes `data[from, to)` between two short texts, as a `socket.write` does: false when the socket has more than it can pass on. The
 * octets may be overwritten when this returns. They are copied only where they could be, or where a copy saves a second write.
 */
export function writeOctets(
  socket: net.Socket,
  data: Buffer,
  from: number,
  to: number,
  before: string,
  after: string,
): boolean {
  if (data === SHARED || before !== '' || after !== '')
    return socket.write(joined(data, from, to, before, after));
  const open = socket.write(from === 0 && to === data.length ? data : data.subarray(from, to));
  // The kernel did not take all of it: the buffer now belongs to the write, and its reader gets another.
  if (socket.writableLength > 0) (data as OwnBuffer).taken = true;
  return open;
}

function joined(data: Buffer, from: number, to: number, before: string, after: string): Buffer {
  const whole = Buffer.allocUnsafeSlow(before.length + (to - from) + after.length);
  if (before !== '') whole.write(before, 0, 'latin1');
  data.copy(whole, before.length, from, to);
  if (after !== '') whole.write(after, whole.length - after.length, 'latin1');
  return whole;
}

interface ReadHandle {
  useUserBuffer?: (buffer: Uint8Array) => void;
}

interface WithHandle {
  readonly _handle?: ReadHandle | null;
}

/** The properties in which a socket keeps its `onread`, by what Node calls them. */
type OnReadKeys = Readonly<Record<'kBuffer' | 'kBufferGen' | 'kBufferCb', symbol>>;

/** Looked up in a socket that was made with `onread`; null where Node's internals have changed. */
function findOnReadKeys(): OnReadKeys | null {
  const probe = new net.Socket({ onread: { buffer: () => SHARED, callback: () => true } });
  const byName = Object.fromEntries(
    Object.getOwnPropertySymbols(probe).map((symbol) => [symbol.description, symbol]),
  );
  const { kBuffer, kBufferGen, kBufferCb } = byName;
  if (kBuffer === undefined || kBufferGen === undefined || kBufferCb === undefined) return null;
  return { kBuffer, kBufferGen, kBufferCb };
}

const ON_READ_KEYS = findOnReadKeys();

/**
 * From now on the octets of a socket go to `callback`, by `onread`. Node offers that only for sockets that a program makes itself; this is
 * for those that servers make, TLS ones included. What the socket has read before is told first, from within this call. Where Node's
 * internals have changed, `data` events call the same function. The socket reads once this returns.
 */
export function readFrom(socket: net.Socket, callback: OnRead, keys = ON_READ_KEYS): void {
  const handle = (socket as unknown as WithHandle)._handle;
  if (keys === null || typeof handle?.useUserBuffer !== 'function') {
    socket.on('data', (data: Buffer) => callback.call(socket, data.length, data));
  } else {
    const early = socket.read() as Buffer | null;
    const onread = readInto(callback);
    const first = onread.buffer();
    const { kBuffer, kBufferGen, kBufferCb } = keys;
    Object.assign(socket, { [kBuffer]: first, [kBufferGen]: onread.buffer, [kBufferCb]: onread.callback });
    handle.useUserBuffer(first);
    if (early !== null) callback.call(socket, early.length, early);
  }
  // An end that was read already is told by an event, which does not come while nobody reads.
  socket.resume();
}

interface Latin1Sliceable {
  latin1Slice(from: number, to: number): string;
}

/** Octets as text, one character each. `latin1Slice` is what `toString` comes down to, without its checks: measured at 40 ns less. */
export function latin1(data: Buffer, from: number, to: number): string {
  return (data as unknown as Latin1Sliceable).latin1Slice(from, to);
}

/** A copy of octets that last for the call only. */
export function copyOf(data: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(to - from);
  data.copy(copy, 0, from, to);
  return copy;
}
