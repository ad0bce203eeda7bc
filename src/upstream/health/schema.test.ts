import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { problemsFromIssues } from '../../control/config/issues.ts';
import { activeHealthSchema } from './schema.ts';

const SCHEDULE = { interval: 10_000, timeout: 2000, jitter: 10, healthyAfter: 2, unhealthyAfter: 3 };

suite('the settings of active checks', () => {
  test('are a GET of / that any 2xx passes, where nothing is said', () => {
    assert.deepEqual(activeHealthSchema.parse({}), {
      type: 'http',
      path: '/',
      method: 'GET',
      headers: {},
      status: ['2xx'],
      ...SCHEDULE,
    });
  });

  test('of type tcp are a schedule and a port', () => {
    assert.deepEqual(activeHealthSchema.parse({ type: 'tcp', port: 9000 }), {
      type: 'tcp',
      port: 9000,
      ...SCHEDULE,
    });
  });

  const NO_PATH =
    'path: is not a path to ask for: it begins with /, such as /healthz, and has no spaces and no #';
  for (const [title, input, problem] of [
    ['a path without a slash', { path: 'healthz' }, NO_PATH],
    ['a path with a space', { path: '/a b' }, NO_PATH],
    ['a path with a fragment', { path: '/a#b' }, NO_PATH],
    ['a path with a line break', { path: '/a\r\nb' }, NO_PATH],
    ['another type', { type: 'ping' }, 'type: is not http or tcp'],
    [
      'a path of a TCP check',
      { type: 'tcp', path: '/' },
      'path: the key "path" does not go with what else is written here',
    ],
    [
      'a status that is none',
      { status: ['ok'] },
      'status.0: is not a status from 200 to 599, a class or a range: write 200, 2xx or 200-299',
    ],
    [
      'a range that is upside down',
      { status: ['299-200'] },
      'status.0: is not a status from 200 to 599, a class or a range: write 200, 2xx or 200-299',
    ],
    ['a status that is an interim one', { status: [101] }, 'status.0: is too small: at least 200'],
    ['no status at all', { status: [] }, 'status: must not be empty'],
    ['an interval of nothing', { interval: '0s' }, 'interval: is too short: at least 100ms'],
    [
      'a timeout of nothing',
      { timeout: '0s' },
      'timeout: must be more than nothing: a check that never ends says nothing',
    ],
    [
      'a body that HEAD cannot have',
      { method: 'HEAD', body: 'ok' },
      'body: cannot be found: an answer to HEAD has no body',
    ],
    [
      'a field that the check writes itself',
      { headers: { host: 'a' } },
      'headers.host: cannot be set: the check writes it (the Host field is the option `host`)',
    ],
    [
      'a field name in capitals',
      { headers: { Accept: '*/*' } },
      'headers.Accept: is not a field name in small letters',
    ],
    [
      'a field value that would be two lines',
      { headers: { accept: 'a\r\nb: c' } },
      'headers.accept: is not a field value: it has a line break or another control character',
    ],
    ['a host that is none', { host: 'a/b' }, 'host: is not a host name'],
  ] as const) {
    test(`refuse ${title}`, () => {
      const { error } = activeHealthSchema.safeParse(input);
      const problems = problemsFromIssues(error?.issues ?? [], input, activeHealthSchema);
      assert.deepEqual(
        problems.map(({ path, message }) => `${path.join('.')}: ${message}`),
        [problem],
      );
    });
  }
});
