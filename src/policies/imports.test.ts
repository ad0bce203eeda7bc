import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relativeImports } from './imports.ts';

for (const [source, expected] of [
  ["import { a } from './a.ts';", ['./a.ts']],
  ['import type { A } from \'./a.ts\';\nexport * from "../b.ts";', ['./a.ts', '../b.ts']],
  ["import {\n  a,\n} from './a.ts';", ['./a.ts']],
  ["import './a.ts'; import'./b.ts'", ['./a.ts', './b.ts']],
  ["const a = await import('./a.ts'); import( './b.ts' )", ['./a.ts', './b.ts']],
  ["import a from './a.ts'; import b from './a.ts';", ['./a.ts']],
  ["import { z } from 'zod'; import fs from 'node:fs';", []],
  ["const text = './a.ts';", []],
  ["import data from './data.json' with { type: 'json' };", ['./data.json']],
  ['', []],
] as const) {
  test(`${JSON.stringify(source)} imports ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(relativeImports(source), expected);
  });
}
