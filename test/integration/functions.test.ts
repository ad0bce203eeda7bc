import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadConfig } from '../../src/control/config/load.ts';
import { type Answered, type Asked, ask } from '../support/ask.ts';
import { Workspace } from '../support/cli.ts';
import { type FunctionCall, FunctionServer } from '../support/function-server.ts';
import { startGatewayWith, type TestGateway } from '../support/gateway.ts';

const KEY = 'a-key-that-is-long-enough';

function configFor(url: string): string {
  return `
listeners: { main: { address: 127.0.0.1, port: 0 } }
organizations: { acme: {} }
services: { runtime: { url: '${url}' } }
consumers: { alice: { apiKeys: [{ key: ${KEY} }], basic: { password: correct-horse } } }
functions:
  echo:
    organization: acme
    service: runtime
    path: /run
    headers: [X-Language, x-many, x-user]
    blockingHeader: X-Wait
    maxInput: 2kb
    maxOutput: 2kb
  page: { service: runtime, functionName: pages/home, answer: http }
  who: { service: runtime, functionName: echo, headers: [x-language] }
  ${ANSWERS.map(([name]) => `${name}: { service: runtime, functionName: ${name} }`).join('\n  ')}
apis:
  echo: { function: echo, organization: acme, paths: [/echo, /echo/*] }
  page: { function: page, paths: [/page] }
  shared: { function: page, paths: [/shared], cors: { origins: ['https://app.test'] } }
  free: { function: page, paths: [/free], cors: service }
  plain: { service: runtime, paths: [/plain] }
  key: { function: who, paths: [/key], authentication: { api-key: { header: x-language, query: k } } }
  kept: { function: who, paths: [/kept], authentication: { api-key: { query: k, forward: true } } }
  basic: { function: who, paths: [/basic], authentication: basic }
  identified:
    function: who
    paths: [/identified]
    authentication: basic
    policies: [{ identity-headers: { set: { X-User: '\${principal.subject}' } } }]
  fixed: { function: who, paths: [/fixed], policies: [{ headers: { request: { set: { X-Env: prod } } } }] }
  ${ANSWERS.map(([name]) => `${name}: { function: ${name}, paths: [/${name}] }`).join('\n  ')}
`;
}

const json =
  (status: number, body: string, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(body);

/** What function services answer, and what becomes of it. */
const ANSWERS: readonly (readonly [
  name: string,
  answer: (response: ServerResponse) => void,
  status: number,
  body: string | { code: string },
])[] = [
  ['object', json(200, '{"output":{"a":1}}'), 200, '{"a":1}'],
  [
    'digits',
    json(200, '{ "x": [1, {"output": 2}], "output" : 12345678901234567890.0 , "y": "}" }'),
    200,
    '12345678901234567890.0',
  ],
  ['text', json(201, '{"output":"h\\"i"}'), 200, '"h\\"i"'],
  ['empty', json(200, '{"output":null}'), 204, ''],
  ['nothing', (response) => void response.writeHead(204).end(), 204, ''],
  ['accepted', (response) => void response.writeHead(202).end(), 202, ''],
  ['promised', json(202, '{"id":7}'), 202, ''],
  ['early', json(202, '{"output":1}'), 202, '1'],
  ['list', json(200, '[1]'), 502, { code: 'function_invalid' }],
  ['without', json(200, '{"result":1}'), 502, { code: 'function_invalid' }],
  ['words', json(200, 'hello'), 502, { code: 'function_invalid' }],
  ['twice', json(200, '{"output":1,"output":2}'), 502, { code: 'function_invalid' }],
  ['silent', json(200, ''), 502, { code: 'function_invalid' }],
  ['away', json(302, '', { Location: 'http://169.254.169.254/' }), 502, { code: 'function_invalid' }],
  ['unmodified', (response) => void response.writeHead(304).end(), 502, { code: 'function_invalid' }],
  ['wrong', json(422, '{"stack":"secret"}'), 422, { code: 'function_failed' }],
  ['unknown', json(404, '{"stack":"secret"}'), 502, { code: 'function_failed' }],
  ['denied', json(401, '{}', { 'WWW-Authenticate': 'Basic' }), 502, { code: 'function_failed' }],
  ['broken', json(500, 'secret'), 502, { code: 'function_failed' }],
  ['huge', json(200, `{"output":"${'x'.repeat(1024 * 1024)}"}`), 502, { code: 'upstream_invalid' }],
  [
    'zipped',
    (response) =>
      void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('{"output":"zipped"}')),
    200,
    '"zipped"',
  ],
];

