import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { safeReturn } from './return-to.ts';

const PLACE = { scheme: 'https', authority: 'app.example.com' } as const;
const isAllowed = (origin: string): boolean => origin === 'https://spa.example.com';
const check = (text: string): string | undefined => safeReturn(text, PLACE, isAllowed);

const ACCEPTED = [
  '/',
  '/projects?tab=2&q=a%20b#top',
  '/a/b;c=d',
  '/?next=https://evil.example/',
  '/@evil.example',
  '/a//b',
  '/search?filter={a:[1]}&by=^x',
  'https://app.example.com',
  'https://app.example.com/projects?x=1',
  'https://spa.example.com/#/inbox',
  'https://spa.example.com?x=1',
];

const REFUSED: readonly [what: string, text: string][] = [
  ['another origin', 'https://evil.example'],
  ['another origin with a path', 'https://evil.example/app.example.com'],
  ['an address without a scheme', '//evil.example'],
  ['three slashes', '///evil.example'],
  ['four slashes', '////evil.example/%2e%2e'],
  ['a slash and a backslash', '/\\evil.example'],
  ['a backslash and a slash', '\\/evil.example'],
  ['two backslashes', '\\\\evil.example'],
  ['a backslash in the path', '/a\\..\\evil'],
  ['a tab between the slashes', '/\t/evil.example'],
  ['a line feed between the slashes', '/\n/evil.example'],
  ['a carriage return between the slashes', '/\r/evil.example'],
  ['a line break and a field', '/\r\nSet-Cookie: a=b'],
  ['a NUL', '/\u0000/evil.example'],
  ['a blank first', ' https://evil.example'],
  ['a blank between the slashes', '/ /evil.example'],
  ['an escaped slash second', '/%2fevil.example'],
  ['escaped slashes', '%2f%2fevil.example'],
  ['an escaped backslash second', '/%5cevil.example'],
  ['a scheme with one slash', 'https:/evil.example'],
  ['a scheme without slashes', 'https:evil.example'],
  ['a scheme with three slashes', 'https:///evil.example'],
  ['a scheme with backslashes', 'https:\\\\evil.example'],
  ['the own host as user name', 'https://app.example.com@evil.example'],
  ['the own host as user name and password', 'https://app.example.com:x@evil.example/'],
  ['a user name before an allowed host', 'https://user@spa.example.com/'],
  ['an allowed host as label of another', 'https://spa.example.com.evil.example'],
  ['an allowed host as end of another', 'https://evilspa.example.com'],
  ['an allowed host with another port', 'https://spa.example.com:8443/'],
  ['an allowed host with another scheme', 'http://spa.example.com/'],
  ['the own host with another scheme', 'http://app.example.com/'],
  ['a final dot', 'https://spa.example.com./'],
  ['a host in capitals', 'https://SPA.example.com/'],
  ['an ideographic full stop', 'https://spa。example.com/'],
  ['full-width letters', 'https://ｓpa.example.com/'],
  ['a full-width slash', '/／evil.example'],
  ['an own scheme in mixed letters', 'HtTpS://app.example.com/'],
  ['the own port, which is that of the scheme', 'https://app.example.com:443/'],
  ['an empty port', 'https://app.example.com:/'],
  ['an IPv6 address', 'https://[::1]/'],
  ['an IPv4 address in IPv6', 'https://[::ffff:203.0.113.1]/'],
  ['an IPv6 address without a scheme', '//[::1]/'],
  ['an IPv6 address with a zone', 'https://[fe80::1%25eth0]/'],
  ['an IPv4 address as one number', 'https://3405803777/'],
  ['an IPv4 address in hexadecimal', 'https://0xcb007101/'],
  ['an allowed host with an escaped dot', 'https://spa%2eexample.com/'],
  ['a full-width full stop', 'https://spa．example．com/'],
  ['a half-width full stop', 'https://spa｡example.com/'],
  ['a soft hyphen', 'https://s\u00adpa.example.com/'],
  ['a zero-width blank', 'https://spa.example.com\u200b/'],
  ['letters of another alphabet that look alike', 'https://sра.example.com/'],
  ['a tab within the scheme', 'ht\ttps://evil.example/'],
  ['a line feed within the host', 'https://evil\n.example/'],
  ['an empty user name', 'https://@evil.example/'],
  ['an at sign behind a backslash', 'https://evil.example\\@spa.example.com/'],
  ['a host that is escaped', 'https://%73pa.example.com/'],
  ['javascript:', 'javascript:alert(1)'],
  ['javascript: in capitals and with a comment', 'JavaScript://app.example.com/%0aalert(1)'],
  ['data:', 'data:text/html,<script>alert(1)</script>'],
  ['vbscript:', 'vbscript:msgbox(1)'],
  ['file:', 'file:///etc/passwd'],
  ['blob: of the own origin', 'blob:https://app.example.com/1'],
  ['filesystem: of the own origin', 'filesystem:https://app.example.com/1'],
  ['a relative path', 'projects'],
  ['a query alone', '?x=1'],
  ['a dot', '.'],
  ['nothing', ''],
  ['a very long path', `/${'a'.repeat(2000)}`],
  ['an angle bracket', '/<script>'],
  ['a quote', '/"onload="x'],
];

describe('where a login may return to', () => {
  for (const text of ACCEPTED)
    it(`accepts ${text}`, () => {
      assert.equal(check(text), text);
    });

  for (const [what, text] of REFUSED)
    it(`refuses ${what}: ${JSON.stringify(text.slice(0, 60))}`, () => {
      assert.equal(check(text), undefined);
    });

  it('never leads to an origin that is not allowed, whatever the text', () => {
    const piece = fc.constantFrom(
      '/',
      '\\',
      '//',
      'https:',
      'evil.example',
      '@',
      ':',
      '.',
      '%2f',
      '%5c',
      '\t',
      '?',
      '#',
      ';',
      'app.example.com',
      'spa.example.com',
      'javascript:',
      'x',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const accepted = check(pieces.join(''));
        if (accepted === undefined) return;
        const { origin } = new URL(accepted, 'https://app.example.com/auth/login');
        assert.ok(origin === 'https://app.example.com' || origin === 'https://spa.example.com', accepted);
      }),
      { numRuns: 2000 },
    );
  });
});
