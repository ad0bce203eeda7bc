import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FakeTimers } from './fake-timers.support.ts';
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
