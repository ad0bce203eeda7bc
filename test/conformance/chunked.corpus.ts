import { type ConformanceCase, forwarded, post, refused } from './case.ts';

const RFC_CHUNKED = 'RFC 9112 section 7.1';
const RFC_EXTENSION = 'RFC 9112 section 7.1.1';
const RFC_TRAILER = 'RFC 9112 section 7.1.2; RFC 9110 section 6.5.1';
const EXTENSION_PAPER = 'Jeppe Bonde Weikop, Funky chunks';

const REFUSED: [title: string, source: string, body: string][] = [
  ['a size with 0x', RFC_CHUNKED, '0x5\r\nhello\r\n0\r\n\r\n'],
  ['a size with a sign', RFC_CHUNKED, '+5\r\nhello\r\n0\r\n\r\n'],
  ['a negative size', RFC_CHUNKED, '-5\r\nhello\r\n0\r\n\r\n'],
  ['a size behind a space', RFC_CHUNKED, ' 5\r\nhello\r\n0\r\n\r\n'],
  ['a size before a space', RFC_CHUNKED, '5 \r\nhello\r\n0\r\n\r\n'],
  ['a size before a tab', RFC_CHUNKED, '5\t\r\nhello\r\n0\r\n\r\n'],
  ['an underscore in the size', RFC_CHUNKED, '0_5\r\nhello\r\n0\r\n\r\n'],
  ['a letter that is no digit', RFC_CHUNKED, '5g\r\nhello\r\n0\r\n\r\n'],
  ['no size', RFC_CHUNKED, '\r\nhello\r\n0\r\n\r\n'],
  [
    'a size of 17 digits that wraps round to 5',
    'CVE-2013-2028 and its kin',
    '10000000000000005\r\nhello\r\n0\r\n\r\n',
  ],
  ['a size of 16 digits', RFC_CHUNKED, 'ffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
  [
    'a size of 21 digits, most of them leading zeros',
    RFC_CHUNKED,
    `${'0'.repeat(20)}5\r\nhello\r\n0\r\n\r\n`,
  ],
  ['a size line that ends in LF', RFC_CHUNKED, '5\nhello\r\n0\r\n\r\n'],
  ['a size line that ends in CR', RFC_CHUNKED, '5\rhello\r\n0\r\n\r\n'],
  ['a size line that ends in CR CR LF', RFC_CHUNKED, '5\r\r\nhello\r\n0\r\n\r\n'],
  ['a size line that ends in LF CR', RFC_CHUNKED, '5\n\rhello\r\n0\r\n\r\n'],
  ['NUL in the size', RFC_CHUNKED, '5\0\r\nhello\r\n0\r\n\r\n'],
  ['data without CR LF behind it', RFC_CHUNKED, '5\r\nhello0\r\n\r\n'],
  ['data with LF behind it', RFC_CHUNKED, '5\r\nhello\n0\r\n\r\n'],
  ['data with CR and another octet behind it', RFC_CHUNKED, '5\r\nhello\rX0\r\n\r\n'],
  ['data with two other octets behind it', EXTENSION_PAPER, '5\r\nhelloXX0\r\n\r\n'],
  ['data longer than its size', RFC_CHUNKED, '3\r\nhello\r\n0\r\n\r\n'],
  ['LF throughout', RFC_CHUNKED, '5\nhello\n0\n\n'],
  ['a last chunk that ends in LF', RFC_CHUNKED, '5\r\nhello\r\n0\n\n'],
  ['a last chunk with two LF', RFC_CHUNKED, '5\r\nhello\r\n0\r\n\n'],
  ['an extension with a bare LF', EXTENSION_PAPER, '5;a\nhello\r\n0\r\n\r\n'],
  ['an extension with a bare CR', EXTENSION_PAPER, '5;a\rb\r\nhello\r\n0\r\n\r\n'],
  ['an extension with a bare LF in quotes', EXTENSION_PAPER, '5;a="\n"\r\nhello\r\n0\r\n\r\n'],
  ['an extension with CR LF in quotes', EXTENSION_PAPER, '5;a="\r\n"\r\nhello\r\n0\r\n\r\n'],
  ['an extension with quotes left open', EXTENSION_PAPER, '5;a="b\r\nhello\r\n0\r\n\r\n'],
  ['an extension without a name', RFC_EXTENSION, '5;\r\nhello\r\n0\r\n\r\n'],
  ['an extension without a value behind =', RFC_EXTENSION, '5;a=\r\nhello\r\n0\r\n\r\n'],
  ['white space behind an extension', RFC_EXTENSION, '5;a \r\nhello\r\n0\r\n\r\n'],
  [
    'white space before extensions beyond every use, in small pieces',
    'CVE-2023-39326',
    `${`1${' '.repeat(1000)};a\r\nx\r\n`.repeat(70)}0\r\n\r\n`,
  ],
  ['an extension that is no token', RFC_EXTENSION, '5;a b\r\nhello\r\n0\r\n\r\n'],
  ['an extension with a control character', RFC_EXTENSION, '5;a=\x01\r\nhello\r\n0\r\n\r\n'],
  ['an extension beyond every use', 'CVE-2023-39326', `5;${'a'.repeat(70_000)}\r\nhello\r\n0\r\n\r\n`],
  [
    'extensions beyond every use, in small pieces',
    'CVE-2023-39326',
    `${`1;${'a'.repeat(1000)}\r\nx\r\n`.repeat(70)}0\r\n\r\n`,
  ],
  ['a trailer with Content-Length', RFC_TRAILER, '5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n'],
  ['a trailer with Transfer-Encoding', RFC_TRAILER, '5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a trailer with Host', RFC_TRAILER, '5\r\nhello\r\n0\r\nHost: b.example\r\n\r\n'],
  ['a trailer with a lookalike', RFC_TRAILER, '5\r\nhello\r\n0\r\nContent_Length: 5\r\n\r\n'],
  ['a trailer without colon', RFC_TRAILER, '5\r\nhello\r\n0\r\nX\r\n\r\n'],
  ['a trailer with a space before the colon', RFC_TRAILER, '5\r\nhello\r\n0\r\nX : y\r\n\r\n'],
  ['a folded trailer', RFC_TRAILER, '5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n'],
  ['a trailer that begins with a space', RFC_TRAILER, '5\r\nhello\r\n0\r\n X: y\r\n\r\n'],
  ['a trailer that ends in LF', RFC_TRAILER, '5\r\nhello\r\n0\r\nX: y\n\r\n'],
  ['a trailer with a bare CR', RFC_TRAILER, '5\r\nhello\r\n0\r\nX: y\rz\r\n\r\n'],
  ['a trailer with NUL', RFC_TRAILER, '5\r\nhello\r\n0\r\nX: y\0\r\n\r\n'],
  [
    'a trailer section without end',
    RFC_TRAILER,
    `5\r\nhello\r\n0\r\n${`X: ${'y'.repeat(1000)}\r\n`.repeat(70)}`,
  ],
  ['trailers without number', RFC_TRAILER, `5\r\nhello\r\n0\r\n${'X: y\r\n'.repeat(2000)}`],
  [
    'a request in the place of the last chunk',
    EXTENSION_PAPER,
    '5\r\nhello\r\nGET /admin HTTP/1.1\r\nHost: a.example\r\n\r\n',
  ],
];

const ACCEPTED: [
  title: string,
  source: string,
  body: string,
  read: string,
  trailers?: Record<string, string>,
][] = [
  ['one chunk', RFC_CHUNKED, '5\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['no data', RFC_CHUNKED, '0\r\n\r\n', ''],
  ['several chunks', RFC_CHUNKED, '1\r\nh\r\n4\r\nello\r\n0\r\n\r\n', 'hello'],
  [
    'capital and small hex digits',
    RFC_CHUNKED,
    'A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n',
    '01234567890123456789a',
  ],
  ['leading zeros', RFC_CHUNKED, '005\r\nhello\r\n000\r\n\r\n', 'hello'],
  ['an extension', RFC_EXTENSION, '5;a\r\nhello\r\n0;b\r\n\r\n', 'hello'],
  ['an extension with a value', RFC_EXTENSION, '5;a=b;c=d\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['white space around an extension', RFC_EXTENSION, '5 \t; a\t= b ;c\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['an extension with quotes', RFC_EXTENSION, '5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['data that looks like chunks', RFC_CHUNKED, 'c\r\n\r\n0\r\n\r\nGET /\r\n0\r\n\r\n', '\r\n0\r\n\r\nGET /'],
  ['a trailer', RFC_TRAILER, '5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n', 'hello', { 'x-sum': '7' }],
  [
    'trailers that may not decide anything so late are left out',
    RFC_TRAILER,
    '5\r\nhello\r\n0\r\nAuthorization: Basic eA==\r\nX-Sum: 7\r\nCookie: a=b\r\n\r\n',
    'hello',
    { 'x-sum': '7' },
  ],
];

export const CHUNKED: readonly ConformanceCase[] = [
  ...REFUSED.map(([title, source, body]) => ({
    title: `a chunked body with ${title}`,
    source,
    bytes: post(['Transfer-Encoding: chunked'], body),
    expect: refused(400),
  })),
  ...ACCEPTED.map(([title, source, body, read, trailers]) => ({
    title: `a chunked body with ${title}`,
    source,
    bytes: post(['Transfer-Encoding: chunked'], body),
    expect: forwarded({ method: 'POST', body: read, ...(trailers ? { trailers } : {}) }),
  })),
];