suite('An API with a function', () => {
  let functions: FunctionServer;
  let gateway: TestGateway;
  let files: Workspace;

  before(async () => {
    functions = await FunctionServer.start({
      ...Object.fromEntries(ANSWERS.map(([name, answer]) => [name, answer])),
      echo: (response, input) =>
        json(200, JSON.stringify({ output: input }), { 'Set-Cookie': 'a=b' })(response),
      'pages/home': (response, input) => json(200, JSON.stringify({ output: input }))(response),
    });
    files = new Workspace({ 'portcullis.yaml': configFor(functions.url) });
    const loaded = await loadConfig(files.path('portcullis.yaml'));
    assert.ok(loaded.ok, JSON.stringify(loaded));
    assert.deepEqual(loaded.warnings, []);
    gateway = await startGatewayWith(loaded.config.dataPlane);
  });

  after(async () => {
    await gateway?.close();
    await functions?.[Symbol.asyncDispose]();
    files?.[Symbol.dispose]();
  });

  async function called(path: string, asked?: Asked): Promise<{ answer: Answered; calls: FunctionCall[] }> {
    functions.take();
    const answer = await ask(`http://127.0.0.1:${gateway.port}${path}`, asked);
    return { answer, calls: functions.take() };
  }

  /** What the function was given, or the answer of the gateway's own. */
  async function inputOf(asked: Asked, path = '/acme/echo'): Promise<unknown> {
    const { answer, calls } = await called(path, asked);
    assert.equal(calls.length, answer.status < 400 ? 1 : 0, 'a request that is refused calls nothing');
    if (calls.length === 0) return [answer.status, (JSON.parse(answer.body) as { code: string }).code];
    return bodyOf(calls).input;
  }

  test('is called by POST with the query, and answers the output', async () => {
    const { answer, calls } = await called('/acme/echo/x%20y?name=J%C3%B6&tag=a&tag=b&flag', {
      headers: {
        Host: 'api.example.com:8080',
        Cookie: 'session=secret',
        Authorization: 'Bearer secret',
        'X-Api-Key': 'secret',
        'X-Language': 'de',
        'X-Many': ['1', '2'],
        'X-Other': 'x',
        'Accept-Encoding': 'gzip',
        'Portcullis-Organization': 'other',
      },
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['set-cookie'], undefined);
    const query = { name: 'Jö', tag: ['a', 'b'], flag: '' };
    assert.deepEqual(JSON.parse(answer.body), query);
    const [call] = calls;
    assert.equal(call?.method, 'POST');
    assert.equal(call.target, '/run');
    assert.deepEqual(call.body, {
      functionName: 'echo',
      blocking: true,
      httpContext: {
        method: 'GET',
        scheme: 'http',
        host: 'api.example.com:8080',
        path: '/acme/echo/x%20y',
        query,
        headers: { 'x-language': 'de', 'x-many': '1, 2' },
      },
      input: query,
    });
    const { 'content-length': length, 'x-request-id': id, traceparent, ...headers } = call.headers;
    assert.equal(Number(length), Buffer.byteLength(call.text));
    assert.ok(id !== undefined && traceparent !== undefined);
    assert.deepEqual(Object.keys(headers).toSorted(), [
      'accept',
      'accept-encoding',
      'content-type',
      'host',
      'portcullis-organization',
      'via',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-port',
      'x-forwarded-proto',
    ]);
    assert.equal(headers['portcullis-organization'], 'acme');
    assert.equal(headers['accept-encoding'], 'identity');
    assert.doesNotMatch(call.text + JSON.stringify(call.headers), /secret|other/);
  });

  test('is of no organization that a client names, also where the service is no function service', async () => {
    const { calls } = await called('/plain', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Portcullis-Organization': 'acme',
        portcullis_organization: 'acme',
      },
      body: '{"functionName":"echo","input":1}',
    });
    assert.deepEqual(
      calls.map(({ headers }) => Object.keys(headers).filter((name) => name.startsWith('portcullis'))),
      [[]],
    );
  });

  const typed = (type: string, body: string | Buffer, more: Asked['headers'] = {}): Asked => ({
    method: 'POST',
    headers: { 'Content-Type': type, ...more },
    body,
  });
  const JSON_TYPE = 'application/json';
  const FORM = 'application/x-www-form-urlencoded';

  for (const [title, asked, expected] of [
    ['JSON', typed(JSON_TYPE, '{"a":[1,null]}'), { a: [1, null] }],
    ['JSON that is no object', typed(JSON_TYPE, ' 7 '), 7],
    ['a type that ends in +json', typed('application/merge-patch+JSON; charset=UTF-8', '{"a":1}'), { a: 1 }],
    ['a form', typed(FORM, 'a=1&b=x+y&b=%C3%BC&c'), { a: '1', b: ['x y', 'ü'], c: '' }],
    [
      'JSON that is compressed',
      typed(JSON_TYPE, gzipSync('{"a":1}'), { 'Content-Encoding': 'gzip' }),
      { a: 1 },
    ],
    ['JSON in chunks', typed(JSON_TYPE, '{"a":1}', { 'Transfer-Encoding': 'chunked' }), { a: 1 }],
    ['no body', { method: 'POST' }, null],
    ['a body of PUT', { ...typed(JSON_TYPE, '{"a":1}'), method: 'PUT' }, { a: 1 }],
    ['the query of DELETE without a body', { method: 'DELETE' }, {}],
    [
      'the body of DELETE',
      { ...typed(JSON_TYPE, '{"a":1}', { 'Content-Length': '7' }), method: 'DELETE' },
      { a: 1 },
    ],
    ['no octet in chunks', { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' }, body: '' }, null],
    ['no octet of JSON in chunks', typed(JSON_TYPE, '', { 'Transfer-Encoding': 'chunked' }), null],
    [
      'the query of DELETE without an octet in chunks',
      { method: 'DELETE', headers: { 'Transfer-Encoding': 'chunked' }, body: '' },
      {},
    ],
    ['the query of OPTIONS', { method: 'OPTIONS' }, {}],
    ['no body of GET', { ...typed(JSON_TYPE, '{"a":1}', { 'Content-Length': '7' }), method: 'GET' }, {}],
    [
      'members by the names of the call’s own',
      typed(JSON_TYPE, '{"functionName":"evil","blocking":false,"httpContext":{},"organization":"x"}'),
      { functionName: 'evil', blocking: false, httpContext: {}, organization: 'x' },
    ],
  ] satisfies readonly (readonly [string, Asked, unknown])[])
    test(`is given ${title}`, async () => assert.deepEqual(await inputOf(asked), expected));

  for (const [title, asked, status, code, path] of [
    ['broken JSON', typed(JSON_TYPE, '{"a":'), 400, 'invalid_request'],
    [
      'JSON that closes the call and begins another',
      typed(JSON_TYPE, '1},"functionName":"evil","x":{"y":1'),
      400,
      'invalid_request',
    ],
    ['two JSON texts', typed(JSON_TYPE, '{}{}'), 400, 'invalid_request'],
    ['a key twice', typed(JSON_TYPE, '{"a":1,"\\u0061":2}'), 400, 'invalid_request'],
    ['__proto__', typed(JSON_TYPE, '{"__proto__":{"admin":true}}'), 400, 'invalid_request'],
    ['__proto__ in a form', typed(FORM, '__pr%6fto__=1'), 400, 'invalid_request'],
    ['__proto__ in a query', {}, 400, 'invalid_request', '/acme/echo?__proto__=1'],
    ['octets that are not UTF-8', typed(JSON_TYPE, Buffer.from([0x22, 0xff, 0x22])), 400, 'invalid_request'],
    ['a query that is not UTF-8', {}, 400, 'invalid_request', '/acme/echo?a=%FF'],
    ['a query with a name that is not UTF-8', {}, 400, 'invalid_request', '/acme/echo?%C3=1'],
    ['a form that is not UTF-8', typed(FORM, 'a=%ED%A0%80'), 400, 'invalid_request'],
    ['a byte order mark', typed(JSON_TYPE, '\ufeff{}'), 400, 'invalid_request'],
    ['JSON nested 33 deep', typed(JSON_TYPE, '['.repeat(33) + ']'.repeat(33)), 400, 'invalid_request'],
    ['another charset', typed('application/json; charset=utf-16', '{}'), 415, 'unsupported_media_type'],
    ['text', typed('text/plain', '{}'), 415, 'unsupported_media_type'],
    ['multipart', typed('multipart/form-data; boundary=x', '--x--'), 415, 'unsupported_media_type'],
    ['a body without a type', { method: 'POST', body: '{}' }, 415, 'unsupported_media_type'],
    [
      'two types',
      { method: 'POST', headers: { 'Content-Type': [JSON_TYPE, FORM] as const }, body: '{}' },
      415,
      'unsupported_media_type',
    ],
    [
      'an unknown coding',
      typed(JSON_TYPE, '{}', { 'Content-Encoding': 'rot13' }),
      415,
      'unsupported_media_type',
    ],
    ['a body that is too large', typed(JSON_TYPE, `"${'x'.repeat(2047)}"`), 413, 'body_too_large'],
    [
      'a bomb',
      typed(JSON_TYPE, gzipSync(`"${'x'.repeat(1e6)}"`), { 'Content-Encoding': 'gzip' }),
      413,
      'body_too_large',
    ],
    ['a wish that is none', { headers: { 'X-Wait': 'maybe' } }, 400, 'invalid_request'],
    ['two wishes', { headers: { 'X-Wait': ['true', 'false'] as const } }, 400, 'invalid_request'],
  ] satisfies readonly (readonly [string, Asked, number, string, string?])[])
    test(`refuses ${title}`, async () => assert.deepEqual(await inputOf(asked, path), [status, code]));

  for (const [title, path, headers, error] of [
    [
      'the field that says whether to wait',
      '/acme/echo',
      { 'X-Wait': 'maybe' },
      { in: 'header', path: '/x-wait', reason: 'is neither true nor false' },
    ],
    ['the query', '/acme/echo?__proto__=1', {}, { in: 'query', path: '' }],
  ] as const)
    test(`says that it is ${title} that is wrong`, async () => {
      const { answer } = await called(path, { headers });
      const { errors } = JSON.parse(answer.body) as { errors: object[] };
      assert.equal(errors.length, 1);
      assert.deepEqual({ ...errors[0], ...error }, errors[0]);
    });

  for (const [name, , status, body] of ANSWERS)
    test(`answers ${status} to the answer of ${name}`, async () => {
      const { answer } = await called(`/${name}`);
      assert.equal(answer.status, status);
      if (typeof body === 'string') assert.equal(answer.body, body);
      else assert.equal((JSON.parse(answer.body) as { code: string }).code, body.code);
      assert.equal(answer.headers['www-authenticate'] ?? answer.headers.location, undefined);
      assert.doesNotMatch(answer.body, /secret/);
    });

  test('tells the function service that the client does not wait', async () => {
    const { calls } = await called('/acme/echo', { headers: { 'X-Wait': 'FALSE' } });
    assert.equal(bodyOf(calls).blocking, false);
  });

  test('answers HEAD as GET, without the body', async () => {
    const { answer, calls } = await called('/acme/echo?a=1', { method: 'HEAD' });
    assert.deepEqual([answer.status, answer.body, answer.headers['content-length']], [200, '', '9']);
    assert.equal(calls[0]?.method, 'POST');
  });

  test('asks for no upgrade that the client asks for', async () => {
    const { answer, calls } = await called('/acme/echo', {
      headers: { Connection: 'upgrade', Upgrade: 'websocket' },
    });
    assert.equal(answer.status, 200);
    assert.equal(calls[0]?.headers.upgrade, undefined);
  });

  for (const [title, path, headers] of [
    ['a key in a field that it is told of', '/key?a=1', { 'X-Language': KEY }],
    ['a key in the query', `/key?a=1&k=${KEY}`, {}],
    ['a key in the query that services may see', `/kept?a=1&%6B=${KEY}`, {}],
    ['a password', '/basic?a=1', { Authorization: `Basic ${btoa('alice:correct-horse')}` }],
  ] as const)
    test(`is not told of ${title}`, async () => {
      const { answer, calls } = await called(path, { headers });
      assert.equal(answer.status, 200);
      assert.deepEqual(JSON.parse(answer.body), { a: '1' });
      assert.doesNotMatch(
        JSON.stringify(calls),
        new RegExp(`${KEY}|${btoa('alice:correct-horse')}|correct-horse`),
      );
    });

  test('gets the fields that policies set, also where the client sends the same', async () => {
    const { calls } = await called('/fixed', {
      headers: { 'X-Env': 'prod', 'X-Forwarded-For': '127.0.0.1', 'X-Forwarded-Proto': 'http' },
    });
    const { headers } = calls[0] ?? {};
    assert.deepEqual(
      [headers?.['x-env'], headers?.['x-forwarded-for'], headers?.['x-forwarded-proto']],
      ['prod', '127.0.0.1', 'http'],
    );
  });

  test('is told who calls by the gateway alone', async () => {
    const headers = {
      Authorization: `Basic ${btoa('alice:correct-horse')}`,
      'X-User': 'root',
      X_User: 'root',
    };
    const { calls } = await called('/identified', { headers });
    assert.equal(calls[0]?.headers['x-user'], 'alice');
    assert.doesNotMatch(JSON.stringify(calls), /root/);
    const forged = await called('/acme/echo', { headers: { 'X-User': 'root' } });
    assert.doesNotMatch(JSON.stringify(forged.calls), /root/);
  });

  for (const [title, output, status, body, type] of [
    [
      'a status, fields and text',
      { status: 418, headers: { 'X-A': 'b', 'Content-Type': 'text/x' }, body: 'tea' },
      418,
      'tea',
      'text/x',
    ],
    ['a value', { body: { a: 1 } }, 200, '{"a":1}', 'application/json'],
    ['text', { body: 'hi' }, 200, 'hi', 'text/plain; charset=utf-8'],
    ['nothing', { status: 201 }, 201, '', undefined],
    ['a status that has no body', { status: 205 }, 205, '', undefined],
  ] as const)
    test(`makes an answer of ${title} where its output is one`, async () => {
      const { answer } = await called('/page', typed(JSON_TYPE, JSON.stringify(output)));
      assert.deepEqual([answer.status, answer.body, answer.headers['content-type']], [status, body, type]);
    });

  for (const [title, path, allowed] of [
    ['none is', '/page', undefined],
    ['an API names another origin', '/shared', undefined],
    ['that is the service’s to say', '/free', '*'],
  ] as const)
    test(`says whose pages may read its answer where ${title}`, async () => {
      const output = { headers: { 'Access-Control-Allow-Origin': '*' }, body: 'x' };
      const { answer } = await called(
        path,
        typed(JSON_TYPE, JSON.stringify(output), { Origin: 'https://b.test' }),
      );
      assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [200, allowed]);
    });

  for (const [title, output] of [
    ['a status that is none', { status: 99 }],
    ['a body beside 204', { status: 204, body: 'x' }],
    ['a body beside 205', { status: 205, body: '' }],
    ['a body beside 304', { status: 304, body: {} }],
    ['a field that breaks out', { headers: { 'X-A': 'a\r\nSet-Cookie: b=c' } }],
    ['a field of the message’s framing', { headers: { 'Transfer-Encoding': 'chunked' } }],
    ['a field that is no text', { headers: { 'X-A': 1 } }],
    ['something else', { statusCode: 200 }],
    ['text', 'hi'],
  ] as const)
    test(`makes no answer of an output with ${title}`, async () => {
      const { answer } = await called('/page', typed(JSON_TYPE, JSON.stringify(output)));
      assert.equal((JSON.parse(answer.body) as { code: string }).code, 'function_invalid');
    });
});

function bodyOf([call]: readonly FunctionCall[]): { readonly input: unknown; readonly blocking: unknown } {
  assert.ok(call !== undefined, 'no function was called');
  return call.body as { input: unknown; blocking: unknown };
}
