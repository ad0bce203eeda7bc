import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { z } from 'zod';
import { balanceSchema, stickySchema } from './schema.ts';

/** Each complaint with the place that it is about. */
function complaints(schema: z.ZodType, value: unknown): string[] {
  const result = schema.safeParse(value);
  return result.success
    ? []
    : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const secret = 'sixteen characters at least';

test('the defaults are turns, no slow start, panic below half', () => {
  assert.deepEqual(balanceSchema.parse({}), { algorithm: 'round-robin', slowStart: 0, panicThreshold: 50 });
});

test('all of it can be said', () => {
  assert.deepEqual(
    balanceSchema.parse({
      algorithm: 'hash',
      hash: { cookie: 'sid' },
      slowStart: '30s',
      panicThreshold: 0,
      zone: 'eu-1a',
    }),
    { algorithm: 'hash', hash: { cookie: 'sid' }, slowStart: 30_000, panicThreshold: 0, zone: 'eu-1a' },
  );
  assert.deepEqual(stickySchema.parse({ cookie: 'at', secret, maxAge: '1h' }), {
    cookie: 'at',
    secret,
    maxAge: 3_600_000,
  });
});

suite('refused', () => {
  const hash = (value: unknown) => ({ algorithm: 'hash', hash: value });
  const keys = 'takes exactly one of header, cookie, param and address';
  const table: readonly [title: string, schema: z.ZodType, value: unknown, complaint: string | RegExp][] = [
    ['an algorithm that nobody knows', balanceSchema, { algorithm: 'fastest' }, /^algorithm: /],
    ['a key that nobody knows', balanceSchema, { mode: 'random' }, /"mode"/],
    ['hash without a key', balanceSchema, { algorithm: 'hash' }, 'hash: algorithm hash needs a key: header, cookie, param or address'],
    ['hash with no key in it', balanceSchema, hash({}), `hash: ${keys}`],
    ['hash by two keys', balanceSchema, hash({ header: 'x-user', address: true }), `hash: ${keys}`],
    ['an address that is not wanted', balanceSchema, hash({ address: false }), /^hash\.address: /],
    ['a header that is no field name', balanceSchema, hash({ header: 'x user' }), 'hash.header: is not a field name'],
    ['a cookie that is no name', balanceSchema, hash({ cookie: 'a;b' }), 'hash.cookie: is not a cookie name'],
    ['a key for another algorithm', balanceSchema, { algorithm: 'random', hash: { address: true } }, 'hash: has no effect with algorithm random: leave it out, or choose hash'],
    ['a key for the default algorithm', balanceSchema, { hash: { address: true } }, 'hash: has no effect with algorithm round-robin: leave it out, or choose hash'],
    ['a threshold above 100', balanceSchema, { panicThreshold: 101 }, /^panicThreshold: /],
    ['a threshold that is no whole number', balanceSchema, { panicThreshold: 0.5 }, /^panicThreshold: /],
    ['a slow start without a unit', balanceSchema, { slowStart: '30' }, /^slowStart: is not a duration/],
    ['a zone without a name', balanceSchema, { zone: '' }, /^zone: /],
    ['a sticky cookie that is no name', stickySchema, { cookie: 'a b', secret }, 'cookie: is not a cookie name'],
    ['no secret', stickySchema, { cookie: 'at' }, /^secret: /],
    ['no cookie', stickySchema, { secret }, /^cookie: /],
  ]; // biome-ignore format: a table
  for (const [title, schema, value, complaint] of table) {
    test(title, () => {
      const [first, ...others] = complaints(schema, value);
      assert.deepEqual(others, []);
      if (typeof complaint === 'string') assert.equal(first, complaint);
      else assert.match(first ?? '', complaint);
    });
  }
});
