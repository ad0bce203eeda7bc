import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { codePointsOf, complement } from './code-points.ts';
import { linearPatterns } from './linear-pattern.ts';

/** Characters on which engines differ, and some on which they do not. */
const CHARACTERS = [
  ...'ab1_-. {}/\n\r\t\v\f',
  ...[
    '\0',
    '\b',
    '\u00a0',
    'é',
    'α',
    'Ж',
    '\u0660',
    '\u180e',
    '\u2003',
    '\u2028',
    '\u2029',
    '\u3000',
    '\ufeff',
  ],
  ...['\u{1f600}', '\u{1d7d8}', '\ud83d', '\ude00'],
];

const character = fc.constantFrom(...CHARACTERS);
const escaped = character.map((text) => text.replace(/[{}/.]/, '\\$&'));
// Rare, since it takes 10 ms to find out what is in them.
const unicodeSet = fc.constantFrom('\\p{L}', '\\P{L}', '\\p{Script=Greek}', '\\p{sc=Cyrl}', '\\p{Emoji}');
const set = fc.oneof(
  { weight: 1, arbitrary: unicodeSet },
  {
    weight: 24,
    arbitrary: fc.constantFrom(
      ...['.', '\\d', '\\D', '\\s', '\\S', '\\w', '\\W', '\\n', '\\r', '\\t', '\\v', '\\f', '\\cM', '\\x61'],
      ...['\\u00e9', '\\u{1F600}', '\\ud83d\\ude00'],
    ),
  },
);
const member = fc.oneof(
  character.map((text) => text.replace(/-/, '\\-')),
  set.filter((text) => text !== '.'),
  fc.constantFrom('\\b', 'a-f', '\\x30-\\x39', '\\u{1F5FF}-\\u{1F601}', '\\ud800-\\udfff'),
);
const characterClass = fc
  .tuple(fc.constantFrom('', '^'), fc.array(member, { maxLength: 4 }))
  .map(([sign, members]) => `[${sign}${members.join('')}]`);
const { pattern } = fc.letrec<{ pattern: string; sequence: string; atom: string }>((tie) => ({
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((all) => all.join('|')),
  sequence: fc
    .array(
      fc.oneof(
        tie('atom'),
        fc
          .tuple(
            tie('atom'),
            fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{0}', '{2}', '{1,}', '{0,3}', '{2,3}?'),
          )
          .map(([atom, quantifier]) => atom + quantifier),
        fc.constantFrom('^', '$', '\\b', '\\B'),
      ),
      { maxLength: 4 },
    )
    .map((all) => all.join('')),
  atom: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    escaped,
    set,
    characterClass,
    fc.tuple(fc.constantFrom('(', '(?:'), tie('pattern')).map(([opening, inner]) => `${opening}${inner})`),
  ),
}));

/**
 * As ECMAScript says (section 22.2.7.2): from each character on, and from the end. Without being asked so, V8 begins within a character
 * too, and finds `\B` between the two halves of one.
 */
function isFound(sticky: RegExp, text: string): boolean {
  let at = 0;
  for (const beginning of [...text, '']) {
    sticky.lastIndex = at;
    if (sticky.test(text)) return true;
    at += beginning.length;
  }
  return false;
}

