import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { Fields, initialBit, isFieldValue, isToken } from './fields.ts';

const sample = () => new Fields(['a', 'A', '1', 'b', 'B', '2', 'a', 'a', '3']);

suite('fields', () => {
  test('are looked up in small letters', () => {
    const fields = sample();
    assert.equal(fields.get('a'), '1');
    assert.equal(fields.get('A'), undefined);
    assert.deepEqual(fields.getAll('a'), ['1', '3']);
    assert.deepEqual(fields.getAll('c'), []);
    assert.deepEqual([fields.has('b'), fields.has('c'), fields.size], [true, false, 3]);
    assert.deepEqual(
      [...fields],
      [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ],
    );
  });

  test('tell a field that is sent several times, as they came and once they were taken apart', () => {
    const came = () => Fields.ofLines('A: 1\r\nab: 2\r\na: 3\r\nB: 4\r\n', ~0);
    const apart = came();
    assert.equal(apart.size, 4);
    for (const fields of [came(), apart]) {
      assert.deepEqual(
        ['a', 'ab', 'b', 'c'].map((name) => fields.repeats(name)),
        [true, false, false, false],
      );
      fields.push('b', 'B', '5');
      assert.equal(fields.repeats('b'), true);
    }
  });

  test('are deleted from the lines that came, wherever they stand', () => {
    const came = () => {
      const fields = Fields.ofLines('A: 1\r\nab: 2\r\na: 3\r\nB: 4\r\n', ~0);
      fields.push('a', 'A', '5');
      return fields;
    };
    for (const [name, lines] of [
      ['a', 'ab: 2\r\nB: 4\r\n'],
      ['ab', 'A: 1\r\na: 3\r\nB: 4\r\nA: 5\r\n'],
      ['b', 'A: 1\r\nab: 2\r\na: 3\r\nA: 5\r\n'],
    ] as const) {
      const fields = came();
      assert.equal(fields.delete(name), true);
      assert.equal(fields.toLines(), lines);
      assert.equal(fields.has(name), false);
      assert.equal(fields.delete(name), false);
    }
    assert.equal(came().delete('c'), false);
  });

  const table: [title: string, change: (fields: Fields) => unknown, list: readonly string[]][] = [
    [
      'append adds one',
      (f) => f.append('A', '4'),
      ['a', 'A', '1', 'b', 'B', '2', 'a', 'a', '3', 'a', 'A', '4'],
    ],
    [
      'set replaces all of a name, in the place of the first, whose spelling stays',
      (f) => f.set('a', '4'),
      ['a', 'A', '4', 'b', 'B', '2'],
    ],
    ['set takes any spelling', (f) => f.set('B', '4'), ['a', 'A', '1', 'b', 'B', '4', 'a', 'a', '3']],
    ['set adds what is not there', (f) => f.set('C', '4'), [...sample().list, 'c', 'C', '4']],
    [
      'put replaces all of a name, in the place of the first',
      (f) => f.put('a', 'A', '4'),
      ['a', 'A', '4', 'b', 'B', '2'],
    ],
    ['put adds what is not there', (f) => f.put('c', 'C', '4'), [...sample().list, 'c', 'C', '4']],
    [
      'pushLines adds those of the lines',
      (f) => f.pushLines('C: 4\r\nc: 5\r\n', initialBit(0x63)),
      [...sample().list, 'c', 'C', '4', 'c', 'c', '5'],
    ],
    ['delete removes all of a name', (f) => f.delete('a'), ['b', 'B', '2']],
    ['delete of what is not there changes nothing', (f) => f.delete('c'), sample().list],
    ['clear removes all', (f) => f.clear(), []],
  ];
  for (const [title, change, list] of table) {
    test(title, () => {
      const fields = sample();
      change(fields);
      assert.deepEqual(fields.list, list);
    });
  }

  test('delete tells whether something was there', () => {
    assert.deepEqual([sample().delete('a'), sample().delete('c')], [true, false]);
  });

  test('those that were added go by their names, also of a clone, and leave what came with the message', () => {
    const message = () => Fields.ofLines('Te: kept\r\nA: 1\r\n', initialBit(0x74) | initialBit(0x61));
    const untouched = message();
    untouched.deleteAdded(['te'], initialBit(0x74));
    assert.equal(untouched.toLines(), 'Te: kept\r\nA: 1\r\n');
    for (const take of [(fields: Fields) => fields, (fields: Fields) => fields.clone()]) {
      const added = message();
      added.append('X', '1');
      added.append('Content-Length', '7');
      const fields = take(added);
      fields.deleteAdded(['content-length'], initialBit(0x63));
      assert.equal(fields.toLines(), 'Te: kept\r\nA: 1\r\nX: 1\r\n');
    }
    const listed = sample();
    listed.deleteAdded(['a', 'z'], 0);
    assert.deepEqual(listed.list, ['b', 'B', '2']);
  });

  test('lines are added to what came with a message, and are found there', () => {
    const fields = Fields.ofLines('A: 1\r\n', initialBit(0x61));
    fields.pushLines('C: 4\r\n', initialBit(0x63));
    assert.deepEqual([fields.get('c'), fields.toLines()], ['4', 'A: 1\r\nC: 4\r\n']);
  });

  const edits: [title: string, change: (value: string) => string, lines: string][] = [
    [
      'values are changed in their places',
      (value) => `${value}0`,
      'A: 10\r\nAb: 2\r\na: 30\r\nB: 4\r\nA: 50\r\n',
    ],
    ['those that become empty go', () => '', 'Ab: 2\r\nB: 4\r\n'],
    ['one of several goes', (value) => (value === '3' ? '' : value), 'A: 1\r\nAb: 2\r\nB: 4\r\nA: 5\r\n'],
    ['what stays the same changes nothing', (value) => value, 'A: 1\r\nAb: 2\r\na: 3\r\nB: 4\r\nA: 5\r\n'],
  ];
  for (const [title, change, lines] of edits) {
    test(`edit: ${title}, as they came and once they were taken apart`, () => {
      const came = () => {
        const fields = Fields.ofLines('A: 1\r\nAb: 2\r\na: 3\r\nB: 4\r\n', ~0);
        fields.push('a', 'A', '5');
        return fields;
      };
      const apart = came();
      assert.equal(apart.size, 5);
      for (const fields of [came(), apart]) {
        fields.edit('a', change);
        fields.edit('c', () => 'never');
        assert.equal(fields.toLines(), lines);
      }
    });
  }

  test('a name is looked for in any case, and signs are not taken for one another', () => {
    const fields = Fields.ofLines('X-ID: 1\r\nY^: 2\r\nZ_A: 3\r\n', ~0);
    assert.deepEqual(
      ['x-id', 'y^', 'y~', 'z_a', 'z\x7fa'].map((name) => fields.get(name)),
      ['1', '2', undefined, '3', undefined],
    );
  });

  test('a clone is its own', () => {
    const fields = sample();
    fields.clone().clear();
    assert.equal(fields.size, 3);
  });
});

