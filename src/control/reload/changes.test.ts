import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DataPlaneConfig } from '../../server/config.ts';
import { compareConfigs, describeChanges } from './changes.ts';

function config(parts: Record<string, unknown>): DataPlaneConfig {
  const empty = {
    listeners: {},
    certificates: {},
    lists: {},
    services: {},
    routes: {},
    policies: [],
    observability: {},
  };
  return { ...empty, ...parts } as unknown as DataPlaneConfig;
}

const CASES: readonly [
  title: string,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  line: string,
][] = [
  ['nothing', { routes: { a: { x: [1] } } }, { routes: { a: { x: [1] } } }, 'nothing'],
  ['a route that came', {}, { routes: { a: {} } }, 'routes: 1 added'],
  ['routes that went', { routes: { a: {}, b: {} } }, {}, 'routes: 2 removed'],
  [
    'a bit of everything, in the order of the configuration',
    { routes: { a: { p: 1 }, b: {}, toString: {} }, listeners: { web: { port: 1 } }, services: { s: {} } },
    {
      routes: { a: { p: 2 }, c: {}, toString: {} },
      listeners: { web: { port: 2 } },
      services: { s: {}, t: {} },
    },
    'listeners: 1 changed; services: 1 added; routes: 1 added, 1 removed, 1 changed',
  ],
  ['the order of names alone', { routes: { a: {}, b: {} } }, { routes: { b: {}, a: {} } }, 'nothing'],
  [
    'what concerns every route',
    { policies: [] },
    { policies: [{ name: 'cors' }] },
    'global policies changed',
  ],
  ['the log', { observability: { a: 1 } }, { observability: { a: 2 } }, 'observability changed'],
];

describe('the line that tells what a reload changed', () => {
  for (const [title, before, after, line] of CASES) {
    it(`names ${title}`, () =>
      assert.equal(describeChanges(compareConfigs(config(before), config(after))), line));
  }
});
