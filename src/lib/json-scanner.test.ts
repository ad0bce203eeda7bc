import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { assertTakesAtMost } from '../../test/support/cpu-time.ts';
import { type JsonFault, type JsonFaultKind, type JsonLimits, JsonScanner } from './json-scanner.ts';

const WIDE: JsonLimits = { depth: 1000, keys: 100_000, items: 100_000, values: 100_000, string: 100_000 };

function scan(text: string, limits: Partial<JsonLimits> = {}): JsonFault | undefined {
  return new JsonScanner({ ...WIDE, ...limits }).scan(Buffer.from(text));
}

suite('the scanner of JSON', () => {
  for (const [text, limits, kind, offset, pointer] of [
    ['', {}, 'syntax', 0, ''],
    ['[1,]', {}, 'syntax', 3, '/1'],
    ['{"a":1,}', {}, 'syntax', 7, '/a'],
    ['{"a" 1}', {}, 'syntax', 5, '/a'],
    ['[1 2]', {}, 'syntax', 3, '/0'],
    ['{"a":[true,{"b":nul}]}', {}, 'syntax', 19, '/a/1/b'],
    ['01', {}, 'syntax', 1, ''],
    ['-', {}, 'syntax', 1, ''],
    ['1.', {}, 'syntax', 2, ''],
    ['1e+', {}, 'syntax', 3, ''],
    ['"\\x"', {}, 'syntax', 1, ''],
    ['"\\u12g4"', {}, 'syntax', 1, ''],
    ['"a\nb"', {}, 'syntax', 2, ''],
    ['"a', {}, 'syntax', 2, ''],
    ['\ufeff{}', {}, 'syntax', 0, ''],
    ['[[]]', { depth: 1 }, 'depth', 1, '/0'],
    ['{"a":[]}', { depth: 1 }, 'depth', 5, '/a'],
    ['[1,2,3]', { items: 2 }, 'items', 5, '/2'],
    ['[[1,2],{"a":[3]}]', { values: 4 }, 'values', 13, '/1/a/0'],
    ['{"a":{"b":1},"c":2}', { keys: 2 }, 'keys', 13, '/a'],
    ['["abc"]', { string: 2 }, 'string', 5, '/0'],
    ['{"abc":1}', { string: 2 }, 'string', 5, ''],
    ['[1e308,-1e309]', {}, 'number', 7, '/1'],
    [`{"a":${'9'.repeat(309)}}`, {}, 'number', 5, '/a'],
    [`[1,0.${'9'.repeat(999)}]`, { string: 5 }, 'number', 3, '/1'],
    ['"ab', { string: 1 }, 'string', 3, ''],
    ['{"a":1,"b":2,"a":3}', {}, 'duplicate', 13, '/a'],
    ['{"a":1,"\\u0061":3}', {}, 'duplicate', 7, '/a'],
    ['{"é":1,"\\u00e9":3}', {}, 'duplicate', 8, '/é'],
    ['[{"x":{"~/":1,"~/":2}}]', {}, 'duplicate', 14, '/0/x/~0~1'],
    ['{"__proto__":1}', {}, 'prototype', 1, '/__proto__'],
    ['{"a":{"\\u005f_proto__":1}}', {}, 'prototype', 6, '/a/__proto__'],
    ['{"constructor":{"a":1,"prototype":1}}', {}, 'prototype', 22, '/constructor/prototype'],
  ] as const satisfies readonly (readonly [string, Partial<JsonLimits>, JsonFaultKind, number, string])[]) {
    test(`finds the fault ${kind} at ${offset} of ${text}, within ${JSON.stringify(limits)}`, () => {
      const found = scan(text, limits);
      assert.equal(found?.kind, kind);
      assert.deepEqual([found?.offset, found?.pointer], [offset, pointer]);
    });
  }

  for (const [text, limits] of [
    [' [ [ ] , { "a" : "\\"\\u12AB\\n" } ] ', { depth: 2, items: 2, keys: 1, string: 10 }],
    ['"ab"', { string: 2 }],
    [`[0.${'9'.repeat(998)}]`, { string: 5 }],
    ['[]', { items: 0 }],
    ['[[],[1,2],{"a":[3]}]', { values: 6 }],
    ['{"prototype":1,"constructor":2,"a":[{"constructor":{}},{"prototype":{}}]}', {}],
    ['{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}', {}],
    ['"\\ud800"', {}],
    ['{"\\ud800":1,"\\ud801":2}', {}],
    ['-0.1E-10', {}],
    [`[${'9'.repeat(308)},0.${'9'.repeat(400)},1e-999]`, {}],
  ] as const) {
    test(`accepts ${text} within ${JSON.stringify(limits)}`, () => {
      assert.equal(scan(text, limits), undefined);
    });
  }

  test('finds a key that stands twice among many', () => {
    const keys = Array.from({ length: 100 }, (_, i) => `"k${i}":${i}`);
    assert.equal(scan(`{${keys.join()}}`), undefined);
    assert.equal(scan(`{${keys.join()},"k77":1}`)?.pointer, '/k77');
  });

  const value = fc.json({ noUnicodeString: false, maxDepth: 5 });

  test('accepts and refuses what JSON.parse does, for JSON with random changes', () => {
    const change = fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...'{}[]",:\\0-+.eEtfnu x\n\t\0é'));
    fc.assert(
      fc.property(value, fc.array(change, { maxLength: 3 }), (json, changes) => {
        let text = json;
        for (const [where, drop, insert] of changes) {
          const at = where % (text.length + 1);
          text = text.slice(0, at) + insert + text.slice(at + drop);
        }
        text = text.toWellFormed();
        const kind = scan(text)?.kind;
        if (kind === 'duplicate' || kind === 'prototype' || kind === 'number') return;
        assert.equal(kind, parses(text) ? undefined : 'syntax', text);
      }),
      { numRuns: 3000 },
    );
  });

  test('comes to the same verdict in whatever pieces a text comes, as soon as it can', () => {
    const change = fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...'{}[]",:\\0-+.eEtfnu x\n\té'));
    const limits = fc.record({
      depth: fc.integer({ min: 1, max: 6 }),
      keys: fc.integer({ min: 1, max: 20 }),
      items: fc.integer({ min: 1, max: 20 }),
      values: fc.integer({ min: 1, max: 20 }),
      string: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(
        value,
        fc.array(change, { maxLength: 3 }),
        limits,
        fc.array(fc.nat(9)),
        (json, changes, within, cuts) => {
          let text = json;
          for (const [where, drop, insert] of changes) {
            const at = where % (text.length + 1);
            text = text.slice(0, at) + insert + text.slice(at + drop);
          }
          const data = Buffer.from(text);
          const expected = new JsonScanner(within).scan(data);
          const scanner = new JsonScanner(within);
          scanner.begin();
          let end = 0;
          for (const cut of [...cuts, ...Array<number>(data.length).fill(1)]) {
            end = Math.min(data.length, end + cut);
            const found = scanner.read(data.subarray(0, end), false);
            if (found !== undefined) assert.deepEqual(found, expected, text);
            // The octet that is wrong is enough, but for a number and a name, which are judged at their end, and an escape, told by where it begins.
            const isLate = expected?.kind === 'number' || expected?.kind === 'prototype';
            if (expected !== undefined && end > expected.offset + 8 && !isLate)
              assert.deepEqual(found, expected, text);
          }
          assert.deepEqual(scanner.read(data, true), expected, text);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('reads a long string that comes octet by octet once, not again for each', () => {
    const data = Buffer.from(`"${'a'.repeat(300_000)}"`);
    const scanner = new JsonScanner({ ...WIDE, string: 300_000 });
    // Some 45 thousand million octets otherwise.
    assertTakesAtMost(5000, () => {
      for (let end = 1; end < data.length; end++)
        assert.equal(scanner.read(data.subarray(0, end), false), undefined);
      assert.equal(scanner.read(data, true), undefined);
    });
  });

  test('finds every limit that a value is beyond', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (json) => {
        const measured = measure(json);
        const text = JSON.stringify(json);
        const found = scan(text, measured);
        if (found !== undefined) assert.match(found.kind, /^(?:prototype)$/);
        for (const name of ['depth', 'keys', 'items', 'values', 'string'] as const) {
          if (measured[name] === 0 || found !== undefined) continue;
          assert.equal(scan(text, { ...measured, [name]: measured[name] - 1 })?.kind, name, text);
        }
      }),
    );
  });

  for (const unit of ['[', '{"a":', '[{"a":', '"', '1', ' ', '[],', '{"a":"']) {
    test(`stops at its limits in 100 MB of ${unit}`, () => {
      const bomb = Buffer.alloc(100_000_000, unit);
      const scanner = new JsonScanner({
        depth: 32,
        keys: 10_000,
        items: 10_000,
        values: 10_000,
        string: 65_536,
      });
      const started = process.hrtime.bigint();
      const found = scanner.scan(bomb);
      const ms = Number(process.hrtime.bigint() - started) / 1e6;
      if (unit !== ' ') {
        assert.ok(found);
        assert.ok(found.offset < 70_000, `it read ${found.offset} octets`);
        assert.ok(ms < 50, `it took ${ms} ms`);
      }
    });
  }

  test('stops at its limits in lists within lists, of which none is too long', () => {
    const list = `[${'0,'.repeat(999)}0]`;
    const bomb = Buffer.from(`[${`${list},`.repeat(999)}${list}]`);
    const limits = { depth: 32, keys: 10_000, items: 1000, values: 20_000, string: 65_536 };
    const found = new JsonScanner(limits).scan(bomb);
    assert.deepEqual([found?.kind, found?.pointer], ['values', '/19/980']);
  });
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The narrowest limits that a value is within. */
function measure(value: unknown): JsonLimits {
  if (typeof value === 'string')
    return { depth: 0, keys: 0, items: 0, values: 0, string: Buffer.byteLength(JSON.stringify(value)) - 2 };
  if (typeof value !== 'object' || value === null)
    return { depth: 0, keys: 0, items: 0, values: 0, string: 0 };
  const keys = Array.isArray(value) ? [] : Object.keys(value);
  const inner = [...keys, ...Object.values(value)].map(measure);
  const most = (name: keyof JsonLimits) => Math.max(0, ...inner.map((each) => each[name]));
  return {
    depth: 1 + most('depth'),
    keys: keys.length + inner.reduce((sum, each) => sum + each.keys, 0),
    items: Math.max(Array.isArray(value) ? value.length : 0, most('items')),
    values: (Array.isArray(value) ? value.length : 0) + inner.reduce((sum, each) => sum + each.values, 0),
    string: most('string'),
  };
}
