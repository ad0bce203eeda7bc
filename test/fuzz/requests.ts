import fc from 'fast-check';

/** What people put where in HTTP: mostly well-formed pieces, so that much is forwarded, with the odd ones that parsers differ on. */
/** node:http knows these methods; the ones that it does not know it would refuse rightly. */
const method = fc.constantFrom(
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'PROPFIND',
  'G T',
  '',
);
const target = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      '/',
      '/page',
      '/a/b?c=d',
      '/a%2Fb',
      '/%61',
      '/a/../b',
      '//x',
      '*',
      'http://b.example/x',
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .string({ unit: fc.constantFrom(...'/ab.%2fF?#\\;:@ \t\r\n\0\x7f\xff'), maxLength: 12 })
      .map((text) => `/${text}`),
  },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...'/ab.%?:@ '), maxLength: 8 }) },
);
const version = fc.oneof(
  { weight: 12, arbitrary: fc.constant('HTTP/1.1') },
  { weight: 2, arbitrary: fc.constant('HTTP/1.0') },
  { weight: 1, arbitrary: fc.constantFrom('HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ', '') },
);
const lineEnd = fc.oneof(
  { weight: 60, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n', '\n\r', '\r\n ', '\0\r\n') },
);
const name = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'X-A',
      'Accept',
      'Cookie',
      'X_B',
      'Connection',
      'TE',
      'Trailer',
      'Via',
      'Keep-Alive',
      'Forwarded',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'Transfer_Encoding',
      'Content-Length ',
      'Transfer-Encoding\t',
      'Expect',
      'Upgrade',
      ' X',
      'X Y',
      '',
    ),
  },
);
const value = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      '',
      'a',
      'a, b',
      '"q"',
      'close',
      'keep-alive',
      'x-a',
      'trailers',
      'chunked',
      '5',
      '100-continue',
      'h\xe9',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom(...'ab ,;"\t\r\n\0\x0b\x7f\xff'), maxLength: 8 }),
  },
);
const colon = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(': ', ':', ':  ', ':\t') },
  { weight: 1, arbitrary: fc.constantFrom(' : ', '', '::', ':\x0b') },
);
const field = fc.tuple(name, colon, value).map((parts) => parts.join(''));
const host = fc.oneof(
  { weight: 20, arbitrary: fc.constant(['Host: a.example']) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      [],
      ['Host: a', 'Host: b'],
      ['Host: a, b'],
      ['Host:'],
      ['host: A.EXAMPLE:8080'],
    ),
  },
);

const payload = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom(
    '0\r\n\r\n',
    'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
    '\r\n\r\n',
    '5\r\nhello\r\n0\r\n\r\n',
  ),
);

const chunk = fc
  .tuple(
    payload.filter((text) => text.length > 0),
    fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom('', ';a', ';a=b', ';a="b;c"') },
      { weight: 1, arbitrary: fc.constantFrom(' ', ';', ';a=\n', '\t;a') },
    ),
    lineEnd,
    fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1, 16) }),
    fc.oneof(
      { weight: 30, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.constantFrom('0', '0x', '+', ' ', '-') },
    ),
  )
  .map(
    ([data, extension, end, off, prefix]) =>
      `${prefix}${Math.max(0, data.length + off).toString(16)}${extension}${end}${data}\r\n`,
  );

const chunked = fc
  .tuple(
    fc.array(chunk, { maxLength: 3 }),
    fc.constantFrom('0', '00', '0;x'),
    fc.constantFrom('', '', 'X-T: 1\r\n', 'Content-Length: 3\r\n', 'X : y\r\n'),
  )
  .map(([chunks, last, trailers]) => `${chunks.join('')}${last}\r\n${trailers}\r\n`);

/** Field lines that frame, and the body that goes with them, or not quite. */
const framing: fc.Arbitrary<{ readonly lines: readonly string[]; readonly body: string }> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ lines: [], body: '' }) },
  { weight: 6, arbitrary: payload.map((body) => ({ lines: [`Content-Length: ${body.length}`], body })) },
  { weight: 6, arbitrary: chunked.map((body) => ({ lines: ['Transfer-Encoding: chunked'], body })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(payload, fc.constantFrom('+', '0', ' ', '-', '0x'))
      .map(([body, sign]) => ({ lines: [`Content-Length: ${sign}${body.length}`], body })),
  },
  {
    weight: 1,
    arbitrary: payload.map((body) => ({
      lines: [`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked'],
      body,
    })),
  },
  { weight: 1, arbitrary: chunked.map((body) => ({ lines: ['Transfer-Encoding: xchunked'], body })) },
  { weight: 1, arbitrary: chunked.map((body) => ({ lines: ['Transfer-Encoding:\x0bchunked'], body })) },
);

/** One request, or something near to one. */
export const requestBytes: fc.Arbitrary<string> = fc
  .tuple(
    method,
    target,
    version,
    host,
    fc.array(field, { maxLength: 4 }),
    framing,
    fc.array(lineEnd, { minLength: 12, maxLength: 12 }),
    fc.nat(10),
  )
  .map(([verb, path, protocol, hosts, fields, { lines, body }, ends, at]) => {
    const all = [...hosts, ...fields];
    all.splice(at % (all.length + 1), 0, ...lines);
    const head = [`${verb} ${path} ${protocol}`, ...all, ''].map((line, i) => line + (ends[i] ?? '\r\n'));
    return head.join('') + body;
  });

/** Where the octets are cut on their way. */
export const cuts: fc.Arbitrary<number[]> = fc
  .array(fc.nat(400), { maxLength: 4 })
  .map((list) => [...new Set(list)].sort((a, b) => a - b));
