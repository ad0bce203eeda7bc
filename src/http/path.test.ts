import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { normalisePath } from './path.ts';

describe('a path is brought into one form', () => {
  const table: [raw: string, normalised: string, because: string][] = [
    ['/', '/', 'the root'],
    ['/a/b', '/a/b', 'nothing to do'],
    ['/a/b/', '/a/b/', 'a slash at the end is kept'],
    ['/a.b/..c/...', '/a.b/..c/...', 'dots within a segment are only dots'],
    ['/.well-known/x', '/.well-known/x', 'a dot may begin a name'],
    ['/%61dmin', '/admin', 'unreserved characters are decoded'],
    ['/%41%7a%30%2d%2E%5f%7E', '/Az0-._~', 'all kinds of unreserved characters'],
    ['/a%2fb', '/a%2Fb', 'an escaped slash stays escaped, in capitals'],
    [
      '/repository/files/a%2Fb.txt/raw',
      '/repository/files/a%2Fb.txt/raw',
      'an escaped slash arrives as sent',
    ],
    ['/%c3%a9', '/%C3%A9', 'octets beyond ASCII stay escaped'],
    ['/a%20b%3f%23', '/a%20b%3F%23', 'reserved characters stay escaped'],
    ['/%24%26%2B', '/%24%26%2B', 'sub-delimiters are not decoded: they may have a meaning'],
    ['//admin', '/admin', 'slashes are merged'],
    ['/a///b//', '/a/b/', 'slashes are merged everywhere'],
    ['/a/../admin', '/admin', 'dot segments are removed'],
    ['/a/./b', '/a/b', 'a single dot is removed'],
    ['/a/b/..', '/a/', 'two dots at the end leave a slash'],
    ['/a/.', '/a/', 'a dot at the end leaves a slash'],
    ['/..', '/', 'never above the root'],
    ['/../../etc/passwd', '/etc/passwd', 'never above the root, however often'],
    ['/a/%2e%2E/admin', '/admin', 'escaped dots are dots'],
    ['/a/.%2e/admin', '/admin', 'half escaped dots too'],
    ['/a//../b', '/b', 'slashes are merged before dot segments are removed'],
    ['/a/..//b', '/b', 'also behind one'],
    ['/%252e%252e/x', '/%252e%252e/x', 'one decoding, not two'],
    ['/a%252fb', '/a%252fb', 'digits behind an escaped percent are only text'],
    ['/%c0%ae%c0%ae/x', '/%C0%AE%C0%AE/x', 'an overlong dot is not a dot'],
    ['/a;v=1/b', '/a;v=1/b', 'path parameters belong to their segment'],
    ['/a..;x', '/a..;x', 'a parameter behind a name that ends in dots'],
    ['/a/.%2Fb', '/a/.%2Fb', 'a single dot beside an escaped slash goes nowhere'],
    ['/a..%2Fb', '/a..%2Fb', 'a name that ends in dots does not climb'],
    ['/a*/{x}|"<>^`', '/a*/{x}|"<>^`', 'visible ASCII that RFC 3986 does not know is passed'],
  ];
  for (const [raw, normalised, because] of table) {
    it(`${raw} is ${normalised}: ${because}`, () => assert.equal(normalisePath(raw), normalised));
  }

  it('returns the very text when there is nothing to do', () => {
    const raw = ['/orders', 42, 'items'].join('/');
    assert.equal(normalisePath(raw), raw);
  });
});

describe('a path is refused', () => {
  const table: [raw: string, because: string][] = [
    ['', 'empty'],
    ['a/b', 'no slash at the beginning'],
    ['*', 'not a path'],
    ['/%', 'a percent at the end'],
    ['/%2', 'an escape cut short'],
    ['/%2/x', 'a slash in an escape'],
    ['/%zz', 'no hex digits'],
    ['/%u002e%u002e/', 'an escape of another kind'],
    ['/%%32%65', 'an escape made of escapes'],
    ['/a%00.txt', 'NUL'],
    ['/a\\..\\b', 'backslashes'],
    ['/a#b', 'a fragment'],
    ['/a?b', 'a query'],
    ['/a b', 'a space'],
    ['/a\tb', 'a tab'],
    ['/a\r\nb', 'line ends'],
    ['/a\x7f', 'DEL'],
    ['/é', 'a character beyond ASCII'],
    ['/．．/admin', 'full-width dots'],
    ['/..%2Fadmin', 'dots before an escaped slash'],
    ['/..%2fadmin', 'the same in small letters'],
    ['/a%2f..%2fadmin', 'dots between escaped slashes'],
    ['/a%2F%2e%2e', 'escaped dots behind an escaped slash'],
    ['/..%5Cadmin', 'dots before an escaped backslash'],
    ['/a%5c..', 'dots behind an escaped backslash'],
    ['/..;/admin', 'dots with an empty parameter'],
    ['/a/..;x=1/admin', 'dots with a parameter'],
    ['/a/..%3bx/admin', 'dots with an escaped parameter'],
    ['/.;/admin', 'one dot with a parameter'],
    ['/a%2F..;x', 'dots with a parameter behind an escaped slash'],
    ['/..;x/../a', 'even when a later segment removes it'],
  ];
  for (const [raw, because] of table) {
    it(`${JSON.stringify(raw)}: ${because}`, () => assert.equal(normalisePath(raw), undefined));
  }
});

describe('whatever the path', () => {
  const piece = fc.constantFrom(
    '/',
    '/',
    '/',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '%2F',
    '%5c',
    '%25',
    '%3b',
    ';',
    'a',
    'B',
    '~',
    '%41',
    '%c3',
    '2e',
    '*',
    '{',
    '%0',
    '\\',
    ' ',
    'é',
  );
  const path = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);

  it('normalising twice is normalising once', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const once = normalisePath(raw);
        if (once !== undefined) assert.equal(normalisePath(once), once);
      }),
      { numRuns: 3000 },
    );
  });

  it('the result has no empty segment, no dot segment and no needless escape', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const normalised = normalisePath(raw);
        if (normalised === undefined) return;
        const segments = normalised.slice(1).split('/');
        assert.ok(!segments.slice(0, -1).includes(''), normalised);
        assert.ok(!segments.some((segment) => segment === '.' || segment === '..'), normalised);
        for (const [escape] of normalised.matchAll(/%../g)) {
          assert.match(escape, /^%[0-9A-F]{2}$/);
          assert.doesNotMatch(
            decodeURIComponent(`%${escape.slice(1)}`.replace(/%[89A-F]./, '?')),
            /^[A-Za-z0-9._~-]$/,
          );
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('an upstream that decodes once more finds no way up', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const normalised = normalisePath(raw);
        if (normalised === undefined) return;
        const seen = normalised.replace(/%2F|%5C/g, '/').replace(/;[^/]*/g, '');
        assert.ok(!seen.split('/').includes('..'), normalised);
      }),
      { numRuns: 3000 },
    );
  });

  it('keeps a slash at the end', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const normalised = normalisePath(raw);
        if (normalised !== undefined && raw.endsWith('/')) assert.ok(normalised.endsWith('/'), normalised);
      }),
    );
  });
});