suite('A pattern', () => {
  test('is found where the native engine finds it', () => {
    fc.assert(
      fc.property(
        pattern,
        fc.array(fc.array(character, { maxLength: 6 }), { minLength: 1, maxLength: 6 }),
        (written, texts) => {
          const native = new RegExp(written, 'uy');
          const linear = linearPatterns(written);
          for (const text of texts.map((characters) => characters.join('')))
            assert.equal(linear.test(text), isFound(native, text), `${written} in ${JSON.stringify(text)}`);
        },
      ),
      { numRuns: 2000 },
    );
  });

  for (const [written, found, missed] of [
    ['\\B', ['aa', '\u{1d7d8}', '\u{1d7d8}\u{1d7d8}a'], ['a', 'a\u{1d7d8}a']],
    ['^.$', ['a', '\u0085', '\u{1f600}'], ['\n', '\r', '\u2028', '\u2029', '']],
    ['^\\s$', ['\u00a0', '\ufeff', '\u2028', '\v'], ['a', '\u180e', '\u200b']],
    ['^[\\S]$', ['a', '\u200b'], ['\u00a0', ' ']],
    ['^a{1,2000}$', ['a', 'a'.repeat(1001), 'a'.repeat(2000)], ['', 'a'.repeat(2001), 'b']],
    ['^a{1500}$', ['a'.repeat(1500)], ['a'.repeat(1499), 'a'.repeat(1501)]],
    ['^a{1500,}$', ['a'.repeat(1500), 'a'.repeat(5000)], ['a'.repeat(1499)]],
    ['^(?:a{3}|b){1,700}$', ['a'.repeat(2100), 'aaabaaa'], ['a'.repeat(2103), 'aa']],
    ['^(?:a{40}){1,60}$', ['a'.repeat(40), 'a'.repeat(2400)], ['a'.repeat(39), 'a'.repeat(2440)]],
    ['^\\p{Script=Greek}+$', ['αβγ'], ['abc']],
    ['^\\p{Uppercase_Letter}\\p{Alphabetic}*$', ['Éa'], ['éa']],
    ['^(?<year>\\d{4})$', ['2024'], ['\u0662\u0660\u0662\u0664']],
    ['^[]$', [], ['', 'a']],
    ['^[^]$', ['\n', 'a'], ['']],
    // Escapes that the flag `u` has no place for, and that many documents have all the same.
    ['^[\\w-.]+\\-\\_$', ['a-b.c-_'], ['a b-_']],
    ['^a{,2}]$', ['a{,2}]'], ['aa]']],
  ] as const) {
    test(`${written} is what it is in ECMAScript`, () => {
      const { length } = written;
      assert.ok(length > 0);
      const linear = linearPatterns(written);
      for (const text of found) assert.equal(linear.test(text), true, JSON.stringify(text));
      for (const text of missed) assert.equal(linear.test(text), false, JSON.stringify(text));
    });
  }

  for (const [written, reason] of [
    ['(?=a)b', 'has a look-ahead, (?= or (?!'],
    ['a(?!b)', 'has a look-ahead, (?= or (?!'],
    ['(?<=a)b', 'has a look-behind, (?<= or (?<!'],
    ['(?<!a)b', 'has a look-behind, (?<= or (?<!'],
    ['(a)\\1', 'has a back reference, \\1'],
    ['(?<n>a)\\k<n>', 'has a back reference, \\k'],
    ['(?i:a)', 'has flags within it, as (?i:'],
    ['(?i)a', 'is no regular expression: Invalid group'],
    ['a**', 'is no regular expression: Nothing to repeat'],
    ['[b-a]', 'is no regular expression: Range out of order in character class'],
    ['\\p{Nobody}', 'is no regular expression: Invalid property name'],
    ['\\Z', 'has the escape \\Z, which means nothing here'],
    ['\\01', 'has the escape \\0, which means nothing here'],
    ['a{10001}', 'repeats too much: written out it has more than 10000 characters'],
    ['(?:a{200}b){60}', 'repeats too much: written out it has more than 10000 characters'],
    [`${'('.repeat(300)}a${')'.repeat(300)}`, 'has more than 200 groups within each other'],
  ] as const) {
    test(`${written.slice(0, 40)} is refused, and why is said`, () => {
      assert.throws(() => linearPatterns(written), {
        message: `the pattern ${JSON.stringify(written)} ${reason}`,
      });
    });
  }
});

suite('The code points of a property', () => {
  for (const property of [
    'L',
    'Nd',
    'Script=Greek',
    'Script_Extensions=Grek',
    'Alphabetic',
    'Any',
    'Cs',
    'Cn',
  ]) {
    test(`${property} are those of the native engine`, () => {
      const native = new RegExp(`^\\p{${property}}$`, 'u');
      const ranges = codePointsOf(property);
      const edges = [...ranges, ...complement(ranges)].flat();
      for (const code of [...edges, 0x40000, 0x9abcd, 0xdffff, 0xe0001, 0xf0000, 0x10ffff])
        assert.equal(
          ranges.some(([first, last]) => code >= first && code <= last),
          native.test(String.fromCodePoint(code)),
          code.toString(16),
        );
    });
  }
});
