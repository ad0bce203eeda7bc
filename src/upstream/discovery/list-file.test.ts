import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readList } from './list-file.ts';

const one = [{ url: 'http://a:1', weight: 1 }];

suite('a list of targets is read', () => {
  const table: [title: string, text: string, targets: object[]][] = [
    [
      'from YAML',
      '- url: http://a:1\n- url: https://b/\n  weight: 3\n  zone: z-1\n  tags: [x, y]\n',
      [...one, { url: 'https://b', weight: 3, zone: 'z-1', tags: ['x', 'y'] }],
    ],
    ['from JSON', '[\n\t{"url": "http://a:1", "weight": 1}\n]', one],
    ['with nothing in it', '[]\n', []],
    ['with a byte order mark', '\ufeff- url: http://a:1\n', one],
  ];
  for (const [title, text, targets] of table)
    test(title, () => assert.deepEqual(readList(text), { ok: true, targets }));
});

suite('a list of targets is refused with its line', () => {
  const table: [title: string, text: string, reason: string | RegExp][] = [
    ['an empty file: it was perhaps not written to its end', '', 'line 1: is not a list of targets'],
    ['a map', 'targets:\n  - url: http://a:1\n', 'line 1: is not a list of targets'],
    ['broken YAML', '- url: http://a:1\n- url: "http://b\n', /^line [23]: Missing closing "quote/],
    ['broken JSON', '[\n{"url": "http://a:1"\n', /^line [23]: /],
    [
      'a key that is there twice',
      '- url: http://a:1\n- url: http://b:1\n  url: http://c:1\n',
      'line 2: a key is there twice',
    ],
    ['lists within lists without end', '['.repeat(100_000), /^line 1: /],
    ['a second document', '- url: http://a:1\n---\n- url: http://b:1\n', /^line 2: .*multiple documents/],
    ['an unknown tag', '- !secret x\n', /^line 1: Unresolved tag: !secret/],
    [
      'an address with a path',
      '- url: http://a:1\n- url: http://b:1/x\n',
      'line 2: url: is not the address of a service: write http://host:port or https://host:port, without a path',
    ],
    [
      'an address with a user',
      '- url: http://a:1\n- url: http://joe:secret@b:1\n',
      'line 2: url: has a user name or a password in it: write http://host:port, and send Authorization by the policy headers',
    ],
    ['a target without address', '- url: http://a:1\n- weight: 3\n', /^line 2: url: /],
    ['an unknown key', '- url: http://a:1\n  wieght: 3\n', /^line 1: Unrecognized key: "wieght"$/],
    ['a weight that is too large', '- url: http://a:1\n  weight: 1001\n', /^line 2: weight: /],
    [
      'a tag with a space',
      '- url: http://a:1\n  tags:\n    - x\n    - y z\n',
      /^line 4: tags\.1: must be 1 to 128 visible/,
    ],
    ['a bomb of aliases', bomb(), /^line 1: Excessive alias count/],
  ];
  for (const [title, text, reason] of table) {
    test(title, () => {
      const list = readList(text);
      assert.equal(list.ok, false);
      if (list.ok) return;
      if (typeof reason === 'string') assert.equal(list.reason, reason);
      else assert.match(list.reason, reason);
    });
  }
});

function bomb(): string {
  const levels = Array.from({ length: 9 }, (_, i) => `- &l${i + 1} [${`*l${i},`.repeat(9)}]`);
  return `- &l0 [${'x,'.repeat(9)}]\n${levels.join('\n')}\n`;
}
