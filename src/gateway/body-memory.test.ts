import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BodyMemory } from './body-memory.ts';

/** What is taken in turn, as `client route octets`; negative: given back. */
function taken(bytes: number, ...steps: readonly string[]): boolean[] {
  const memory = new BodyMemory(bytes);
  return steps.map((step) => {
    const [client = '', route = '', octets = ''] = step.split(' ');
    const user = memory.userOf(client, route);
    if (Number(octets) >= 0) return memory.take(Number(octets), user);
    memory.give(-Number(octets), user);
    return true;
  });
}

suite('The memory for bodies', () => {
  for (const [title, steps, expected] of [
    [
      'is for all of them together',
      ['a r 25', 'b r 25', 'c s 25', 'd s 25', 'e t 1'],
      [true, true, true, true, false],
    ],
    [
      'has a quarter for one client address',
      ['a r 20', 'a s 6', 'a s 5', 'b r 25'],
      [true, false, true, true],
    ],
    [
      'has a quarter for all addresses of a network of IPv6',
      ['2001:db8::1 r 20', '2001:db8::2 s 6', '2001:db8::ffff:0:0:1 s 5', '2001:db8:0:1::1 r 25'],
      [true, false, true, true],
    ],
    ['has a half for one route', ['a r 25', 'b r 25', 'c r 1', 'c s 25'], [true, true, false, true]],
    [
      'can be taken again when it was given back',
      ['a r 20', 'a r 6', 'a r -20', 'a r 25', 'a r 1'],
      [true, false, true, true, false],
    ],
    [
      'is not taken by what was refused',
      ['a r 26', 'b r 25', 'c r 25', 'd r 1', 'd s 25', 'a s 25'],
      [false, true, true, false, true, true],
    ],
  ] as const) {
    test(title, () => assert.deepEqual(taken(100, ...steps), expected));
  }
});
