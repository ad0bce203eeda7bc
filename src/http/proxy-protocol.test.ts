import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { PROXY_HEADER_MAX_BYTES, type ProxyHeader, parseProxyHeader } from './proxy-protocol.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const V4_ADDRESSES = 'c0000201 c6336402 dc04 01bb';
const V4 = {
  source: { address: '192.0.2.1', port: 56324 },
  destination: { address: '198.51.100.2', port: 443 },
};
const V6_ADDRESSES = '20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 01bb';
const V6 = {
  source: { address: '2001:db8::1', port: 56324 },
  destination: { address: '2001:db8::2', port: 443 },
};

function v2(versionAndCommand: string, family: string, rest: string, length?: number): Buffer {
  const body = hex(rest);
  const size = (length ?? body.length).toString(16).padStart(4, '0');
  return Buffer.concat([hex(SIGNATURE + versionAndCommand + family + size), body]);
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

function done(bytes: number, rest: Partial<Extract<ProxyHeader, { kind: 'done' }>>): ProxyHeader {
  return { kind: 'done', bytes, local: false, ...rest };
}

const ACCEPTED: [title: string, header: Buffer, result: (bytes: number) => ProxyHeader][] = [
  ['version 1, TCP4', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n'), (n) => done(n, V4)],
  ['version 1, TCP6', Buffer.from('PROXY TCP6 2001:db8::1 2001:DB8:0::2 56324 443\r\n'), (n) => done(n, V6)],
  [
    'version 1, an IPv4-mapped TCP6 address',
    Buffer.from('PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 56324 443\r\n'),
    (n) => done(n, V4),
  ],
  ['version 1, UNKNOWN alone', Buffer.from('PROXY UNKNOWN\r\n'), (n) => done(n, { local: true })],
  [
    'version 1, UNKNOWN with anything behind it',
    Buffer.from('PROXY UNKNOWN ffff::1 x  y 0 0\r\n'),
    (n) => done(n, { local: true }),
  ],
  [
    'version 1 at its longest',
    Buffer.from(`PROXY UNKNOWN ${'f'.repeat(107 - 14 - 2)}\r\n`),
    (n) => done(n, { local: true }),
  ],
  ['version 2, TCP over IPv4', v2('21', '11', V4_ADDRESSES), (n) => done(n, V4)],
  ['version 2, TCP over IPv6', v2('21', '21', V6_ADDRESSES), (n) => done(n, V6)],
  [
    'version 2, an IPv4-mapped address',
    v2('21', '21', '00000000000000000000ffffc0000201 00000000000000000000ffffc6336402 dc04 01bb'),
    (n) => done(n, V4),
  ],
  ['version 2, LOCAL', v2('20', '00', ''), (n) => done(n, { local: true })],
  [
    'version 2, LOCAL with addresses, which are skipped',
    v2('20', '11', V4_ADDRESSES),
    (n) => done(n, { local: true }),
  ],
  ['version 2, family not specified', v2('21', '00', 'ffff'), (n) => done(n, {})],
  ['version 2, a UNIX socket', v2('21', '31', '00'.repeat(216)), (n) => done(n, {})],
  [
    'version 2, with type-length-values',
    v2('21', '11', `${V4_ADDRESSES} 01 0002 6832 04 0000`),
    (n) => done(n, V4),
  ],
  [
    'version 2, with a checksum that matches',
    v2('21', '11', `${V4_ADDRESSES} 04 0001 00 03 0004 CHECKSUM`.replace('CHECKSUM', checksum())),
    (n) => done(n, V4),
  ],
  ['version 2 at its longest', v2('20', '00', '00'.repeat(4096)), (n) => done(n, { local: true })],
];

/** Computed apart from the parser, by long division with the polynomial's plain, unreflected form. */
function checksum(): string {
  const data = v2('21', '11', `${V4_ADDRESSES} 04 0001 00 03 0004 00000000`);
  const bits: number[] = [];
  for (const octet of data) for (let i = 0; i < 8; i++) bits.push((octet >> i) & 1);
  let register = 0xffffffffn;
  for (const bit of bits) {
    const top = Number(register >> 31n) ^ bit;
    register = (register << 1n) & 0xffffffffn;
    if (top) register ^= 0x1edc6f41n;
  }
  const reversed = [...(register ^ 0xffffffffn).toString(2).padStart(32, '0')].reverse().join('');
  return Number.parseInt(reversed, 2).toString(16).padStart(8, '0');
}

const REFUSED: [title: string, header: Buffer, reason: string][] = [
  [
    'an HTTP request',
    Buffer.from('GET / HTTP/1.1\r\n'),
    'the connection does not begin with a PROXY protocol header',
  ],
  ['a TLS handshake', hex('160301'), 'the connection does not begin with a PROXY protocol header'],
  ['small letters', Buffer.from('proxy TCP4'), 'the connection does not begin with a PROXY protocol header'],
  [
    'an HTTP method that begins like it',
    Buffer.from('PROPFIND / HTTP/1.1\r\n'),
    'the connection does not begin with a PROXY protocol header',
  ],
  [
    'a signature with one octet wrong',
    hex(`${SIGNATURE.slice(0, -2)}0b`),
    'the connection does not begin with a PROXY protocol header',
  ],
  ['no protocol', Buffer.from('PROXY \r\n'), 'the protocol is none of TCP4, TCP6, UNKNOWN'],
  [
    'another protocol',
    Buffer.from('PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n'),
    'the protocol is none of TCP4, TCP6, UNKNOWN',
  ],
  [
    'a missing port',
    Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n'),
    'the line has not exactly two addresses and two ports',
  ],
  [
    'one part too many',
    Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n'),
    'the line has not exactly two addresses and two ports',
  ],
  [
    'two spaces',
    Buffer.from('PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n'),
    'the line has not exactly two addresses and two ports',
  ],
  [
    'a space at the end',
    Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n'),
    'the line has not exactly two addresses and two ports',
  ],
  [
    'an IPv6 address with TCP4',
    Buffer.from('PROXY TCP4 ::1 5.6.7.8 1 2\r\n'),
    'an address is not one of TCP4',
  ],
  [
    'an IPv4 address with TCP6',
    Buffer.from('PROXY TCP6 ::1 5.6.7.8 1 2\r\n'),
    'an address is not one of TCP6',
  ],
  ['a zone', Buffer.from('PROXY TCP6 fe80::1%1 ::1 1 2\r\n'), 'an address is not one of TCP6'],
  [
    'a port with a leading zero',
    Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n'),
    'a port is not a number from 0 to 65535',
  ],
  [
    'a port that is too high',
    Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n'),
    'a port is not a number from 0 to 65535',
  ],
  [
    'a signed port',
    Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n'),
    'a port is not a number from 0 to 65535',
  ],
  [
    'a bare LF',
    Buffer.from(`PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n${'x'.repeat(107)}`),
    'the line is longer than 107 octets',
  ],
  [
    'a line without end',
    Buffer.from(`PROXY UNKNOWN ${'f'.repeat(107)}`),
    'the line is longer than 107 octets',
  ],
  [
    'a line one octet too long',
    Buffer.from(`PROXY UNKNOWN ${'f'.repeat(108 - 14 - 2)}\r\n`),
    'the line is longer than 107 octets',
  ],
  ['version 3', v2('31', '11', V4_ADDRESSES), 'the version is not 2'],
  ['an unknown command', v2('22', '11', V4_ADDRESSES), 'the command is neither LOCAL nor PROXY'],
  ['an unknown family', v2('21', '41', V4_ADDRESSES), 'the address family or the transport is not known'],
  ['an unknown transport', v2('21', '13', V4_ADDRESSES), 'the address family or the transport is not known'],
  ['datagrams', v2('21', '12', V4_ADDRESSES), 'the proxied connection is not a stream'],
  ['a length beyond the bound', v2('21', '11', '', 4097), 'the header is longer than 4112 octets'],
  [
    'addresses cut off',
    v2('21', '11', V4_ADDRESSES.slice(0, -2)),
    'the header is too short for its addresses',
  ],
  ['IPv6 addresses cut off', v2('21', '21', V4_ADDRESSES), 'the header is too short for its addresses'],
  [
    'a type-length-value without length',
    v2('21', '11', `${V4_ADDRESSES} 01 00`),
    'a type-length-value is cut off',
  ],
  [
    'a type-length-value beyond the end',
    v2('21', '11', `${V4_ADDRESSES} 01 0002 68`),
    'a type-length-value is cut off',
  ],
  [
    'a checksum of three octets',
    v2('21', '11', `${V4_ADDRESSES} 03 0003 000000`),
    'the checksum is not four octets long',
  ],
  [
    'a checksum that does not match',
    v2('21', '11', `${V4_ADDRESSES} 03 0004 00000000`),
    'the checksum does not match',
  ],
];

suite('a PROXY protocol header', () => {
  for (const [title, header, result] of ACCEPTED) {
    test(`is read: ${title}`, () => {
      const expected = result(header.length);
      assert.deepEqual(parseProxyHeader(header), expected);
      assert.deepEqual(parseProxyHeader(Buffer.concat([header, Buffer.from('GET / HTTP/1.1')])), expected);
      for (let end = 0; end < header.length; end++)
        assert.deepEqual(parseProxyHeader(header.subarray(0, end)), { kind: 'incomplete' }, `cut at ${end}`);
    });
  }

  for (const [title, header, reason] of REFUSED) {
    test(`is refused: ${title}`, () => {
      assert.deepEqual(parseProxyHeader(header), { kind: 'refused', reason });
    });
  }

  test('keeps nobody waiting beyond the bound, and a verdict does not change with more octets', () => {
    const start = fc.constantFrom(
      Buffer.from('PROXY '),
      Buffer.from('PROXY TCP4 '),
      hex(SIGNATURE),
      hex(`${SIGNATURE}2111`),
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), fc.nat(300), (prefix, noise, cut) => {
        const whole = Buffer.concat([prefix, noise]);
        const early = parseProxyHeader(whole.subarray(0, cut));
        const late = parseProxyHeader(Buffer.concat([whole, Buffer.alloc(PROXY_HEADER_MAX_BYTES)]));
        assert.notEqual(late.kind, 'incomplete');
        if (early.kind !== 'incomplete' && cut <= whole.length)
          assert.deepEqual(parseProxyHeader(whole), early);
      }),
    );
  });
});
