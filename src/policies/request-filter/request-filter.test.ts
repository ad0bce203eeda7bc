import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor, type RequestDescription } from '../../../test/support/exchange.ts';
import { buildTextTable } from '../../lib/text-table.ts';
import { AddressLists } from '../address-lists.ts';
import { validatePolicyUse } from '../compile.ts';
import { RequestFilter } from './request-filter.ts';
import { requestFilterSchema } from './schema.ts';

const LISTS = new AddressLists({
  bots: { kind: 'texts', digest: '', table: buildTextTable(['BadBot/1.0', 'curl/7'], 'texts') },
  old: { kind: 'prefixes', digest: '', table: buildTextTable(['/v1/', '/v1/users', '/legacy/'], 'prefixes') },
});

function filter(options: object, events: string[] = []): RequestFilter {
  const count = (event: string) => events.push(event);
  return new RequestFilter(requestFilterSchema.parse(options), {
    count,
    textList: (name) => LISTS.textsNamed(name),
  });
}

const verdict = (policy: RequestFilter, request: RequestDescription): string =>
  policy.onRequest(exchangeFor(request))?.code ?? 'passes';

const agent = (value: string): RequestDescription => ({ headers: { 'User-Agent': value } });

describe('A rule takes a request', () => {
  const CASES: [title: string, rule: object, request: RequestDescription, taken: boolean][] = [
    ['of its method', { methods: ['TRACE', 'PUT'] }, { method: 'PUT' }, true],
    ['not of another method', { methods: ['TRACE', 'PUT'] }, { method: 'GET' }, false],
    ['with HEAD where it names GET', { methods: ['GET'] }, { method: 'HEAD' }, true],
    ['of its path', { path: '/admin' }, { url: '/admin?x=1' }, true],
    ['not of a path below', { path: '/admin' }, { url: '/admin/x' }, false],
    ['of a path with its prefix', { path: { prefix: '/admin/' } }, { url: '/admin/x' }, true],
    ['not of a path without it', { path: { prefix: '/admin/' } }, { url: '/x/admin/' }, false],
    ['of a path with its pattern', { path: { pattern: '\\.(php|asp)$' } }, { url: '/a/index.php' }, true],
    ['not of a path without it', { path: { pattern: '\\.(php|asp)$' } }, { url: '/php/index.phtml' }, false],
    [
      'whose field is there',
      { headers: { 'x-debug': { present: true } } },
      { headers: { 'X-Debug': '' } },
      true,
    ],
    ['not without the field', { headers: { 'x-debug': { present: true } } }, {}, false],
    ['whose field is not there', { headers: { 'x-key': { present: false } } }, {}, true],
    [
      'not with the field',
      { headers: { 'x-key': { present: false } } },
      { headers: { 'x-key': '1' } },
      false,
    ],
    ['whose field has the value', { headers: { 'x-a': 'yes' } }, { headers: { 'x-a': 'yes' } }, true],
    ['not with another value', { headers: { 'x-a': 'yes' } }, { headers: { 'x-a': 'Yes' } }, false],
    [
      'whose field begins so',
      { headers: { 'x-a': { prefix: 'v1.' } } },
      { headers: { 'x-a': 'v1.2' } },
      true,
    ],
    [
      'whose field has the pattern',
      { headers: { 'x-a': { pattern: '^\\d+$' } } },
      { headers: { 'x-a': '12' } },
      true,
    ],
    ['not whose field is not there', { headers: { 'x-a': { pattern: '.*' } } }, {}, false],
    [
      'whose user agent has the pattern',
      { userAgent: { pattern: '(?i)sqlmap|nikto' } },
      agent('SQLMap/1.8'),
      true,
    ],
    ['not with another user agent', { userAgent: { pattern: '(?i)sqlmap|nikto' } }, agent('curl/8'), false],
    ['whose user agent stands in a list', { userAgent: { list: 'bots' } }, agent('curl/7'), true],
    ['not whose user agent only begins so', { userAgent: { list: 'bots' } }, agent('curl/7.88'), false],
    ['whose path begins as a list has it', { path: { list: 'old' } }, { url: '/v1/users/7' }, true],
    ['not whose path does not', { path: { list: 'old' } }, { url: '/v11/users' }, false],
    [
      'whose field stands in a list',
      { methods: ['GET'], headers: { 'x-a': { list: 'bots' } } },
      { headers: { 'X-A': 'curl/7' } },
      true,
    ],
    ['whose field is spelled with _', { headers: { 'x-a': '1' } }, { headers: { X_A: '1' } }, true],
    [
      'whose user agent is spelled so',
      { userAgent: { prefix: 'nikto' } },
      { headers: { User_Agent: 'nikto/2' } },
      true,
    ],
    [
      'by a name with _, however it is sent',
      { headers: { x_a_b: '1' } },
      { headers: { 'X-A_B': '1' } },
      true,
    ],
    ['by a name with _ that is sent so', { headers: { _x_a: '1' } }, { headers: { _X_A: '1' } }, true],
    [
      'not where such a field is there after all',
      { headers: { 'x-a': { present: false } } },
      { headers: { X_A: '1' } },
      false,
    ],
    ['without user agent', { userAgent: { present: false } }, {}, true],
    [
      'not where a field has the value whose name only begins so',
      { headers: { 'x-a': 'bad' } },
      {
        headers: [
          ['x-a', 'good'],
          ['x-ab', 'bad'],
        ],
      },
      false,
    ],
    [
      'for which all conditions hold',
      { methods: ['POST'], path: { prefix: '/api/' }, headers: { 'x-a': '1', 'x-b': { present: true } } },
      { method: 'POST', url: '/api/x', headers: { 'x-a': '1', 'x-b': '2' } },
      true,
    ],
    [
      'not where one of them does not',
      { methods: ['POST'], path: { prefix: '/api/' }, headers: { 'x-a': '1', 'x-b': { present: true } } },
      { method: 'POST', url: '/api/x', headers: { 'x-a': '1' } },
      false,
    ],
  ];
  for (const [title, rule, request, taken] of CASES) {
    it(title, () => {
      assert.equal(verdict(filter({ deny: [rule] }), request), taken ? 'forbidden_request' : 'passes');
      assert.equal(verdict(filter({ allow: [rule] }), request), taken ? 'passes' : 'forbidden_request');
    });
  }
});

