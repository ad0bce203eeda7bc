import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { TestExchange } from '../../test/support/exchange.ts';
import { principal } from '../../test/support/principal.ts';
import { isFieldValue } from '../http/fields.ts';
import { escapedList, escapeText } from './escaped.ts';
import { decodePercent } from './percent.ts';
import { compileTemplate, Template } from './template.ts';

const CALLER = principal({
  method: 'jwt',
  consumer: 'alice',
  subject: '7f/3 é',
  issuer: 'https://id.example.com',
  session: 's1',
  scopes: ['read', 'two words'],
  groups: ['staff', 'a,admin'],
  roles: ['editor'],
  claims: {
    name: 'Zoë\r\nX-Admin: true',
    email: 'zoe@example.com',
    level: 3,
    verified: false,
    nothing: null,
    teams: ['a', 'b,c', 4],
    address: { country: 'CH', 'a.b': 'dotted' },
    'https://example.com/tier': 'gold',
    percent: '100%',
    slash: '../admin?x=1#y',
  },
});

function rendered(
  text: string,
  how: 'render' | 'renderPath' | 'renderQuery' | 'renderText',
  known = true,
): string {
  const template = compileTemplate(text);
  assert.ok(template instanceof Template);
  const exchange = Object.assign(new TestExchange({}), { principal: known ? CALLER : undefined });
  if (how === 'renderText') return template.renderText(exchange, (value) => value);
  return template[how](exchange) ?? 'missing';
}

suite('what is known of the caller in a template', () => {
  for (const [text, field, path, query, plain] of [
    ['${principal.consumer}', 'alice', 'alice', 'alice', 'alice'],
    ['${principal.subject}', '7f/3 %C3%A9', '7f%2F3%20%C3%A9', '7f/3%20%C3%A9', '7f/3 é'],
    ['${principal.scopes}', 'read two%20words', 'read%20two%20words', 'read%20two%20words', 'read two words'],
    ['${principal.groups}', 'staff,a%2Cadmin', 'staff,a%2Cadmin', 'staff,a%2Cadmin', 'staff,a,admin'],
    ['${principal.roles}', 'editor', 'editor', 'editor', 'editor'],
    [
      '${claims.name}',
      'Zo%C3%AB%0D%0AX-Admin: true',
      'Zo%C3%AB%0D%0AX-Admin:%20true',
      'Zo%C3%AB%0D%0AX-Admin:%20true',
      'Zoë\r\nX-Admin: true',
    ],
    ['${claims.level}', '3', '3', '3', '3'],
    ['${claims.verified}', 'false', 'false', 'false', 'false'],
    ['${claims.nothing}', '', 'missing', '', ''],
    ['${claims.none}', '', 'missing', '', ''],
    ['${claims.constructor}', '', 'missing', '', ''],
    ['${claims.teams}', 'a,b%2Cc,4', 'a,b%2Cc,4', 'a,b%2Cc,4', 'a,b,c,4'],
    ['${claims.address.country}', 'CH', 'CH', 'CH', 'CH'],
    ['${claims.address.a.b}', 'dotted', 'dotted', 'dotted', 'dotted'],
    ['${claims.https://example.com/tier}', 'gold', 'gold', 'gold', 'gold'],
    ['${claims.percent}', '100%25', '100%25', '100%25', '100%'],
    ['${claims.slash}', '../admin?x=1#y', '..%2Fadmin%3Fx=1%23y', '../admin?x%3D1%23y', '../admin?x=1#y'],
  ] as const) {
    test(text, () => {
      assert.equal(rendered(text, 'render'), field);
      assert.equal(rendered(text, 'renderPath'), path);
      assert.equal(rendered(text, 'renderQuery'), query);
      assert.equal(rendered(text, 'renderText'), plain);
      assert.equal(rendered(text, 'render', false), '', 'nobody is known');
    });
  }

  test('an object is JSON', () => {
    assert.equal(rendered('${claims.address}', 'render'), '{"country":"CH","a.b":"dotted"}');
  });
});

test('any text can stand in a field, and is what it was when it is decoded', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const escaped = escapeText(text);
      assert.ok(isFieldValue(`<${escaped}>`));
      assert.equal(decodePercent(escaped, false), text);
    }),
  );
});

test('a list has as many items as there are, whatever is in them', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1 }), (items) => {
      for (const separator of [',', ' '] as const) {
        const parts = escapedList(items, separator).split(separator);
        assert.deepEqual(
          parts.map((part) => decodePercent(part, false)),
          items,
        );
      }
    }),
  );
});
