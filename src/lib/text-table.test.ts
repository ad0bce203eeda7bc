import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readTextList } from './text-list.ts';
import { buildTextTable, TextTable } from './text-table.ts';

describe('A table of texts', () => {
  it('finds what it was made of and nothing else, by the whole and by beginnings', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\xe9', ' '), maxLength: 6 });
    fc.assert(
      fc.property(fc.array(text), fc.array(text, { minLength: 1 }), (entries, asked) => {
        const whole = new TextTable(buildTextTable(entries, 'texts'));
        const beginnings = new TextTable(buildTextTable(entries, 'prefixes'));
        for (const each of [...asked, ...entries]) {
          assert.equal(whole.has(each), entries.includes(each), each);
          assert.equal(
            beginnings.hasPrefixOf(each),
            entries.some((entry) => each.startsWith(entry)),
            each,
          );
        }
      }),
    );
  });

  it('takes a text beyond latin1 for none of its own', () => {
    const table = new TextTable(buildTextTable(['a', '\xff'], 'texts'));
    assert.deepEqual(
      [table.has('\u0161'), table.has('\xff'), table.hasPrefixOf('\u0161a')],
      [false, true, false],
    );
  });
});

describe('A file of texts', () => {
  it('has one in a line, with comments and empty lines between', () => {
    assert.deepEqual(readTextList('\ufeff# bots\n\n  BadBot/1.0 (x; y) \r\n/a#b\n'), {
      texts: ['BadBot/1.0 (x; y)', '/a#b'],
      faults: [],
    });
  });

  it('tells where a line is wrong', () => {
    assert.deepEqual(readTextList('good\n  b\u0161d\n').faults, [
      { start: 7, end: 10, message: 'holds a character that neither a path nor a field may hold' },
    ]);
  });
});
