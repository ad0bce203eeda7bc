import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { TestExchange } from '../../../test/support/exchange.ts';
import { principal } from '../../../test/support/principal.ts';
import { compileExpression, Expression } from './expression.ts';

function compiled(text: string): Expression {
  const expression = compileExpression(text);
  if (expression instanceof Expression) return expression;
  throw new Error(expression.message);
}

suite('an expression', () => {
  const exchange = new TestExchange({
    method: 'PUT',
    url: '/orders/7%20a?tag=a%20b&two=1&%74wo=2',
    headers: [
      ['X-Kind', 'big'],
      ['X-Kind', 'red'],
    ],
    params: { id: '7%20a' },
    clientAddress: '192.0.2.7',
  });
  const alice = principal({
    consumer: 'alice',
    groups: ['staff'],
    scopes: ['read', 'write'],
    claims: {
      org: 'x',
      level: 3,
      teams: ['a', 'b'],
      address: { country: 'CH' },
      verified: true,
      nothing: null,
    },
  });
  const table: [text: string, holds: boolean | RegExp][] = [
    ['claims.org == "x" && request.method in ["GET", "PUT"]', true],
    ['principal.claims.org == "y"', false],
    ['principal.consumer == "alice" && "staff" in principal.groups && "write" in principal.scopes', true],
    ['claims.level >= 3 && claims.level == 3', true],
    ['claims.teams.exists(t, t == "b") && claims.address.country == "CH" && claims.verified', true],
    ['claims.nothing == null && has(claims.org) && !has(claims.missing)', true],
    ['claims.?missing.orValue("none") == "none"', true],
    ['claims.missing == "x"', /^No such key: missing \(character 8\)$/],
    ['claims.missing == "x" || claims.org == "x"', true],
    ['claims.constructor == "x"', /No such key: constructor/],
    ['claims.org', /^Error: |neither true nor false/],
    [
      'request.path == "/orders/7%20a" && request.host == "api.example.com" && request.scheme == "http"',
      true,
    ],
    ['request.headers["x-kind"] == "big, red" && !("x-other" in request.headers)', true],
    ['request.query["tag"] == "a b"', true],
    ['request.query.two == "1"', /^the query has two more than once$/],
    ['!("two" in request.query)', /^the query has two more than once$/],
    ['request.params.id == "7 a" && request.params["id"] == "7 a" && !has(request.params.other)', true],
    ['client.address.startsWith("192.0.2.")', true],
    ['request.path.matches("^/orders/[0-9]+%20a$") && !request.path.matches("x")', true],
    ['size(principal.roles) == 0', true],
  ];
  for (const [text, expected] of table) {
    test(text, () => {
      const expression = compiled(text);
      if (typeof expected === 'boolean') assert.equal(expression.holds(exchange, alice), expected);
      else assert.throws(() => expression.holds(exchange, alice), { message: expected });
    });
  }

  test('knows whether it looks at the principal alone', () => {
    for (const [text, isOfPrincipal] of [
      ['claims.org == "x" && principal.scopes.exists(s, s == "a")', true],
      ['claims.org == "x" && request.method == "GET"', false],
      ['client.address == "192.0.2.1"', false],
    ] as const)
      assert.equal(compiled(text).isOfPrincipal, isOfPrincipal, text);
  });

  test('takes its time once for a query, however often it looks at it, and not for a long one', () => {
    const expression = compiled('request.query.all(a, request.query.all(b, request.query[b] == ""))');
    const search = (length: number) => Array.from({ length }, (_, i) => `p${i}`).join('&');
    const started = performance.now();
    assert.equal(expression.holds(new TestExchange({ url: `/?${search(256)}` }), alice), true);
    assert.ok(performance.now() - started < 2000);
    assert.throws(() => expression.holds(new TestExchange({ url: `/?${search(257)}` }), alice), {
      message: 'the query has more than 256 parameters',
    });
  });

  test('takes a time that grows with the text alone, whatever its pattern', () => {
    const expression = compiled('request.path.matches("^/(a+)+$")');
    const started = performance.now();
    assert.equal(expression.holds(new TestExchange({ url: `/${'a'.repeat(5000)}!` }), alice), false);
    assert.ok(performance.now() - started < 2000);
  });
});

