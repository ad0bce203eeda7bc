import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fields } from '../http/fields.ts';
import { routeSchema } from './schema.ts';
import { ServiceChoice } from './service-choice.ts';

const SPLIT = [
  { service: 'stable', weight: 100 },
  { service: 'canary', weight: 0 },
];

function choiceOf(options: object): ServiceChoice {
  const { splitBy, splitOverride } = routeSchema.parse({ match: {}, split: SPLIT, ...options });
  return new ServiceChoice({ split: SPLIT, splitBy, splitOverride });
}

type Headers = Readonly<Record<string, string>>;

describe('What a request names', () => {
  const byHeader = { splitOverride: { header: 'x-canary' } };
  const byCookie = { splitOverride: { cookie: 'canary' } };
  const byValue = { splitOverride: { header: 'x-canary', values: { always: 'canary', never: 'stable' } } };
  const table: readonly (readonly [
    title: string,
    options: object,
    headers: Headers,
    service: string | undefined,
  ])[] = [
    ['is not looked at by default', {}, { 'x-canary': 'canary' }, undefined],
    ['is the value of the header', byHeader, { 'X-Canary': 'canary' }, 'canary'],
    ['is the value of the cookie', byCookie, { cookie: 'a=1; canary=stable' }, 'stable'],
    ['is nothing where the header is missing', byHeader, {}, undefined],
    ['is nothing where the cookie is missing', byCookie, { cookie: 'a=canary' }, undefined],
    ['is ignored where the service is not of the split', byHeader, { 'x-canary': 'billing' }, undefined],
    ['is ignored where it is empty', byHeader, { 'x-canary': '' }, undefined],
    ['is ignored where it is a name of every object', byHeader, { 'x-canary': 'constructor' }, undefined],
    ['stands for what the values say', byValue, { 'x-canary': 'always' }, 'canary'],
    ['is ignored where values do not have it', byValue, { 'x-canary': 'canary' }, undefined],
  ];
  for (const [title, options, headers, service] of table) {
    it(title, () => assert.equal(choiceOf(options).overriddenBy(Fields.from(headers)), service));
  }
});

describe('What a client is known by', () => {
  const table: readonly (readonly [
    title: string,
    by: object | undefined,
    headers: Headers,
    key: string | undefined,
  ])[] = [
    ['is nothing by default', undefined, { cookie: 'id=7' }, undefined],
    ['is the cookie', { cookie: { name: 'id' } }, { cookie: 'id=7' }, '7'],
    ['is nothing where the cookie is empty', { cookie: { name: 'id' } }, { cookie: 'id=' }, undefined],
    ['is the header', { header: 'x-user' }, { 'X-User': 'ada' }, 'ada'],
    ['is nothing where the header is missing', { header: 'x-user' }, {}, undefined],
    ['is the address', { address: true }, {}, '192.0.2.1'],
  ];
  for (const [title, splitBy, headers, key] of table) {
    it(title, () => assert.equal(choiceOf({ splitBy }).keyOf(Fields.from(headers), '192.0.2.1'), key));
  }
});

describe('The cookie that is set', () => {
  it('is that of splitBy, for 30 days', () => {
    const { cookie } = choiceOf({ splitBy: { cookie: { name: 'canary' } } });
    assert.deepEqual([cookie?.name, cookie?.maxAge], ['canary', 30 * 86_400_000]);
  });

  it('is none where the service sets it itself', () => {
    assert.equal(choiceOf({ splitBy: { cookie: { name: 'session', set: false } } }).cookie, undefined);
  });

  it('is none where the client is known by something else', () => {
    assert.equal(choiceOf({ splitBy: { header: 'x-user' } }).cookie, undefined);
  });
});