describe('A field that is sent several times', () => {
  const rule = { headers: { 'x-a': 'named' } };
  const twice = (...values: string[]): RequestDescription => ({
    headers: [...values.map((value) => ['x-a', value] as const), ['x-b', 'named']],
  });

  it('is denied for one of its values', () => {
    const policy = filter({ deny: [rule] });
    for (const values of [twice('named', 'other'), twice('other', 'named'), twice('named', 'named')])
      assert.equal(verdict(policy, values), 'forbidden_request');
    assert.equal(verdict(policy, twice('other', 'another')), 'passes');
  });

  it('counts one that is spelled with _ as one more', () => {
    const both: RequestDescription = {
      headers: [
        ['x-a', 'other'],
        ['x_a', 'named'],
      ],
    };
    assert.equal(verdict(filter({ deny: [rule] }), both), 'forbidden_request');
    assert.equal(verdict(filter({ allow: [{ headers: { 'x-a': 'other' } }] }), both), 'forbidden_request');
  });

  it('is allowed for all of its values: a service may read any of them', () => {
    const policy = filter({ allow: [rule] });
    for (const values of [twice('named', 'other'), twice('other', 'named')])
      assert.equal(verdict(policy, values), 'forbidden_request');
    assert.equal(verdict(policy, twice('named', 'named')), 'passes');
  });
});

