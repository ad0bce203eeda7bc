import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { get, HOST, request } from '../conformance/case.ts';
import { startGatewayBefore, type TestGateway } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const LENGTH = 'Content-Length: 5\r\n';

/** Answers that must never reach a client: response splitting, smuggling from behind, poisoned caches. */
const BAD: [title: string, octets: string][] = [
  ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['HTTP/0.9', '<html>hello</html>\r\n\r\n'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['a version in small letters', 'http/1.1 200 OK\r\n\r\n'],
  ['an empty line before the status line', `\r\n${OK}${LENGTH}\r\nhello`],
  ['a space before the status line', ` ${OK}${LENGTH}\r\nhello`],
  ['no status', 'HTTP/1.1\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['a status with a sign', 'HTTP/1.1 +20 OK\r\n\r\n'],
  ['a status that is no number', 'HTTP/1.1 abc OK\r\n\r\n'],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
  ['a status above 599', 'HTTP/1.1 600 OK\r\n\r\n'],
  ['two spaces before the status', 'HTTP/1.1  200 OK\r\n\r\n'],
  ['a tab before the status', 'HTTP/1.1\t200 OK\r\n\r\n'],
  ['NUL in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n'],
  ['a bare CR in the reason', 'HTTP/1.1 200 O\rK\r\n\r\n'],
  ['a status line that ends in LF', `HTTP/1.1 200 OK\n${LENGTH}\r\nhello`],
  ['a field line that ends in LF', `${OK}X: y\n${LENGTH}\r\nhello`],
  ['a bare LF in a value', `${OK}X: y\nSet-Cookie: a=b\r\n${LENGTH}\r\nhello`],
  ['a bare CR in a value', `${OK}X: y\rSet-Cookie: a=b\r\n${LENGTH}\r\nhello`],
  ['NUL in a value', `${OK}X: y\0\r\n${LENGTH}\r\nhello`],
  ['an escape character in a value', `${OK}X: \x1b[2J\r\n${LENGTH}\r\nhello`],
  ['a space before the colon of a second length', `${OK}${LENGTH}Content-Length : 6\r\n\r\nhello`],
  ['no colon', `${OK}X\r\n${LENGTH}\r\nhello`],
  ['a name with a space', `${OK}X Y: z\r\n${LENGTH}\r\nhello`],
  ['a fold', `${OK}X: y\r\n z\r\n${LENGTH}\r\nhello`],
  ['a field line that begins with a space', `${OK} X: y\r\n${LENGTH}\r\nhello`],
  ['a head that ends in LF LF', `${OK}${LENGTH}\nhello`],
  [
    'Content-Length and Transfer-Encoding',
    `${OK}${LENGTH}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ],
  ['two lengths', `${OK}${LENGTH}Content-Length: 6\r\n\r\nhello`],
  ['the same length twice', `${OK}${LENGTH}${LENGTH}\r\nhello`],
  ['a list of lengths', `${OK}Content-Length: 5, 5\r\n\r\nhello`],
  ['a length with a sign', `${OK}Content-Length: +5\r\n\r\nhello`],
  ['a negative length', `${OK}Content-Length: -1\r\n\r\nhello`],
  ['an empty length', `${OK}Content-Length:\r\n\r\nhello`],
  ['a hexadecimal length', `${OK}Content-Length: 0x5\r\n\r\nhello`],
  ['a length beyond every number', `${OK}Content-Length: 18446744073709551621\r\n\r\nhello`],
  ['a coding that is not known', `${OK}Transfer-Encoding: gzip\r\n\r\nhello`],
  ['two codings', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  [
    'chunked twice',
    `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ],
  ['a lookalike of Transfer-Encoding', `${OK}Transfer_Encoding: chunked\r\n${LENGTH}\r\nhello`],
  ['chunked in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
  ['chunked with 204', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  [
    'a switch of protocols that nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
  ],
  ['interim answers without end', 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'.repeat(1000)],
  ['a head that is too large', `${OK}X: ${'y'.repeat(100_000)}\r\n\r\n`],
  ['a head without end', `${OK}X: ${'y'.repeat(200_000)}`],
  ['too many fields', `${OK}${'X: y\r\n'.repeat(5000)}${LENGTH}\r\nhello`],
];

/** Bodies that turn out bad when the head is already with the client: broken off, so that nobody takes them for whole. */
const BAD_BODIES: [title: string, octets: string][] = [
  ['a chunk size that is no number', '5\r\nhello\r\nxyz\r\n'],
  ['a chunk size with a space', '5\r\nhello\r\n5 \r\nworld\r\n0\r\n\r\n'],
  ['a chunk size line that ends in LF', '5\r\nhello\r\n5\nworld\r\n0\r\n\r\n'],
  ['data without CR LF behind it', '5\r\nhelloXX5\r\nworld\r\n0\r\n\r\n'],
  ['a trailer that frames', '5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n'],
  ['a trailer without colon', '5\r\nhello\r\n0\r\nX\r\n\r\n'],
];

let next = '';
let upstream: ScriptedUpstream;
let gateway: TestGateway;

before(async () => {
  upstream = await ScriptedUpstream.start(async (connection) => {
    while (!connection.gone) {
      await connection.head();
      await connection.send(next);
    }
  });
  gateway = await startGatewayBefore(upstream.url);
});

after(async () => {
  await gateway?.close();
  await upstream?.close().catch(() => {});
});

suite('a bad answer of an upstream is 502 upstream_invalid, and nothing of it reaches the client', () => {
  for (const [title, octets] of BAD) {
    test(title, async () => {
      next = octets;
      using client = await RawClient.connect({ port: gateway.port });
      await client.send(get());
      let answer = await client.answer();
      while (answer.status === 103) answer = await client.answer();
      assert.equal(answer.status, 502);
      assert.equal((JSON.parse(answer.body.toString()) as { code: unknown }).code, 'upstream_invalid');
      assert.equal(answer.get('x'), undefined);
      // The upstream's connection is given up, the client's is not.
      await upstream.connections.at(-1)?.untilEnded();
      next = `${OK}${LENGTH}\r\nhello`;
      await client.send(get());
      assert.equal((await client.answer()).body.toString(), 'hello');
    });
  }
});

suite('a body of an upstream that turns out bad is broken off', () => {
  for (const [title, octets] of BAD_BODIES) {
    test(title, async () => {
      next = `${OK}Transfer-Encoding: chunked\r\n\r\n${octets}`;
      using client = await RawClient.connect({ port: gateway.port });
      await client.send(get());
      await client.untilEnded();
      await assert.rejects(client.answer(), /closed before an answer/);
    });
  }
});

suite('an answer of an upstream that is unusual and good', () => {
  const GOOD: [
    title: string,
    method: string,
    octets: string,
    status: number,
    body: string,
    fields?: Record<string, string | undefined>,
  ][] = [
    ['no reason', 'GET', `HTTP/1.1 200 \r\n${LENGTH}\r\nhello`, 200, 'hello'],
    ['no reason and no space', 'GET', `HTTP/1.1 200\r\n${LENGTH}\r\nhello`, 200, 'hello'],
    ['a status that is not registered', 'GET', `HTTP/1.1 299 Odd\r\n${LENGTH}\r\nhello`, 299, 'hello'],
    ['HTTP/1.0 with a length', 'GET', `HTTP/1.0 200 OK\r\n${LENGTH}\r\nhello`, 200, 'hello'],
    [
      'white space before colons',
      'GET',
      `${OK}Content-Length : 5\r\nX-A \t: b\r\n\r\nhello`,
      200,
      'hello',
      { 'content-length': '5', 'x-a': 'b' },
    ],
    [
      'field names in capital letters',
      'GET',
      `${OK}CONTENT-LENGTH: 5\r\nX-A: b\r\n\r\nhello`,
      200,
      'hello',
      { 'x-a': 'b' },
    ],
    [
      'octets beyond ASCII in a value',
      'GET',
      `${OK}X-Name: M\xc3\xbcller\r\n${LENGTH}\r\nhello`,
      200,
      'hello',
      { 'x-name': 'M\xc3\xbcller' },
    ],
    [
      'several cookies',
      'GET',
      `${OK}Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n${LENGTH}\r\nhello`,
      200,
      'hello',
      { 'set-cookie': 'a=1, b=2' },
    ],
    [
      'chunk extensions',
      'GET',
      `${OK}Transfer-Encoding: chunked\r\n\r\n5;a="b"\r\nhello\r\n0\r\n\r\n`,
      200,
      'hello',
    ],
    [
      'fields for this hop alone',
      'GET',
      `${OK}Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-End: 2\r\n${LENGTH}\r\nhello`,
      200,
      'hello',
      { 'x-hop': undefined, 'keep-alive': undefined, connection: undefined, 'x-end': '2' },
    ],
    [
      '204 with a length, which it may not have',
      'GET',
      'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
      204,
      '',
      { 'content-length': undefined },
    ],
    [
      '304 with the length of what it stands for',
      'GET',
      `HTTP/1.1 304 Not Modified\r\n${LENGTH}ETag: "a"\r\n\r\n`,
      304,
      '',
      { etag: '"a"', 'content-length': '5' },
    ],
    ['HEAD with a length', 'HEAD', `${OK}${LENGTH}\r\n`, 200, '', { 'content-length': '5' }],
    ['HEAD that says chunked', 'HEAD', `${OK}Transfer-Encoding: chunked\r\n\r\n`, 200, ''],
    ['an empty body', 'GET', `${OK}Content-Length: 0\r\n\r\n`, 200, '', { 'content-length': '0' }],
    ['an empty chunked body', 'GET', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 200, ''],
    [
      '103 before it',
      'GET',
      `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${OK}${LENGTH}\r\nhello`,
      200,
      'hello',
    ],
    [
      '100 that nobody waits for',
      'GET',
      `HTTP/1.1 100 Continue\r\n\r\n${OK}${LENGTH}\r\nhello`,
      200,
      'hello',
    ],
  ];
  for (const [title, method, octets, status, body, fields] of GOOD) {
    test(title, async () => {
      next = octets;
      using client = await RawClient.connect({ port: gateway.port });
      // Twice, as one connection to the upstream has to be in order behind it.
      for (let i = 0; i < 2; i++) {
        await client.send(request([`${method} /page HTTP/1.1`, HOST]));
        let answer = await client.answer(method);
        while (answer.status < 200) answer = await client.answer(method);
        assert.deepEqual([answer.status, answer.body.toString()], [status, body]);
        assert.ok(answer.get('date'));
        for (const [name, value] of Object.entries(fields ?? {})) assert.equal(answer.get(name), value, name);
      }
    });
  }
});
