import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FakeTimers } from '../../lib/fake-timers.support.ts';
import { ApiServer } from './api-server.support.ts';
import { HttpClient } from './http-client.ts';

const limits = { headers: {}, headMs: 1000, wholeMs: 1000 };

suite('a call', () => {
  test('of a client that is closed fails at once, also when it comes from something that was waiting', async () => {
    const timers = new FakeTimers();
    const client = new HttpClient(timers);
    client.close();
    assert.deepEqual(await client.getJson({ url: 'http://127.0.0.1:1', ...limits }), {
      ok: false,
      cause: 'closed',
    });
    assert.deepEqual(timers.waiting, []);
  });

  test('whose answer is a failure without end is over with the head, and its connection with it', async (t) => {
    const server = await ApiServer.start();
    t.after(() => server.close());
    const timers = new FakeTimers();
    const answer = new HttpClient(timers).getJson({ url: server.url, ...limits });
    const request = await server.next();
    request.begin(503);
    assert.deepEqual(await answer, { ok: false, status: 503, cause: 'answered 503 Service Unavailable' });
    await request.untilClosed();
    assert.deepEqual(timers.waiting, []);
  });

  const impossible: [title: string, url: string, headers: Record<string, string>][] = [
    ['to no address', 'http://', {}],
    ['with a field that cannot be sent', 'http://127.0.0.1:1', { 'x-consul-token': 'secret\r\nx: y' }],
  ];
  for (const [title, url, headers] of impossible) {
    test(`${title} fails, without its secrets and without anything left behind`, async () => {
      const timers = new FakeTimers();
      const answer = await new HttpClient(timers).getJson({ ...limits, url, headers });
      assert.equal(answer.ok, false);
      assert.doesNotMatch(answer.ok ? '' : answer.cause, /secret/);
      assert.deepEqual(timers.waiting, []);
    });
  }
});
