import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { locateInTree, type Path, type Place } from './place.ts';
import { readPlainYaml } from './plain-yaml.ts';
import { readYaml } from './yaml.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 2000);

const READ: readonly (readonly [what: string, text: string, value: unknown])[] = [
  ['a map', 'a: 1\nb: two\n', { a: 1, b: 'two' }],
  ['maps in maps', 'a:\n  b:\n    c: x\nd: y', { a: { b: { c: 'x' } }, d: 'y' }],
  ['a list', '- a\n- b\n', ['a', 'b']],
  ['a list in the column of its key', 'a:\n- x\n- y\nb: z\n', { a: ['x', 'y'], b: 'z' }],
  ['maps in a list', 'a:\n  - b: 1\n    c: 2\n  - d: 3\n', { a: [{ b: 1, c: 2 }, { d: 3 }] }],
  ['lists in lists', '- - a\n  - b\n- - c\n', [['a', 'b'], ['c']]],
  ['what is on one line', 'a: { b: [x, "y", \'z\'], "c": 1 }\n', { a: { b: ['x', 'y', 'z'], c: 1 } }],
  ['nothing', 'a:\nb: ~\nc: null\nd:\n  -\n  - x\n', { a: null, b: null, c: null, d: [null, 'x'] }],
  ['numbers and truths', '- 0\n- -12\n- 1.5\n- true\n- False\n', [0, -12, 1.5, true, false]],
  [
    'texts that begin like numbers',
    '- 30s\n- 64kb\n- 10.0.0.0/8\n- 127.0.0.1\n- 1.2.3\n',
    ['30s', '64kb', '10.0.0.0/8', '127.0.0.1', '1.2.3'],
  ],
  ['addresses and paths', 'url: http://h:80\npath: /a/*\n', { url: 'http://h:80', path: '/a/*' }],
  ['comments', '# one\na: 1 # two\n  # three\nb: x#y\n', { a: 1, b: 'x#y' }],
  ['quotes', `a: "x\\n\\"y\\""\nb: 'it''s'\n"c d": 1\n`, { a: 'x\n"y"', b: "it's", 'c d': 1 }],
  [
    'literal blocks',
    'a: |\n  one\n    two\n\n  three\nb: |-\n  x\n\nc: 1\n',
    { a: 'one\n  two\n\nthree\n', b: 'x', c: 1 },
  ],
  ['a mark of the beginning', '# c\n---\na: 1\n', { a: 1 }],
];

for (const [what, text, value] of READ) {
  test(`plain YAML reads ${what}, as the full parser does`, () => {
    assert.deepEqual(readPlainYaml(text, false)?.value, value);
    const full = readYaml(text);
    assert.ok(full.ok);
    assert.deepEqual(full.value, value);
  });
}

const LEFT: readonly (readonly [what: string, text: string])[] = [
  ['an anchor', 'a: &x 1\nb: *x\n'],
  ['a tag', 'a: !!str 1\n'],
  ['folded text', 'a: >\n  x\n'],
  ['a text on several lines', 'a: x\n  y\n'],
  ['a second document', 'a: 1\n---\nb: 1\n'],
  ['a tab', 'a:\t1\n'],
  ['a carriage return', 'a: 1\r\n'],
  ['a repeated key', 'a: 1\na: 2\n'],
  ['a key named __proto__', '__proto__: 1\n'],
  ['a merge key', '<<: 1\n'],
  ['an octal number', 'a: 0o17\n'],
  ['a number with an exponent', 'a: 1e3\n'],
  ['a number as a key', '0x10: a\n'],
  ['a map within a plain text', 'a: b: c\n'],
  ['wrong indentation', 'a: 1\n  b: 2\n'],
  ['a bracket that is not closed', 'a: [1, 2\n'],
  ['a scalar alone', 'hello\n'],
  ['nothing at all', ''],
];

for (const [what, text] of LEFT) {
  test(`plain YAML leaves ${what} to the full parser`, () => {
    assert.equal(readPlainYaml(text, false), undefined);
  });
}

const scalar = fc.oneof(
  fc.constantFrom(
    'a',
    'GET',
    '/x/*',
    '30s',
    'http://h:1/',
    '*.example.com',
    'env:X',
    'it is',
    "it's",
    '- x',
    'a: b',
    '#c',
    'true',
    '',
    ' x ',
    '0x1',
    '1.',
    'é',
    'x\ny\n',
    'x\n',
    '@a',
    '{id}',
    '/a/{id}',
    '1_000',
    'null',
    '1e3',
    '.5',
    '-',
    '?',
    '[',
    'a # b',
  ),
  fc.string({ maxLength: 8 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(
      fc.constantFrom('a', 'b', 'routes', 'x-y', 'set', '404', 'a b', '*', '/x', './p.ts', 'é', ''),
      tie('tree'),
      { maxKeys: 4 },
    ),
  ),
}));

test('what plain YAML reads of written data is the data, and every place in it is that of the full parser', () => {
  let read = 0;
  fc.assert(
    fc.property(tree, fc.constantFrom(2, 4), fc.boolean(), (value, indent, indentSeq) => {
      const text = stringify(value, { indent, indentSeq, lineWidth: 0 });
      const plain = readPlainYaml(text, true);
      if (plain === undefined) return;
      read++;
      const full = readYaml(text);
      assert.ok(full.ok);
      assert.deepEqual(plain.value, full.value);
      for (const path of pathsOf(full.value, [])) {
        const ours = locateInTree(plain.root, path);
        const theirs: Place = full.locate(path);
        assert.deepEqual(ours.key, theirs.key, `key of ${path.join('.')}`);
        if (!ours.container && value !== null) assert.equal(ours.value.start <= theirs.value.start, true);
        assert.equal(ours.container, theirs.container);
      }
    }),
    { numRuns: RUNS },
  );
  assert.ok(read > RUNS / 20, `only ${read} of ${RUNS} were plain`);
});

test('what plain YAML reads of lines put together at random the full parser reads alike', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    'a:',
    'a: ',
    'b: 1',
    '- ',
    '-',
    '- a',
    '- a: 1',
    ': ',
    ' ',
    '  ',
    '    ',
    '\n',
    '\n',
    '\n',
    '\n  ',
    '\n    ',
    '#',
    ' # c',
    '[',
    ']',
    '[a, b]',
    '{',
    '}',
    '{ a: 1 }',
    ', ',
    ',',
    '"',
    '"x"',
    "'",
    "''",
    '|',
    '|-',
    '|\n',
    '---',
    '...',
    '?',
    '*',
    '&',
    '!',
    '%',
    '@',
    '~',
    '0',
    '-1',
    '1.5',
    '.',
    '0x1',
    'x y',
    'true',
    '<<',
    '=',
    '/',
    '\\',
    'é',
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join('')),
      (text) => {
        const plain = readPlainYaml(text, false);
        if (plain === undefined) return;
        const full = readYaml(text);
        assert.ok(full.ok, full.ok ? '' : full.faults[0]?.message);
        assert.deepEqual(plain.value, full.value);
      },
    ),
    { numRuns: RUNS * 5 },
  );
});

function pathsOf(value: unknown, path: Path): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, entry]) =>
      pathsOf(entry, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}
