import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { exchangeFor, type RequestDescription } from '../../../test/support/exchange.ts';
import { type SortedRanges, sortRanges } from '../../lib/address-table.ts';
import { buildTextTable, type TextTableKind } from '../../lib/text-table.ts';
import type { CheckContext } from '../../policy/contract.ts';
import { AddressLists, type ListData, type ListKind } from '../address-lists.ts';
import { checkRequestFilter } from './check.ts';
import type { ListNamed } from './matcher.ts';
import { CompiledRule } from './rule.ts';
import { RuleIndex } from './rule-index.ts';
import { type Rule, requestFilterSchema } from './schema.ts';

const request = (description: RequestDescription) => exchangeFor(description).request;

function listOf(kind: TextTableKind, texts: readonly string[]): ListData {
  return { kind, digest: '', table: buildTextTable(texts, kind) };
}

const LISTS = new AddressLists({
  some: listOf('texts', ['a', '/a/b', 'ab']),
  beginnings: listOf('prefixes', ['/a', 'b', 'a']),
});
const listNamed = (name: string) => LISTS.textsNamed(name);

const textMatch = fc.oneof(
  fc.constantFrom({ list: 'some' }, { list: 'beginnings' }),
  fc.constantFrom('/', '/a', '/a/b', 'a', 'ab'),
  fc.constantFrom('/', '/a', 'a', 'ab').map((prefix) => ({ prefix })),
  fc.constantFrom('b', '^/a', 'a$', '(?i)A').map((pattern) => ({ pattern })),
);
const valueMatch = fc.oneof(
  textMatch,
  fc.boolean().map((present) => ({ present })),
);
const methods = fc.subarray(['GET', 'HEAD', 'POST', 'PUT'], { minLength: 1 });
const rule = fc
  .record(
    {
      methods,
      path: textMatch,
      headers: fc.dictionary(fc.constantFrom('x-a', 'x_b', 'user-agent'), valueMatch),
      userAgent: valueMatch,
    },
    { requiredKeys: [] },
  )
  .map((written) => requestFilterSchema.safeParse({ deny: [written] }).data?.deny?.[0])
  .filter((parsed) => parsed !== undefined);
const described = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE'),
  url: fc.constantFrom('/', '/a', '/a/b', '/ab', '/b'),
  headers: fc.array(
    fc.tuple(
      fc.constantFrom('X-A', 'X-B', 'User-Agent', 'X-C'),
      fc.constantFrom('', 'a', 'ab', 'b', '/a', 'aB'),
    ),
    { maxLength: 4 },
  ),
});

describe('Of many rules', () => {
  it('the one is found that is the first to take the request when they are tried in their order', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 30 }),
        fc.array(described, { minLength: 1, maxLength: 10 }),
        fc.constantFrom('some' as const, 'every' as const),
        (rules, requests, values) => {
          const index = new RuleIndex(rules, values, listNamed);
          const inOrder = rules.map((each) => new CompiledRule(each, values, listNamed));
          for (const each of requests)
            assert.equal(
              index.find(request(each)),
              inOrder.findIndex((compiled) => compiled.matches(request(each))),
            );
        },
      ),
      { numRuns: 500 },
    );
  });

  /** Rules of all kinds, of which none takes what is asked. */
  const rulesOf = (count: number): Rule[] =>
    Array.from({ length: count }, (_, i): Rule => {
      switch (i % 5) {
        case 0:
          return { path: `/wp-${i}/setup.php` };
        case 1:
          return { path: { prefix: `/old/${i}/` }, methods: ['GET', 'POST'] };
        case 2:
          return { userAgent: `scanner/${i}.0` };
        case 3:
          return { headers: { 'x-client': { prefix: `client-${i}.` } } };
        default:
          return { path: '/login', headers: { 'x-client': `client-${i}` } };
      }
    });

  const nsPerRequest = (rules: Rule[], lists: ListNamed = listNamed): number => {
    const index = new RuleIndex(rules, 'some', lists);
    const descriptions: RequestDescription[] = [
      { url: '/orders/17?x=1', headers: { 'User-Agent': 'curl/8.5.0', Accept: '*/*' } },
      { url: '/login', headers: { 'User-Agent': 'Mozilla/5.0 (X11; Linux)', 'X-Client': 'client-x' } },
      { url: '/old/x', headers: { Host: 'example.com', 'X-Client': 'other' } },
    ];
    const asked = descriptions.map(request);
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 20; round++) {
      const begun = performance.now();
      for (let i = 0; i < 3000; i++) assert.ok(index.find(asked[i % 3] as (typeof asked)[number]) === -1);
      best = Math.min(best, ((performance.now() - begun) * 1e6) / 3000);
    }
    return best;
  };

  it('100,000 cost a request about what 10 cost', (t) => {
    nsPerRequest(rulesOf(10));
    const [few, many] = [nsPerRequest(rulesOf(10)), nsPerRequest(rulesOf(100_000))];
    t.diagnostic(`${few.toFixed(0)} ns with 10, ${many.toFixed(0)} ns with 100,000`);
    // The prefixes take 13 steps more; a walk along the rules takes some thousand times as long.
    assert.ok(many < few * 6, `${few} ns and ${many} ns`);
  });

  it('entries of lists, 100,000 of each kind, cost a request about what 10 cost', (t) => {
    const rules: Rule[] = [
      { userAgent: { list: 'agents' } },
      { path: { list: 'paths' } },
      { headers: { 'x-client': { list: 'clients' } } },
    ];
    const listsOf = (count: number): ListNamed => {
      const numbers = Array.from({ length: count }, (_, i) => i);
      const lists = new AddressLists({
        agents: listOf(
          'texts',
          numbers.map((i) => `scanner/${i}.0 (a client that nobody wants)`),
        ),
        paths: listOf(
          'prefixes',
          numbers.map((i) => `/old/${i}/`),
        ),
        clients: listOf(
          'texts',
          numbers.map((i) => `client-${i}`),
        ),
      });
      return (name) => lists.textsNamed(name);
    };
    nsPerRequest(rules, listsOf(10));
    const [few, many] = [nsPerRequest(rules, listsOf(10)), nsPerRequest(rules, listsOf(100_000))];
    t.diagnostic(`${few.toFixed(0)} ns with 10, ${many.toFixed(0)} ns with 100,000`);
    assert.ok(many < few * 6, `${few} ns and ${many} ns`);
  });

  it('those with patterns read the text once, and one that came before not at all', (t) => {
    const rules = Array.from(
      { length: 1000 },
      (_, i): Rule => ({
        userAgent: { pattern: `(?i)scan${i}ner|bot${i}` },
      }),
    );
    const index = new RuleIndex(rules, 'some', listNamed);
    assert.equal(index.find(request({ headers: { 'User-Agent': 'BOT999/1.0' } })), 9);
    assert.equal(index.find(request({ headers: { 'User-Agent': 'Scan700ner' } })), 700);
    const ns = nsPerRequest(rules);
    t.diagnostic(`${ns.toFixed(0)} ns with 1000 patterns`);
    // One after the other they take 2 ms.
    assert.ok(ns < 20_000, `${ns} ns`);
  });
});

