import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, suite, test } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { FakeTimers } from '../../lib/fake-timers.support.ts';
import { issueCertificate } from './issue.ts';
import { MemoryStorage } from './memory-storage.support.ts';
import { type AcmeSettings, acmeSchema } from './schema.ts';

suite('what is asked of an ACME server', () => {
  let server: Server;
  let settings: AcmeSettings;
  let asked: string[];
  /** Of new accounts: the key that each was asked for with. */
  let keys: unknown[];
  /** Answers what is asked at an address; default: as a server does that never gets to an order. */
  let answer: (path: string, response: ServerResponse) => boolean;

  before(async () => {
    const authority = await TestAuthority.make();
    const pair = await authority.issue('acme', ['localhost', '127.0.0.1']);
    server = createServer(pair, (request, response) => void respond(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const directory = `https://localhost:${(server.address() as AddressInfo).port}/directory`;
    const written = { directory, hosts: ['shop.example'], termsAgreed: true };
    settings = { ...acmeSchema.parse(written), ca: authority.cert };
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  beforeEach(() => {
    asked = [];
    keys = [];
    answer = () => false;
  });

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const piece of request.setEncoding('utf8') as AsyncIterable<string>) text += piece;
    const path = request.url ?? '';
    const origin = `https://${request.headers.host}`;
    asked.push(path);
    response.setHeader('replay-nonce', 'bm9uY2U');
    if (path === '/account') {
      const { protected: head } = JSON.parse(text) as { protected: string };
      keys.push((JSON.parse(Buffer.from(head, 'base64url').toString()) as { jwk: unknown }).jwk);
      response.setHeader('location', `${origin}/accounts/1`);
    }
    if (answer(path, response)) return;
    const told = {
      '/directory': {
        newNonce: `${origin}/nonce`,
        newAccount: `${origin}/account`,
        newOrder: `${origin}/order`,
      },
      '/accounts/1': { status: 'valid' },
    }[path];
    if (path === '/order') response.statusCode = 500;
    response.end(JSON.stringify(told ?? {}));
  }

  const issue = (storage: MemoryStorage, timers = new FakeTimers()) =>
    issueCertificate(settings, {
      storage,
      userAgent: 'test',
      publish: async () => {},
      replaces: undefined,
      timers,
      nowMs: Date.now,
      signal: new AbortController().signal,
    });

  test('is given up after a quarter of an hour, whatever it waits for then', async () => {
    const timers = new FakeTimers();
    answer = (path) => {
      if (path === '/order') setImmediate(() => timers.advance(15 * 60_000 - 1));
      if (path === '/order') setImmediate(() => timers.advance(1));
      return path === '/order';
    };
    await assert.rejects(issue(new MemoryStorage(Date.now), timers), {
      name: 'AcmeProblem',
      type: 'tooSlow',
      message: 'the ACME server was not done within 15 minutes',
    });
    assert.deepEqual(timers.waiting, []);
  });

  test('and not earlier', async () => {
    const timers = new FakeTimers();
    answer = (path, response) => {
      if (path !== '/order') return false;
      timers.advance(15 * 60_000 - 1);
      response.writeHead(500).end('{}');
      return true;
    };
    await assert.rejects(issue(new MemoryStorage(Date.now), timers), {
      message: 'answered 500 (malformedAnswer)',
    });
  });

  test('for an account whose address could not be written down is the same account again', async () => {
    const storage = new MemoryStorage(Date.now);
    answer = (path) => {
      if (path === '/account') storage.outage = new Error('no connection');
      return false;
    };
    await assert.rejects(issue(storage), { message: 'no connection' });
    storage.outage = undefined;
    answer = () => false;
    for (let again = 0; again < 2; again++)
      await assert.rejects(issue(storage), { message: /^answered 500/ });
    assert.equal(keys.length, 2, 'asked for twice, then known');
    assert.deepEqual(keys[0], keys[1]);
    assert.equal(storage.accounts.size, 1);
  });

  test('is nothing while the key of an account cannot be written down', async () => {
    const storage = new MemoryStorage(Date.now);
    storage.saveAccount = () => Promise.reject(new Error('the disk is full'));
    await assert.rejects(issue(storage), { message: 'the disk is full' });
    assert.deepEqual(asked, []);
  });
});
