/** An HTTP/1.1 answer as it stood on the wire. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  /** Names as written. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The value of a field, several joined by `, `. */
  get(name: string): string | undefined;
  readonly body: Buffer;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** Octets on the wire. */
  readonly length: number;
}

/**
 * Reads the answer at the beginning of `data`, written apart from the gateway's own parser and as strict: it throws for
 * anything that RFC 9112 does not allow a server to send. undefined while it is incomplete. `method` is that of the
 * request; `ended` tells that the connection was closed in an orderly way.
 */
export function readAnswer(data: Buffer, method: string, ended: boolean): Answer | undefined {
  const headEnd = data.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [statusLine, ...fieldLines] = data.toString('latin1', 0, headEnd).split('\r\n');
  const status = /^(HTTP\/1\.[01]) ([1-5]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/.exec(statusLine as string);
  if (!status) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
  const fields = fieldLines.map(readField);
  const get = (name: string) => {
    const values = fields.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(', ');
  };
  const head = {
    status: Number(status[2]),
    version: status[1] as string,
    reason: status[3] as string,
    fields,
    get,
  };
  const bodyAt = headEnd + 4;
  const without = { ...head, body: Buffer.alloc(0), trailers: [], framing: 'none' as const, length: bodyAt };

  const codings = get('transfer-encoding');
  const lengthText = get('content-length');
  if (codings !== undefined && lengthText !== undefined)
    throw new Error('an answer has Content-Length and Transfer-Encoding');
  if (codings !== undefined && codings !== 'chunked')
    throw new Error(`an answer has Transfer-Encoding: ${codings}`);
  if (lengthText !== undefined && !/^(?:0|[1-9]\d*)$/.test(lengthText))
    throw new Error(`an answer has Content-Length: ${lengthText}`);
  if (head.status < 200 || head.status === 204) {
    if (codings !== undefined || lengthText !== undefined)
      throw new Error(`an answer ${head.status} has a length of body`);
    return without;
  }
  if (method === 'HEAD' || head.status === 304) return without;

  if (codings !== undefined) {
    const chunked = readChunked(data, bodyAt);
    return chunked && { ...head, ...chunked, framing: 'chunked' };
  }
  if (lengthText !== undefined) {
    const length = bodyAt + Number(lengthText);
    if (data.length < length) return undefined;
    return { ...head, body: data.subarray(bodyAt, length), trailers: [], framing: 'length', length };
  }
  if (!ended) return undefined;
  return { ...head, body: data.subarray(bodyAt), trailers: [], framing: 'close', length: data.length };
}

function readField(line: string): readonly [name: string, value: string] {
  const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/.exec(line);
  if (!field) throw new Error(`not a field line: ${JSON.stringify(line)}`);
  return [field[1] as string, field[2] as string];
}

function readChunked(data: Buffer, from: number): Pick<Answer, 'body' | 'trailers' | 'length'> | undefined {
  const pieces: Buffer[] = [];
  for (let at = from; ; ) {
    const lineEnd = data.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const line = data.toString('latin1', at, lineEnd);
    if (!/^[0-9a-fA-F]{1,8}$/.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) {
      const trailers: (readonly [string, string])[] = [];
      for (;;) {
        const end = data.indexOf('\r\n', at);
        if (end === -1) return undefined;
        if (end === at) return { body: Buffer.concat(pieces), trailers, length: at + 2 };
        trailers.push(readField(data.toString('latin1', at, end)));
        at = end + 2;
      }
    }
    if (data.length < at + size + 2) return undefined;
    if (data.toString('latin1', at + size, at + size + 2) !== '\r\n')
      throw new Error('a chunk does not end in CR LF');
    pieces.push(data.subarray(at, at + size));
    at += size + 2;
  }
}
