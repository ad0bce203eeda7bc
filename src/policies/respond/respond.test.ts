import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchangeFor, runPolicies } from '../../../test/support/exchange.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';

const compile = (options: unknown) =>
  compilePolicies([{ name: 'respond', options }], { route: 'r', warn: () => {}, policyEvent: () => {} });

const TEXT = 'text/plain; charset=utf-8';

const ANSWERS: readonly (readonly [
  title: string,
  options: object,
  answer: { status: number; headers: object; body?: string },
])[] = [
  ['by default an empty 200', {}, { status: 200, headers: {} }],
  ['a body is plain text', { body: 'hi' }, { status: 200, headers: { 'Content-Type': TEXT }, body: 'hi' }],
  [
    'a body is sent as UTF-8',
    { body: 'grüß ${route}' },
    { status: 200, headers: { 'Content-Type': TEXT }, body: 'grüß route-1' },
  ],
  [
    'status and fields are as written',
    { status: 404, headers: { 'X-A': 'b' } },
    { status: 404, headers: { 'X-A': 'b' } },
  ],
  [
    'fields take values of the request, as sent',
    { status: 302, headers: { Location: '/new?q=${query.q}' } },
    { status: 302, headers: { Location: '/new?q=%3Cb%3E+%22%C3%A9%22' } },
  ],
  [
    'values in plain text are decoded',
    { body: '${query.q}' },
    { status: 200, headers: { 'Content-Type': TEXT }, body: '<b> "é"' },
  ],
  [
    'values in JSON stay within their string',
    { contentType: 'application/problem+json', body: '{"q":"${query.q}","h":"${header.x-h}"}' },
    {
      status: 200,
      headers: { 'Content-Type': 'application/problem+json' },
      body: '{"q":"<b> \\"é\\"","h":"a\\\\b\\tc"}',
    },
  ],
  [
    'values in HTML are text',
    { contentType: 'text/html; charset=utf-8', body: '<p title="${query.q}">' },
    {
      status: 200,
      headers: { 'Content-Type': 'text/html; charset=utf-8' },
      body: '<p title="&lt;b&gt; &quot;é&quot;">',
    },
  ],
];

for (const [title, options, expected] of ANSWERS) {
  test(title, async () => {
    const exchange = exchangeFor({ url: '/?q=%3Cb%3E+%22%C3%A9%22', headers: { 'x-h': 'a\\b\tc' } });
    const answer = await runPolicies(await compile(options), exchange);
    assert.ok(answer);
    const body = answer.body === undefined ? {} : { body: Buffer.from(answer.body as Uint8Array).toString() };
    assert.deepEqual({ status: answer.status, headers: answer.headers, ...body }, expected);
  });
}

test('an answer with nothing of the request in it is made once', async () => {
  const policies = await compile({ body: 'a', headers: { b: 'c' } });
  const first = await runPolicies(policies, exchangeFor());
  assert.equal(await runPolicies(policies, exchangeFor()), first);
});

test('a delay is waited for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const policies = await compile({ body: 'late', delay: '2s' });
  let answered = false;
  const answer = runPolicies(policies, exchangeFor()).then((value) => {
    answered = true;
    return value;
  });
  t.mock.timers.tick(1999);
  await Promise.resolve();
  assert.equal(answered, false);
  t.mock.timers.tick(1);
  assert.equal((await answer)?.status, 200);
});

for (const [options, path, message] of [
  [{ status: 101 }, 'status', 'Too small: expected number to be >=200'],
  [{ status: 204, body: 'x' }, 'body', 'an answer 204 has no body'],
  [{ delay: '6m' }, 'delay', 'is longer than 5m'],
  [
    { headers: { 'Content-Length': '1' } },
    'headers.Content-Length',
    'the field Content-Length cannot be changed: it belongs to the framing of the message, which is the gateway’s own',
  ],
  [{ headers: { 'Content-Type': 'a/b' } }, 'headers.Content-Type', 'content-type is written as contentType'],
  [{ contentType: 'a\r\nb' }, 'contentType', 'is not a media type'],
  [{ body: '${id}' }, 'body', 'there is no variable id (character 1): did you mean ${request.id}?'],
] as const) {
  test(`${JSON.stringify(options)} is refused`, async () => {
    const problems = await validatePolicyUse({ name: 'respond', options });
    assert.deepEqual(
      problems.map((problem) => [problem.path.join('.'), problem.message]),
      [[path, message]],
    );
  });
}
