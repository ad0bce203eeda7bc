import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { parseAuthority } from './host.ts';

suite('a host', () => {
  for (const [text, authority, host] of [
    ['a.example', 'a.example', 'a.example'],
    ['A.Example:8080', 'a.example:8080', 'a.example'],
    ['a.example.', 'a.example', 'a.example'],
    ['A.Example.:8080', 'a.example:8080', 'a.example'],
    ['192.0.2.1.', '192.0.2.1', '192.0.2.1'],
    ['a.example:', 'a.example', 'a.example'],
    ['a.example.:', 'a.example', 'a.example'],
    ['[::1]:', '[::1]', '[::1]'],
    ['a_b-c~d.example', 'a_b-c~d.example', 'a_b-c~d.example'],
    ['localhost:1', 'localhost:1', 'localhost'],
    ['a:65535', 'a:65535', 'a'],
    ['a:080', 'a:080', 'a'],
    ['192.0.2.1:80', '192.0.2.1:80', '192.0.2.1'],
    ['[2001:DB8::1]', '[2001:db8::1]', '[2001:db8::1]'],
    ['[::1]:443', '[::1]:443', '[::1]'],
    ['[::ffff:192.0.2.1]', '[::ffff:192.0.2.1]', '[::ffff:192.0.2.1]'],
  ] as const) {
    test(text, () => assert.deepEqual(parseAuthority(text), { authority, host }));
  }

  for (const [text, because] of [
    ['', 'empty'],
    [':80', 'a port alone'],
    [':', 'a colon alone'],
    ['.', 'a dot alone'],
    ['.:80', 'a dot alone'],
    ['a..', 'two dots at the end'],
    ['[::1].', 'a dot behind an address'],
    ['a:0', 'no port has this number'],
    ['a:65536', 'no port has this number'],
    ['a:000080', 'a long number'],
    ['a:8x', 'no number'],
    ['a:+80', 'no number'],
    ['a:80:80', 'two ports'],
    ['2001:db8::1', 'an IPv6 address without brackets'],
    ['[2001:db8::1', 'a bracket left open'],
    ['2001:db8::1]', 'a bracket never opened'],
    ['[::1]x', 'text behind the bracket'],
    ['[::1]80', 'a port without its colon'],
    ['[]', 'brackets around nothing'],
    ['[v1.a]', 'an address of the future'],
    ['[fe80::1%25eth0]', 'a zone'],
    ['u@a', 'user information'],
    ['u:p@a', 'user information'],
    ['a/b', 'a path'],
    ['a?b', 'a query'],
    ['a#b', 'a fragment'],
    ['a\\b', 'a backslash'],
    ['a,b', 'a list'],
    ['a, b', 'a list'],
    ['a b', 'white space'],
    [' a', 'white space'],
    ['a%20', 'an escape'],
    ["a'b", 'a sub-delimiter'],
    ['a;b', 'a sub-delimiter'],
    ['é', 'no ASCII'],
    ['a\0', 'a control character'],
    ['*', 'a wildcard'],
    ['a'.repeat(513), 'too long'],
  ] as const) {
    test(`${JSON.stringify(text.slice(0, 40))} is none: ${because}`, () => {
      assert.equal(parseAuthority(text), undefined);
    });
  }

  test('may be long', () => {
    const text = 'a'.repeat(512);
    assert.deepEqual(parseAuthority(text), { authority: text, host: text });
  });

  test('that is read is a fixed point, and holds nothing that ends a host', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'aZ09.-_~:[]@/?#\\,; %*é\0'), maxLength: 12 }),
        (text) => {
          const read = parseAuthority(text);
          if (read === undefined) return;
          assert.deepEqual(parseAuthority(read.authority), read);
          assert.ok(read.authority.startsWith(read.host));
          assert.match(read.authority.slice(read.host.length), /^(?::\d{1,5})?$/);
          assert.doesNotMatch(read.authority, /[@/?#\\,; %*]/);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
