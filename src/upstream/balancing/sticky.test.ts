import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { Fields } from '../../http/fields.ts';
import { endpointsOf, type FakeEndpoint } from './balancing.support.ts';
import { stickySchema } from './schema.ts';
import { Sticky } from './sticky.ts';

const SECRET = 'sixteen characters at least';

interface Variation {
  readonly service?: string;
  readonly secret?: string;
  readonly maxAge?: string;
}

function stickyOf(
  endpoints: readonly FakeEndpoint[],
  { service = 'orders', secret = SECRET, ...rest }: Variation = {},
): Sticky<FakeEndpoint> {
  const sticky = new Sticky<FakeEndpoint>(service, stickySchema.parse({ cookie: 'at', secret, ...rest }));
  sticky.update(endpoints);
  return sticky;
}

const request = (cookie: string) => Fields.from({ cookie });

/** The pair of name and value that a client sends back. */
function pairOf(sticky: Sticky<FakeEndpoint>, endpoint: FakeEndpoint): string {
  return sticky.setCookie(endpoint, false)?.split(';')[0] as string;
}

suite('a client that was sent to a target', () => {
  test('stays there', () => {
    const endpoints = endpointsOf(1, 1, 1);
    const sticky = stickyOf(endpoints);
    for (const endpoint of endpoints) {
      const pair = pairOf(sticky, endpoint);
      assert.equal(sticky.find(request(pair)), endpoint);
      assert.equal(sticky.find(request(`theme=dark; ${pair}; lang=en`)), endpoint);
    }
  });

  test('stays there in another worker, after a restart, and when the list changes', () => {
    const pair = pairOf(stickyOf(endpointsOf(1, 1)), endpointsOf(1)[0] as FakeEndpoint);
    const others = endpointsOf(1, 1, 1, 1);
    assert.equal(stickyOf(others).find(request(pair)), others[0]);
  });

  test('moves when its target is gone, and comes back with it only if it has not been sent elsewhere', () => {
    const [a, b] = endpointsOf(1, 1) as [FakeEndpoint, FakeEndpoint];
    const sticky = stickyOf([a, b]);
    const pair = pairOf(sticky, a);
    sticky.update([b]);
    assert.equal(sticky.find(request(pair)), undefined);
    assert.equal(sticky.setCookie(a, false), undefined);
    sticky.update([a, b]);
    assert.equal(sticky.find(request(pair)), a);
  });

  test('who sends no cookie is at no target', () => {
    assert.equal(stickyOf(endpointsOf(1)).find(new Fields()), undefined);
  });
});

suite('the cookie', () => {
  const [a] = endpointsOf(1) as [FakeEndpoint];

  // As computed by OpenSSL.
  test('is HMAC-SHA256 of service and target in base64url, and tells neither', () => {
    assert.equal(
      stickyOf([a]).setCookie(a, false),
      'at=WjyxE1GU32HxlTyuP2AkHbOSciZObUdSHMthhtFHOss; Path=/; HttpOnly; SameSite=Lax',
    );
  });

  test('is sent by https alone where it was set by https', () => {
    assert.match(
      stickyOf([a]).setCookie(a, true) ?? '',
      /^at=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
  });

  for (const [maxAge, attribute] of [
    ['1h', '; Max-Age=3600'],
    ['1500ms', '; Max-Age=2'],
    ['0s', ''],
  ] as const) {
    test(`lives for ${maxAge}`, () => {
      const cookie = stickyOf([a], { maxAge }).setCookie(a, false);
      assert.equal(cookie?.slice('at='.length + 43), `; Path=/${attribute}; HttpOnly; SameSite=Lax`);
    });
  }
});

suite('a cookie names no target', () => {
  const endpoints = endpointsOf(1, 1);
  const sticky = stickyOf(endpoints);
  const [first, second] = endpoints.map((endpoint) => pairOf(sticky, endpoint).slice('at='.length)) as [
    string,
    string,
  ];
  const flipped = (at: number) =>
    `${first.slice(0, at)}${first[at] === 'A' ? 'B' : 'A'}${first.slice(at + 1)}`;
  const foreign = (variation: Variation) =>
    pairOf(stickyOf(endpoints, variation), endpoints[0] as FakeEndpoint);

  const table: readonly [title: string, cookie: string][] = [
    ['that is empty', 'at='],
    ['whose first character was changed', `at=${flipped(0)}`],
    ['whose last character of the index was changed', `at=${flipped(10)}`],
    ['whose first character of the proof was changed', `at=${flipped(11)}`],
    ['whose last character was changed', `at=${flipped(42)}`],
    ['that was cut', `at=${first.slice(0, 42)}`],
    ['that was made longer', `at=${first}A`],
    ['that is index and proof of two targets', `at=${first.slice(0, 11)}${second.slice(11)}`],
    ['with the index alone', `at=${first.slice(0, 11)}`],
    ['in quotes', `at="${first}"`],
    ['with a space before its value', `at= ${first}`],
    ['whose value has octets beyond ASCII', `at=${first.slice(0, 42)}\xff`],
    ['in capital letters', `at=${first.toUpperCase()}`],
    ['of another name', `att=${first}`],
    ['of the name in other letters', `AT=${first}`],
    ['after another of the same name', `at=x; at=${first}`],
    ['that is the target’s name', 'at=a'],
    ['that is a property of objects', 'at=__proto__'],
    ['signed with another secret', foreign({ secret: 'another secret of enough length' })],
    ['of another service', foreign({ service: 'billing' })],
    ['that is very long', `at=${'A'.repeat(60_000)}`],
    ['among very many', 'a=b; '.repeat(12_000)],
  ];
  for (const [title, cookie] of table) {
    test(title, () => assert.equal(sticky.find(Fields.from({ cookie: cookie.trim() })), undefined));
  }

  test('unless it is exactly one that was given out', () => {
    const given = new Set([first, second]);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constantFrom(first, second),
          fc.string({ unit: fc.constantFrom('A', 'z', '0', '-', '_'), minLength: 43, maxLength: 43 }),
          fc
            .tuple(fc.constantFrom(first, second), fc.nat(42), fc.constantFrom('A', '_', '\xe9', '='))
            .map(([value, at, character]) => value.slice(0, at) + character + value.slice(at + 1)),
        ),
        (value) => {
          const found = sticky.find(new Fields(['cookie', 'Cookie', `at=${value}`]));
          assert.equal(found !== undefined, given.has(value));
        },
      ),
    );
  });
});
