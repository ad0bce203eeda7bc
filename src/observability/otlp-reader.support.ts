/** Reads OTLP's ExportTraceServiceRequest in protobuf, as far as tests look at it. */

export interface ReadSpan {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly statusCode: number;
}

type Message = Map<number, (Buffer | bigint)[]>;

/** Field numbers are those of opentelemetry-proto, trace/v1/trace.proto and common/v1/common.proto. */
export function readTraceRequest(body: Buffer): ReadSpan[] {
  return messages(decode(body), 1).flatMap((resourceSpans) => {
    const resource = attributes(messages(resourceSpans, 1)[0] ?? new Map(), 1);
    return messages(resourceSpans, 2).flatMap((scopeSpans) => {
      const scope = text(messages(scopeSpans, 1)[0] ?? new Map(), 1);
      return messages(scopeSpans, 2).map((span) => ({
        resource,
        scope,
        traceId: bytes(span, 1).toString('hex'),
        spanId: bytes(span, 2).toString('hex'),
        parentSpanId: bytes(span, 4).toString('hex'),
        name: text(span, 5),
        kind: Number(number(span, 6)),
        startNs: number(span, 7),
        endNs: number(span, 8),
        attributes: attributes(span, 9),
        statusCode: Number(number(messages(span, 15)[0] ?? new Map(), 3)),
      }));
    });
  });
}

function attributes(message: Message, field: number): Record<string, unknown> {
  return Object.fromEntries(
    messages(message, field).map((pair) => {
      const value = messages(pair, 2)[0] ?? new Map();
      if (value.has(1)) return [text(pair, 1), text(value, 1)];
      return [text(pair, 1), Number(number(value, 3))];
    }),
  );
}

function messages(message: Message, field: number): Message[] {
  return (message.get(field) ?? []).map((value) => decode(value as Buffer));
}

function bytes(message: Message, field: number): Buffer {
  return (message.get(field)?.[0] as Buffer | undefined) ?? Buffer.alloc(0);
}

function text(message: Message, field: number): string {
  return bytes(message, field).toString();
}

function number(message: Message, field: number): bigint {
  return (message.get(field)?.[0] as bigint | undefined) ?? 0n;
}

function decode(body: Buffer): Message {
  const message: Message = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = body.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < body.length) {
    const key = Number(varint());
    let value: Buffer | bigint;
    if ((key & 7) === 0) value = varint();
    else if ((key & 7) === 1) {
      value = body.readBigUInt64LE(at);
      at += 8;
    } else if ((key & 7) === 2) {
      const length = Number(varint());
      value = body.subarray(at, at + length);
      at += length;
    } else if ((key & 7) === 5) {
      value = BigInt(body.readUInt32LE(at));
      at += 4;
    } else throw new Error(`wire type ${key & 7}`);
    const values = message.get(key >> 3);
    if (values === undefined) message.set(key >> 3, [value]);
    else values.push(value);
  }
  return message;
}
