import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exchangeFor, type RequestDescription } from '../../test/support/exchange.ts';
import { isFieldValue } from '../http/fields.ts';
import { compileTemplate, Template, TemplateError } from './template.ts';

function compiled(text: string): Template {
  const result = compileTemplate(text);
  assert.ok(result instanceof Template, result instanceof TemplateError ? result.message : '');
  return result;
}

const REQUEST: RequestDescription = {
  id: '01HZ',
  method: 'PATCH',
  url: 'https://api.example.com:8443/users/a%2Fb;v=1/x?q=x%20y+z&empty=&%74oken=s%26t',
  headers: [
    ['X-Team', 'blue'],
    ['x-team', 'red'],
    ['X-Name', 'caf\xc3\xa9 & "co"'],
  ],
  clientAddress: '198.51.100.7',
  params: { id: 'a%2Fb;v=1' },
  routeName: 'users',
  serviceName: 'people',
};

for (const [text, expected] of [
  ['', ''],
  ['plain $ { } text', 'plain $ { } text'],
  ['${client.address}', '198.51.100.7'],
  ['${request.id}', '01HZ'],
  ['${request.method}', 'PATCH'],
  ['${request.scheme}', 'https'],
  ['${request.host}', 'api.example.com'],
  ['${request.path}', '/users/a%2Fb;v=1/x'],
  ['${route}>${service}', 'users>people'],
  ['${header.x-team}', 'blue'],
  ['${header.X-Team}', 'blue'],
  ['[${header.x-none}]', '[]'],
  ['${query.q}', 'x%20y+z'],
  ['${query.token}', 's%26t'],
  ['[${query.empty}${query.none}]', '[]'],
  ['${path.id}', 'a%2Fb;v=1'],
  ['[${path.none}]', '[]'],
  ['[${path.constructor}]', '[]'],
  ['$${request.id}', '${request.id}'],
  ['a$${b}c${request.id}d', 'a${b}c01HZd'],
  ['$${${request.id}}', '${01HZ}'],
  ['$$$${', '$$${'],
  ['$', '$'],
] as const) {
  test(`${text} is rendered as ${expected}`, () => {
    assert.equal(compiled(text).render(exchangeFor(REQUEST)), expected);
  });
}

test('the service is empty for an answer made here', () => {
  assert.equal(compiled('[${service}]').render(exchangeFor()), '[]');
});

test('a text without variables is constant', () => {
  assert.equal(compiled('a$${b').constant, 'a${b');
  assert.equal(compiled('a${route}').constant, undefined);
});

for (const [text, inPath, inQuery, inText] of [
  ['${path.id}', 'a%2Fb;v=1', 'a%2Fb%3Bv%3D1', 'a/b;v=1'],
  ['${request.path}', '/users/a%2Fb;v=1/x', '/users/a%2Fb%3Bv%3D1/x', '/users/a/b;v=1/x'],
  ['${query.q}', 'x%20y%20z', 'x%20y%20z', 'x y z'],
  ['${query.token}', 's%26t', 's%26t', 's&t'],
  ['${header.x-name}', 'caf%C3%A9%20&%20%22co%22', 'caf%C3%A9%20%26%20%22co%22', 'café & "co"'],
] as const) {
  test(`${text} stays one value in a path, in a query and in a text`, () => {
    const exchange = exchangeFor(REQUEST);
    assert.equal(compiled(text).renderPath(exchange), inPath);
    assert.equal(compiled(text).renderQuery(exchange), inQuery);
    assert.equal(
      compiled(text).renderText(exchange, (value) => value),
      inText,
    );
  });
}

const ALL =
  'client.address, request.id, request.method, request.scheme, request.host, request.path, route, service, principal.consumer, principal.subject, principal.issuer, principal.method, principal.session, principal.scopes, principal.groups, principal.roles, header.<name>, query.<name>, path.<capture>, claims.<name>';

for (const [text, position, message] of [
  ['a${b', 1, '${ has no closing brace; for the characters themselves write $${ (character 2)'],
  [
    '${clent.address}',
    0,
    'there is no variable clent.address (character 1): did you mean ${client.address}?',
  ],
  ['x ${client.ip}', 2, 'there is no variable client.ip (character 3): did you mean ${client.address}?'],
  ['${method}', 0, 'there is no variable method (character 1): did you mean ${request.method}?'],
  ['${ route }', 0, 'there is no variable  route  (character 1): did you mean ${route}?'],
  [
    '${request.header.x-a}',
    0,
    'there is no variable request.header.x-a (character 1): did you mean ${header.x-a}?',
  ],
  ['${headers.x-a}', 0, 'there is no variable headers.x-a (character 1): did you mean ${header.x-a}?'],
  ['${header.a b}', 0, `"a b" is not a field name; the variables are ${ALL} (character 1)`],
  ['${header.}', 0, `there is no variable header.; the variables are ${ALL} (character 1)`],
  ['${}', 0, `there is no variable in \${}; the variables are ${ALL} (character 1)`],
  ['${process.env}', 0, `there is no variable process.env; the variables are ${ALL} (character 1)`],
  ['x'.repeat(16_385), 16_384, 'is longer than 16384 characters (character 16385)'],
] as const) {
  test(`${text.slice(0, 30)} is no template`, () => {
    const result = compileTemplate(text);
    assert.ok(result instanceof TemplateError);
    assert.equal(result.position, position);
    assert.equal(result.message, message);
  });
}

const latin1 = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
});
const fieldText = latin1.filter(isFieldValue);
const variable = fc.constantFrom('${header.x-v}', '${query.v}', '${path.v}', '${request.path}');
const literal = fc.constantFrom('', 'a', '-', '$', '$$', ' b ');

test('no value can put CR, LF or another control character into what is rendered', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(literal, variable)), fieldText, fc.string(), (parts, field, any) => {
      const value = encodeURIComponent(Buffer.from(any).toString('latin1'));
      const exchange = exchangeFor({
        url: `/p/${value}?v=${value}`,
        headers: [['X-V', field]],
        params: { v: value },
      });
      const template = compiled(parts.flat().join(''));
      assert.match(template.render(exchange), /^[\x20-\x7e\x80-\xff\t]*$/);
      assert.match((template.renderPath(exchange) ?? '').replaceAll(' ', ''), /^[\x21-\x7e]*$/);
      assert.doesNotMatch(template.renderQuery(exchange), /[&=#+\r\n]/);
    }),
  );
});

test('a template is its literals and values in order, and compiling never throws', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(literal, fc.constantFrom('${request.id}', '$${')), { maxLength: 8 }),
      (parts) => {
        // A `$` before a variable would escape it: that case has its own rows above.
        const pieces = parts.map(([text, end]): [string, string] => [text.replaceAll('$', '%'), end]);
        const expected = pieces.map(([text, end]) => text + (end === '$${' ? '${' : 'ID')).join('');
        assert.equal(compiled(pieces.flat().join('')).render(exchangeFor({ id: 'ID' })), expected);
      },
    ),
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', '.', 'a', 'route', 'header') }), (text) => {
      compileTemplate(text);
    }),
  );
});