suite('what loops cost is counted', () => {
  const TOO_MUCH = 'the expression goes through more than it may for one request';
  const many = Array.from({ length: 2000 }, (_, i) => `g${i}`);
  const someone = principal({
    groups: many,
    claims: { list: many, text: `${'a'.repeat(8000)}b` },
  });
  const exchange = new TestExchange({
    url: `/?${many
      .slice(0, 256)
      .map((name) => `${name}=1`)
      .join('&')}`,
  });
  for (const [text, expected] of [
    ['principal.groups.exists(a, a == "g1999")', true],
    ['principal.groups.all(a, a in claims.list)', true],
    ['["a", "b"].exists(a, principal.groups.exists(b, a == b))', false],
    ['request.query.all(a, request.query.exists(b, a == b))', true],
    ['principal.groups.all(a, principal.groups.all(b, a != "" || b != ""))', TOO_MUCH],
    ['principal.groups.exists(a, claims.list.exists(b, b in principal.groups && a == ""))', TOO_MUCH],
    ['claims.list.map(a, claims.list.map(b, a + b)).size() > 0', TOO_MUCH],
    ['claims.list.exists_one(a, claims.list.filter(b, b == a).size() == 2)', TOO_MUCH],
    ['claims.list.exists(a, claims.text.matches("c$"))', TOO_MUCH],
    // What CEL passes over where something else decides does not decide here.
    ['claims.list.exists(a, claims.list.exists(b, a + b == "")) || true', TOO_MUCH],
  ] as const)
    test(`${text}: ${expected}`, () => {
      const expression = compiled(text);
      for (let i = 0; i < 2; i++) {
        const holds = () => expression.holds(exchange, someone);
        if (typeof expected === 'boolean') assert.equal(holds(), expected);
        else assert.throws(holds, { message: expected });
      }
    });
});

suite('a text that is no expression is refused with the place and what was probably meant', () => {
  const deep = (loops: number) =>
    Array.from({ length: loops }, (_, i) => `claims.a.all(x${i}, `).join('') + 'true' + ')'.repeat(loops);
  for (const [text, message] of [
    ['claims.org ==', 'unexpected token: EOF (character 14)'],
    ['claims.org === "x"', 'unexpected character: = (character 14): did you mean ==?'],
    ['claims.org & true', 'unexpected character: & (character 12): did you mean &&?'],
    ['claim.org == "x"', 'unknown variable: claim (character 1): did you mean claims?'],
    ['true && requst.method == "GET"', 'unknown variable: requst (character 9): did you mean request?'],
    ['request.metod == "GET"', 'no such key: metod (character 9): did you mean method?'],
    ['principal.scope == "a"', 'no such key: scope (character 11): did you mean scopes?'],
    ['request.method == 1', 'no such overload: string == int (character 1)'],
    ['request.method', 'is of type string, not true or false (character 1)'],
    ['allowed(principal)', "found no matching overload for 'allowed(Principal)' (character 1)"],
    ['request.path.matches(claims.pattern)', 'the pattern of matches has to be written out (character 22)'],
    ['request.path.matches("(a")', 'is not a pattern: missing closing ): `(a` (character 22)'],
    [
      'request.path.matches("(?=a)")',
      'is not a pattern: invalid or unsupported Perl syntax: `(?=` (character 22)',
    ],
    [deep(3), 'has more than 2 loops in each other (character 35)'],
    ['x'.repeat(5000), 'is longer than 4096 characters (character 4097)'],
  ] as const) {
    test(text.slice(0, 60), () => {
      const result = compileExpression(text);
      assert.ok(!(result instanceof Expression));
      assert.equal(result.message, message);
    });
  }

  test('loops in each other up to the bound are taken', () => {
    assert.ok(compileExpression(deep(2)) instanceof Expression);
  });
});