describe('A filter', () => {
  const INTERNAL = { path: { prefix: '/internal/' } };
  const STATUS = { path: '/internal/status' };

  it('with both denies what both take', () => {
    const policy = filter({ allow: [INTERNAL], deny: [STATUS] });
    assert.equal(verdict(policy, { url: '/internal/x' }), 'passes');
    assert.equal(verdict(policy, { url: '/internal/status' }), 'forbidden_request');
    assert.equal(verdict(policy, { url: '/' }), 'forbidden_request');
  });

  it('that prefers allow makes exceptions from deny', () => {
    const policy = filter({ allow: [STATUS], deny: [INTERNAL], prefer: 'allow' });
    assert.equal(verdict(policy, { url: '/internal/x' }), 'forbidden_request');
    assert.equal(verdict(policy, { url: '/internal/status' }), 'passes');
    assert.equal(verdict(policy, { url: '/' }), 'passes');
  });

  it('answers with the code of the first rule that takes the request, or with its own', () => {
    const deny = [
      { userAgent: { pattern: 'nikto' }, code: 'forbidden_scanner' },
      { methods: ['TRACE'] },
      { path: '/x', code: 'forbidden_x' },
    ];
    const policy = filter({ deny, code: 'not_here' });
    assert.equal(verdict(policy, { ...agent('nikto'), url: '/x' }), 'forbidden_scanner');
    assert.equal(verdict(policy, { method: 'TRACE', url: '/x' }), 'not_here');
    assert.equal(verdict(policy, { url: '/x' }), 'forbidden_x');
    assert.equal(verdict(filter({ allow: [STATUS], code: 'not_here' }), { url: '/x' }), 'not_here');
  });

  it('answers 403, and makes no answer for a request', () => {
    const policy = filter({ deny: [STATUS] });
    const answer = policy.onRequest(exchangeFor({ url: '/internal/status' }));
    assert.deepEqual(answer, {
      status: 403,
      code: 'forbidden_request',
      detail: 'Requests like this one are not accepted here.',
    });
    assert.equal(policy.onRequest(exchangeFor({ url: '/internal/status' })), answer);
  });

  it('that reports counts what it would refuse, and lets it pass', () => {
    const events: string[] = [];
    const policy = filter({ deny: [STATUS], report: true }, events);
    assert.equal(verdict(policy, { url: '/internal/status' }), 'passes');
    assert.equal(verdict(policy, { url: '/' }), 'passes');
    assert.deepEqual(events, ['reported_request']);
  });

  it('is not stalled by a pattern that makes other engines try every way', () => {
    const policy = filter({ deny: [{ headers: { 'x-a': { pattern: '^(a+)+$' } } }] });
    const begun = performance.now();
    assert.equal(verdict(policy, { headers: { 'x-a': `${'a'.repeat(30_000)}b` } }), 'passes');
    // Others take longer than the universe is old.
    assert.ok(performance.now() - begun < 2000);
  });
});

describe('Options', () => {
  const NO_CONDITION = 'has no condition: it would take every request';
  for (const [options, path, message] of [
    [{}, '', 'needs allow, deny or both'],
    [{ deny: [{}] }, 'deny.0', NO_CONDITION],
    [{ deny: [{ code: 'x' }] }, 'deny.0', NO_CONDITION],
    [{ allow: [{ headers: {} }] }, 'allow.0', NO_CONDITION],
    [
      { allow: [{ path: '/x', code: 'y' }] },
      'allow.0.code',
      'is not a known option: the options are methods, path, headers, userAgent',
    ],
    [
      { deny: [{ path: { pattern: '(' } }] },
      'deny.0.path.pattern',
      'is not a pattern: missing closing ): `(`',
    ],
    [
      { deny: [{ path: { pattern: 'a(?=b)' } }] },
      'deny.0.path.pattern',
      'is not a pattern: invalid or unsupported Perl syntax: `(?=`',
    ],
    [
      { deny: [{ path: '/x', code: 'No way' }] },
      'deny.0.code',
      'is not a code: write small letters, digits and _, such as forbidden_scanner',
    ],
    [{ deny: [{ headers: { 'X-A': 'b' } }] }, 'deny.0.headers.X-A', 'is not a field name in small letters'],
    [
      { deny: [{ headers: { 'x-a': '1', x_a: '2' } }] },
      'deny.0.headers.x_a',
      'is the field x-a: many services read - and _ in a name alike, and so does this policy',
    ],
    [
      { deny: [{ path: { list: 'bots' } }] },
      '',
      'the policy request-filter cannot be made: there is no list "bots"',
    ],
    [
      { allow: [{ path: '/a' }, { path: '/b' }], deny: [{ path: '/b', code: 'x' }] },
      'deny.0',
      'is allowed too: allow[1] has the same conditions',
    ],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const problems = await validatePolicyUse({ name: 'request-filter', options });
      assert.deepEqual(
        problems.map((problem) => [problem.path.join('.'), problem.message]),
        [[path, message]],
      );
    });
  }
});
