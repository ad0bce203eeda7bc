import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CookieRemover } from '../../http/cookie.ts';
import { Fields } from '../../http/fields.ts';
import { ClientFields } from './client-fields.ts';

const SENT = { 'X-Env': 'prod', Cookie: 'session=s; theme=dark', 'X-Other': 'x' };

suite('Of the fields of a request, what is not the client’s is', () => {
  for (const [title, change, left] of [
    ['nothing at first', () => {}, ''],
    ['what is added', (fields) => fields.push('x-new', 'X-New', '1'), 'X-New: 1\r\n'],
    ['what is set', (fields) => fields.set('X-Env', 'test'), 'X-Env: test\r\n'],
    ['what is put', (fields) => fields.put('x-env', 'X-Env', 'test'), 'X-Env: test\r\n'],
    ['what is set to what the client sent', (fields) => fields.set('X-Env', 'prod'), 'X-Env: prod\r\n'],
    ['what is put to that', (fields) => fields.put('x-env', 'X-Env', 'prod'), 'X-Env: prod\r\n'],
    [
      'what comes with other fields',
      (fields) => fields.pushAll(Fields.from({ 'X-For': 'a' })),
      'X-For: a\r\n',
    ],
    ['not what is left of its cookies', (fields) => new CookieRemover(['session']).takeOff(fields), ''],
    ['not what stays when others go', (fields) => fields.delete('x-other'), ''],
  ] satisfies readonly (readonly [string, (fields: Fields) => unknown, string])[])
    test(title, () => {
      const fields = new ClientFields(Fields.from(SENT));
      change(fields);
      const sent = fields.clone();
      sent.retain(fields.isOthers);
      assert.equal(sent.toLines(), left);
    });
});