const NO_RANGES = sortRanges([]);
const AROUND: CheckContext = {
  lists: new Map<string, { readonly kind: ListKind; readonly ranges: SortedRanges }>([
    ['bots', { kind: 'texts', ranges: NO_RANGES }],
    ['office', { kind: 'addresses', ranges: NO_RANGES }],
    ...Array.from({ length: 17 }, (_, i) => [`list-${i}`, { kind: 'prefixes', ranges: NO_RANGES }] as const),
  ]),
  providers: new Set(),
  sessions: new Set(),
};

describe('The check refuses a list', () => {
  for (const [title, options, problems] of [
    [
      'that is not there, and suggests one',
      { deny: [{ userAgent: { list: 'bot' } }] },
      [['deny.0.userAgent.list', 'there is no list "bot"', 'bots']],
    ],
    [
      'of addresses',
      { allow: [{ headers: { 'x-a': { list: 'office' } } }], deny: [{ path: { list: 'office' } }] },
      [
        ['allow.0.headers.x-a.list', 'the list "office" holds addresses, and no texts', undefined],
        ['deny.0.path.list', 'the list "office" holds addresses, and no texts', undefined],
      ],
    ],
    [
      'that is one too many for one text',
      { deny: Array.from({ length: 17 }, (_, i) => ({ path: { list: `list-${i}` } })) },
      [
        [
          'deny.16',
          'is one list too many for the path: there may be 16; a list may have any number of entries',
          undefined,
        ],
      ],
    ],
    ['but not one of texts', { deny: [{ userAgent: { list: 'bots' } }] }, []],
  ] as const)
    it(title, () => {
      const found = checkRequestFilter(requestFilterSchema.parse(options), AROUND);
      assert.deepEqual(
        found.map(({ path, message, suggestion }) => [path.join('.'), message, suggestion]),
        problems,
      );
    });
});

describe('The check refuses rules that would each cost every request something', () => {
  const alike = (length: number, rest: (i: number) => object): object[] =>
    Array.from({ length }, (_, i) => rest(i));
  for (const [title, options, problems] of [
    ['but not many that differ in their paths', { deny: alike(5000, (i) => ({ path: `/${i}` })) }, []],
    ['nor many that are the same one', { deny: alike(5000, () => ({ path: '/' })) }, []],
    [
      'that nothing but their patterns tells apart',
      { deny: alike(1001, (i) => ({ path: { pattern: `a${i}` } })) },
      [
        'deny.1000: is one pattern too many for the path: there may be 1000; write prefixes or exact texts, of which there may be any number',
      ],
    ],
    [
      'whose fields are many',
      { deny: alike(40, (i) => ({ headers: { [`x-${i}`]: { present: true } } })) },
      ['deny.32: needs another field to be looked for in each request: rules may need 32'],
    ],
    [
      'which all have the same path and client',
      {
        deny: alike(300 * 300, (i) => ({
          path: `/${i % 300}`,
          headers: { 'x-client': `${Math.floor(i / 300)}` },
        })),
      },
      [
        'deny.30000: is found by its path as 100 rules before it are, and each request would have to try them all: give it a path or value that few others have, or join rules by a pattern',
      ],
    ],
  ] as const) {
    it(title, () => {
      assert.deepEqual(
        checkRequestFilter(requestFilterSchema.parse(options), AROUND).map(
          ({ path, message }) => `${path.join('.')}: ${message}`,
        ),
        problems,
      );
    });
  }
});
