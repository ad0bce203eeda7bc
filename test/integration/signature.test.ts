import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startGateway, type TestGateway } from '../../src/testing.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';

const SECRET = 'a secret of more than 16 octets';
const JSON_BODY = Buffer.from('{"amount":1}');

interface Sent {
  /** An empty one is not signed. */
  readonly path?: string;
  readonly body?: Buffer;
  /** What the digest is of; default: the body. */
  readonly digested?: Buffer | undefined;
  readonly coding?: string;
  readonly nonce?: string;
}

describe('A gateway that asks for signatures', () => {
  let upstream: RecordingUpstream;
  let gateway: TestGateway;
  const configuration = (others: object = {}) => {
    const route = (path: string, options: object) => ({
      match: { paths: [path] },
      service: 'echo',
      policies: [{ signature: options }],
    });
    return {
      listeners: { http: { port: 0 } },
      services: { echo: { url: `http://127.0.0.1:${upstream.port}` } },
      consumers: {
        alice: { signatureKeys: [{ id: 'k', algorithm: 'hmac-sha256' as const, secret: SECRET }] },
        ...others,
      },
      routes: { a: route('/a', { components: ['@method'] }), b: route('/b', { components: ['@method'] }) },
    };
  };
  before(async () => {
    upstream = await RecordingUpstream.start();
    gateway = await startGateway(configuration());
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  function signed(sent: Sent): Record<string, string> {
    const { path = '/a', body, nonce } = sent;
    const digested = 'digested' in sent ? sent.digested : body;
    const digest =
      digested === undefined
        ? undefined
        : `sha-256=:${createHash('sha256').update(digested).digest('base64')}:`;
    const names = [
      '"@method"',
      '"@authority"',
      ...(path === '' ? [] : ['"@path"']),
      ...(digest === undefined ? [] : ['"content-digest"']),
    ];
    const created = Math.floor(Date.now() / 1000);
    const input = `(${names.join(' ')});created=${created};keyid="k"${nonce === undefined ? '' : `;nonce="${nonce}"`}`;
    const values: Readonly<Record<string, string | undefined>> = {
      '"@method"': 'POST',
      '"@authority"': new URL(gateway.url).host,
      '"@path"': path,
      '"content-digest"': digest,
    };
    const lines = names.map((name) => `${name}: ${values[name]}`);
    const base = [...lines, `"@signature-params": ${input}`].join('\n');
    return {
      ...(digest === undefined ? {} : { 'Content-Digest': digest }),
      'Signature-Input': `s=${input}`,
      Signature: `s=:${createHmac('sha256', SECRET).update(base).digest('base64')}:`,
    };
  }

  function send(sent: Sent, headers = signed(sent)): Promise<number> {
    const coding = sent.coding === undefined ? {} : { 'Content-Encoding': sent.coding };
    const length = sent.body === undefined ? { 'Content-Length': '0' } : { 'Transfer-Encoding': 'chunked' };
    return new Promise((resolve, reject) => {
      const asked = request(`${gateway.url}${sent.path ?? '/a'}`, {
        agent: false,
        method: 'POST',
        headers: { ...headers, ...coding, ...length },
      });
      asked.on('response', (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      });
      asked.on('error', reject);
      asked.end(sent.body);
    });
  }

  it('takes a nonce once, on all routes and after a new configuration', async () => {
    const headers = signed({ nonce: 'n' });
    assert.equal(await send({}, headers), 200);
    assert.equal(await send({}, headers), 401);
    await gateway.reload(configuration({ bob: {} }));
    assert.equal(await send({}, headers), 401);
    const unbound = signed({ path: '', nonce: 'm' });
    assert.equal(await send({ path: '/a' }, unbound), 200);
    assert.equal(await send({ path: '/b' }, unbound), 401);
  });

  const zipped = gzipSync(JSON_BODY);
  for (const [title, sent, status] of [
    ['takes the body that was digested', { body: JSON_BODY }, 200],
    ['takes a digest of the encoded body', { body: zipped, coding: 'gzip' }, 200],
    [
      'takes no digest of what the body decodes to',
      { body: zipped, digested: JSON_BODY, coding: 'gzip' },
      401,
    ],
    ['takes no other body', { body: Buffer.from('{"amount":2}'), digested: JSON_BODY }, 401],
    ['takes no empty body, of unknown length, instead', { body: Buffer.alloc(0), digested: JSON_BODY }, 401],
    ['takes no body that is not digested', { body: JSON_BODY, digested: undefined }, 401],
  ] as const) {
    it(title, async () => {
      const { length } = upstream.requests;
      assert.equal(await send(sent), status);
      assert.equal(upstream.requests.length - length, status === 200 ? 1 : 0);
    });
  }
});
