import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Automaton } from './automaton.ts';

/** What is found, as `trigger@end`. */
function found(triggers: readonly string[], text: string): string[] {
  const octets = Buffer.from(text, 'latin1');
  const list: string[] = [];
  new Automaton(triggers).scan(octets, octets.length, {
    onTrigger: (trigger, end) => list.push(`${triggers[trigger]}@${end}`) < 0,
  });
  return list;
}

it('triggers that overlap, begin alike or end in one another are all found', () => {
  assert.deepEqual(found(['he', 'she', 'his', 'hers'], 'ushers'), ['she@4', 'he@4', 'hers@6']);
});

it('octets beyond ASCII and NUL are octets like others', () => {
  assert.deepEqual(found(['\0', '\xc0\xae'], 'a\0\xc0\xae'), ['\0@2', '\xc0\xae@4']);
});

it('a visitor that has enough ends the scan', () => {
  const octets = Buffer.from('aaa');
  let count = 0;
  new Automaton(['a']).scan(octets, octets.length, { onTrigger: () => ++count === 2 });
  assert.equal(count, 2);
});

it('any triggers are found wherever they stand', () => {
  const text = (maxLength: number) =>
    fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength });
  fc.assert(
    fc.property(fc.uniqueArray(text(5), { minLength: 1, maxLength: 8 }), text(40), (triggers, input) => {
      const expected: string[] = [];
      for (let end = 1; end <= input.length; end++)
        for (const trigger of triggers)
          if (input.slice(0, end).endsWith(trigger)) expected.push(`${trigger}@${end}`);
      assert.deepEqual(found(triggers, input).toSorted(), expected.toSorted());
    }),
  );
});

it('a text holds none for sure where a scan of its octets finds none, and nothing is doubtful', () => {
  const triggers = ['ab', 'a b', ' c'];
  const folded = new Uint8Array(256).map((_, octet) => octet).with(0x41, 0x61);
  const automaton = new Automaton(triggers);
  const classes = automaton.classesOf(folded, [0x25]);
  const text = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'c', ' ', '%', 'x'), maxLength: 12 });
  fc.assert(
    fc.property(text, (input) => {
      const plain = input.toLowerCase().replaceAll(/ +/g, ' ');
      const expected = !input.includes('%') && found(triggers, plain).length === 0;
      assert.equal(automaton.holdsNone(`b${input}b`, 1, input.length + 1, classes), expected);
    }),
  );
});
