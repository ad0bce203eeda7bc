import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type ConnectionOptions, parseConnection } from './connection-field.ts';

const NONE: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, names: [], elements: 1 };

suite('a Connection field is a list of options', () => {
  const table: [value: string, options: Partial<ConnectionOptions>][] = [
    ['close', { close: true }],
    ['Close', { close: true }],
    ['keep-alive', { keepAlive: true }],
    ['Keep-Alive', { keepAlive: true }],
    ['KEEP-ALIVE', { keepAlive: true }],
    ['upgrade', { upgrade: true }],
    ['keep-alive, Upgrade', { keepAlive: true, upgrade: true, elements: 2 }],
    ['close , \tX-One,x-two', { close: true, names: ['x-one', 'x-two'], elements: 3 }],
    ['x, x', { names: ['x', 'x'], elements: 2 }],
    ['', {}],
    [' ,, ,', { elements: 4 }],
    [',close,', { close: true, elements: 3 }],
    ['close'.padEnd(68, ','), { close: true, elements: 64 }],
    ["!#$%&'*+.^_`|~09", { names: ["!#$%&'*+.^_`|~09"] }],
  ];
  for (const [value, options] of table) {
    test(JSON.stringify(value), () => assert.deepEqual(parseConnection(value), { ...NONE, ...options }));
  }

  for (const value of [
    'a b',
    'close;',
    '"close"',
    'close, a/b',
    'close\xa0',
    '\xa0',
    'é',
    'clo\x00se',
    ':',
    'close'.padEnd(69, ','),
    `${'x,'.repeat(64)}x`,
  ]) {
    test(`${JSON.stringify(value)} is none`, () => assert.equal(parseConnection(value), undefined));
  }
});

suite('several Connection fields', () => {
  test('are one list', () => {
    const first = parseConnection('keep-alive');
    const second = parseConnection('X-One', first);
    const third = parseConnection('close, x-two', second);
    assert.deepEqual(third, {
      close: true,
      keepAlive: true,
      upgrade: false,
      names: ['x-one', 'x-two'],
      elements: 4,
    });
  });

  test('have as many options together as one may have', () => {
    const most = parseConnection('x'.padEnd(64, ','));
    assert.equal(most?.elements, 64);
    assert.equal(parseConnection('', most), undefined);
  });

  test('do not change what was read before: the common values are shared between messages', () => {
    for (const common of ['close', 'keep-alive', 'Keep-Alive']) {
      const before = parseConnection(common);
      parseConnection('close, upgrade, keep-alive, x', before);
      assert.deepEqual(parseConnection(common), {
        ...NONE,
        close: common === 'close',
        keepAlive: common !== 'close',
      });
    }
  });

  test('are none as soon as one is none', () => {
    assert.equal(parseConnection('a b', parseConnection('close')), undefined);
  });
});