suite('what could not stand in a message is refused', () => {
  for (const name of ['', 'A B', 'A:', 'A\r\nB', 'é']) {
    test(`the name ${JSON.stringify(name)}`, () => {
      const error = { name: 'TypeError', message: `not a field name: ${JSON.stringify(name)}` };
      const fields = sample();
      assert.throws(() => fields.append(name, '1'), error);
      assert.throws(() => fields.set(name, '1'), error);
      assert.deepEqual(fields.list, sample().list, 'nothing is changed');
    });
  }

  for (const value of ['1\r\nB: 2', '\0', ' 1', '1 ', '\t', '\x7f', 'Ā']) {
    test(`the value ${JSON.stringify(value)}, which the error does not repeat`, () => {
      const error = { name: 'TypeError', message: 'not a value for the field A' };
      const fields = sample();
      assert.throws(() => fields.append('A', value), error);
      assert.throws(() => fields.set('A', value), error);
      assert.deepEqual(fields.list, sample().list, 'nothing is changed');
      assert.throws(() => Fields.from({ A: value }), error);
    });
  }

  test('whatever is taken is one line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 4 }), (text) => {
        if (isToken(text)) assert.match(text, /^[\x21-\x7e]+$/);
        if (isFieldValue(text)) assert.match(text, /^[\t\x20-\x7e\x80-\xff]*$/);
      }),
      { numRuns: 2000 },
    );
  });
});
