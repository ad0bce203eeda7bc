import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { TextSearch } from './text-search.ts';

/** The number of the piece that it was found in, from 1; 0 when it was not. */
function foundIn(wanted: string, limitBytes: number, pieces: readonly string[]): number {
  const search = new TextSearch(Buffer.from(wanted), limitBytes);
  return pieces.findIndex((piece) => search.add(Buffer.from(piece))) + 1;
}

suite('a text in a body that comes in pieces', () => {
  for (const [title, wanted, limit, pieces, found] of [
    ['is found in one of them', 'up', 100, ['{"status":', '"up"}'], 2],
    ['is found across two of them', 'ready', 100, ['not yet: re', 'ady'], 2],
    ['is found across many of them', 'ready', 100, ['r', 'e', 'a', 'd', 'y'], 5],
    ['is not found where it is not', 'ready', 100, ['re', 'd', 'y'], 0],
    ['is found up to the limit', 'ready', 7, ['..ready'], 1],
    ['is not found across the limit', 'ready', 6, ['..ready'], 0],
    ['is not found beyond the limit', 'ready', 6, ['......', 'ready'], 0],
    ['is found when it is one letter', '1', 100, ['0', '', '1'], 3],
  ] as const) {
    test(title, () => {
      assert.equal(foundIn(wanted, limit, pieces), found);
    });
  }

  test('is found however the body is cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(
        letters.filter((text) => text !== ''),
        fc.array(letters),
        fc.nat(40),
        (wanted, pieces, limit) => {
          const expected = pieces.join('').slice(0, limit).includes(wanted);
          assert.equal(foundIn(wanted, limit, pieces) > 0, expected);
        },
      ),
    );
  });

  test('is not looked for any more when the limit is reached', () => {
    const search = new TextSearch(Buffer.from('x'), 3);
    search.add(Buffer.from('ab'));
    assert.equal(search.exhausted, false);
    search.add(Buffer.from('c'));
    assert.equal(search.exhausted, true);
  });
});
