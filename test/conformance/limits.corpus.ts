import { type ConformanceCase, forwarded, get, HOST, post, refused, request } from './case.ts';

/** The bounds that the gateway under test is configured with. */
export const LIMITS = { requestLine: 1024, head: 4096, fields: 20, body: 100_000 } as const;

const fieldLines = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: y`);
const lineOf = (octets: number) => `/${'a'.repeat(octets - 'GET / HTTP/1.1'.length)}`;

/** A GET whose head has exactly so many octets. */
function headOf(octets: number): string {
  const empty = get(['X-Fill: ']);
  return get([`X-Fill: ${'y'.repeat(octets - empty.length)}`]);
}

export const LIMIT_CASES: readonly ConformanceCase[] = [
  {
    title: 'a request line as long as is allowed',
    source: 'RFC 9110 section 15.5.15',
    bytes: get([], lineOf(LIMITS.requestLine)),
    expect: forwarded({ method: 'GET' }),
  },
  {
    title: 'a request line one octet too long',
    source: 'RFC 9110 section 15.5.15',
    bytes: get([], lineOf(LIMITS.requestLine + 1)),
    expect: refused(414),
  },
  {
    title: 'a request line without end',
    source: 'RFC 9110 section 15.5.15',
    bytes: `GET /${'a'.repeat(LIMITS.requestLine * 2)}`,
    expect: refused(414),
  },
  {
    title: 'a method without end',
    source: 'RFC 9110 section 15.5.15',
    bytes: 'A'.repeat(LIMITS.requestLine * 2),
    expect: refused(414),
  },
  {
    title: 'a head as large as is allowed',
    source: 'RFC 6585 section 5',
    bytes: headOf(LIMITS.head),
    expect: forwarded({ method: 'GET' }),
  },
  {
    title: 'a head one octet too large',
    source: 'RFC 6585 section 5',
    bytes: headOf(LIMITS.head + 1),
    expect: refused(431),
  },
  {
    title: 'a field line without end',
    source: 'RFC 6585 section 5',
    bytes: `GET /page HTTP/1.1\r\n${HOST}\r\nX: ${'y'.repeat(LIMITS.head * 2)}`,
    expect: refused(431),
  },
  {
    title: 'a field name without end',
    source: 'RFC 6585 section 5',
    bytes: `GET /page HTTP/1.1\r\n${HOST}\r\n${'X'.repeat(LIMITS.head * 2)}`,
    expect: refused(431),
  },
  {
    title: 'as many fields as are allowed',
    source: 'RFC 6585 section 5',
    bytes: get(fieldLines(LIMITS.fields - 1)),
    expect: forwarded({ method: 'GET' }),
  },
  {
    title: 'one field too many',
    source: 'RFC 6585 section 5',
    bytes: get(fieldLines(LIMITS.fields)),
    expect: refused(431),
  },
  {
    title: 'fields without end',
    source: 'RFC 6585 section 5',
    bytes: `GET /page HTTP/1.1\r\n${HOST}\r\n${'X: y\r\n'.repeat(LIMITS.fields * 2)}`,
    expect: refused(431),
  },
  {
    title: 'a body as long as is allowed',
    source: 'RFC 9110 section 15.5.14',
    bytes: post([`Content-Length: ${LIMITS.body}`], 'x'.repeat(LIMITS.body)),
    expect: forwarded({ method: 'POST', body: 'x'.repeat(LIMITS.body) }),
  },
  {
    title: 'a length of body beyond what is allowed, refused before the body',
    source: 'RFC 9110 section 15.5.14',
    bytes: post([`Content-Length: ${LIMITS.body + 1}`]),
    expect: refused(413),
  },
  {
    title: 'a length of body beyond what is allowed, refused instead of 100 Continue',
    source: 'RFC 9110 section 10.1.1',
    bytes: post([`Content-Length: ${LIMITS.body + 1}`, 'Expect: 100-continue']),
    expect: refused(413),
  },
  {
    title: 'a length of body of 15 digits',
    source: 'RFC 9110 section 15.5.14',
    bytes: post(['Content-Length: 999999999999999']),
    expect: refused(413),
  },
  {
    title: 'a chunked body beyond what is allowed',
    source: 'RFC 9110 section 15.5.14',
    bytes: post(
      ['Transfer-Encoding: chunked'],
      `${(LIMITS.body + 1).toString(16)}\r\n${'x'.repeat(LIMITS.body + 1)}\r\n0\r\n\r\n`,
    ),
    expect: refused(413),
  },
  {
    title: 'a limit refuses before anything behind it is read',
    source: 'RFC 9110 section 15.5.15',
    bytes: request([`GET ${lineOf(LIMITS.requestLine + 1)} HTTP/9.9`, 'Host: a, b']),
    expect: refused(414),
  },
];
