import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { TestAuthority } from '../../test/support/certificates.ts';
import { FakeTimers } from '../lib/fake-timers.support.ts';
import { addressProblem } from './address-problem.ts';
import { IssuerServer } from './issuer-server.support.ts';
import { Outgoing, OutgoingError } from './outgoing.ts';

const HTTP = 'is http, which everybody on the way can read: use https, or say `insecure: true`';

describe('An address', () => {
  for (const [url, insecure, problem] of [
    ['https://id.example.com/x', false, undefined],
    ['http://127.0.0.1:8080/', false, undefined],
    ['http://127.8.8.8/', false, undefined],
    ['http://localhost/', false, undefined],
    ['http://[::1]:80/', false, undefined],
    ['http://id.example.com/', false, HTTP],
    ['http://127.0.0.1.example.com/', false, HTTP],
    ['http://localhost.example.com/', false, HTTP],
    ['http://10.0.0.1/', false, HTTP],
    ['http://id.example.com/', true, undefined],
    ['https://user:secret@id.example.com/', true, 'has a user name or a password in it'],
    ['file:///etc/passwd', true, 'is neither https nor http'],
    ['data:text/plain,x', true, 'is neither https nor http'],
  ] as const) {
    it(`${url}${insecure ? ', insecure' : ''}: ${problem ?? 'is taken'}`, () => {
      assert.equal(addressProblem(new URL(url), insecure), problem);
    });
  }
});

describe('The way to providers', () => {
  it('sends what it is given, and gives the answer whatever its status', async () => {
    await using server = await IssuerServer.start();
    server.answer('/token?x=1', (request: IncomingMessage, response: ServerResponse, body: string) => {
      response.writeHead(418, {
        'x-seen': `${request.method} ${request.headers['authorization'] ?? ''} ${body}`,
      });
      response.end('{"a":1}');
    });
    const outgoing = new Outgoing();
    const answer = await outgoing.fetch(`${server.url}/token?x=1`, {
      method: 'POST',
      headers: { authorization: 'Basic YTpi', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ a: 'b c' }),
    });
    assert.equal(answer.status, 418);
    assert.equal(answer.headers.get('x-seen'), 'POST Basic YTpi a=b+c');
    assert.deepEqual(await answer.json(), { a: 1 });
  });

  it('follows no redirect', async () => {
    await using server = await IssuerServer.start();
    server.answer('/from', (_: IncomingMessage, response: ServerResponse) => {
      response.writeHead(302, { location: '/to' }).end();
    });
    const answer = await new Outgoing().fetch(`${server.url}/from`);
    assert.equal(answer.status, 302);
    assert.deepEqual(server.requests, ['GET /from']);
  });

  it('takes no more than it may', async () => {
    await using server = await IssuerServer.start();
    server.answer('/much', (_: IncomingMessage, response: ServerResponse) => {
      response.end('x'.repeat(1001));
    });
    server.answer('/little', (_: IncomingMessage, response: ServerResponse) => {
      response.end('x'.repeat(1000));
    });
    const outgoing = new Outgoing({ maxBytes: 1000 });
    assert.equal((await (await outgoing.fetch(`${server.url}/little`)).text()).length, 1000);
    await assert.rejects(outgoing.fetch(`${server.url}/much`), {
      name: 'OutgoingError',
      message: `${server.url}/much: answered with more than 1000 bytes`,
    });
  });

  it('waits no longer than it may, and tells nothing of the query', async () => {
    await using server = await IssuerServer.start();
    const asked = Promise.withResolvers<void>();
    server.answer('/slow?secret=s', () => asked.resolve());
    const timers = new FakeTimers();
    const pending = new Outgoing({ timeoutMs: 700 }, timers).fetch(`${server.url}/slow?secret=s`);
    await asked.promise;
    timers.advance(700);
    await assert.rejects(pending, { message: `${server.url}/slow: gave no answer within 700 ms` });
    assert.deepEqual(timers.waiting, []);
  });

  it('ends with its owner', async () => {
    await using server = await IssuerServer.start();
    const asked = Promise.withResolvers<void>();
    server.answer('/slow', () => asked.resolve());
    const outgoing = new Outgoing();
    const pending = outgoing.fetch(`${server.url}/slow`);
    await asked.promise;
    outgoing.close();
    await assert.rejects(pending, { message: `${server.url}/slow: is not asked any more` });
    await assert.rejects(outgoing.fetch(`${server.url}/slow`), {
      message: `${server.url}/slow is not asked any more`,
    });
  });

  it('ends with the signal of whoever asks', async () => {
    await using server = await IssuerServer.start();
    const controller = new AbortController();
    server.answer('/slow', () => controller.abort(new Error('enough')));
    await assert.rejects(new Outgoing().fetch(`${server.url}/slow`, { signal: controller.signal }), {
      message: `${server.url}/slow: enough`,
    });
  });

  it('sends nothing where it could be read', async () => {
    await assert.rejects(new Outgoing().fetch('http://id.example.com/token'), (error) => {
      assert.ok(error instanceof OutgoingError);
      assert.equal(error.message, `http://id.example.com/token ${HTTP}`);
      return true;
    });
  });

  it('trusts the authorities that it is told, and no others', async () => {
    const authority = await TestAuthority.make();
    const ca = authority.cert;
    await using server = await IssuerServer.start(await authority.issue('issuer', ['127.0.0.1']));
    server.answer('/x', { fine: true });
    const answer = await new Outgoing({ ca }).fetch(`${server.url}/x`);
    assert.deepEqual(await answer.json(), { fine: true });
    await assert.rejects(
      new Outgoing().fetch(`${server.url}/x`),
      /unable to verify the first certificate|self-signed/,
    );
  });

  it('keeps connections where it may, and replaces one that the other side has closed', async () => {
    await using server = await IssuerServer.start();
    const ports: (number | undefined)[] = [];
    let close = false;
    server.answer('/x', (request: IncomingMessage, response: ServerResponse) => {
      ports.push(request.socket.remotePort);
      response.end('{}');
      // Behind the answer, so that it goes when the client believes it open.
      if (close) response.on('finish', () => request.socket.resetAndDestroy());
    });
    const outgoing = new Outgoing({ reuse: true });
    const ask = async () => (await outgoing.fetch(`${server.url}/x`)).status;
    assert.equal(await ask(), 200);
    assert.equal(await ask(), 200);
    assert.equal(ports[0], ports[1]);
    close = true;
    assert.equal(await ask(), 200);
    close = false;
    assert.equal(await ask(), 200);
    assert.notEqual(ports.at(-1), ports[0]);
    outgoing.close();
  });
});
