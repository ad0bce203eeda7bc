import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo } from './validate.support.ts';

test('report counts a request that is wrong once, and lets it pass', async () => {
  const query = { schema: { type: 'object', required: ['a'] } };
  const body = { content: { 'application/json': { schema: { type: 'object' } } } };
  const headers = { 'Content-Type': 'application/json' };
  for (const [asked, events] of [
    [{ url: '/?a=1', headers, body: '{}' }, []],
    [{ headers, body: '{}' }, ['request_reported']],
    [{ url: '/?a=1', headers, body: '[]' }, ['request_reported']],
    // The head is wrong, and the body, too.
    [{ headers, body: '[]' }, ['request_reported']],
    [{ headers: { 'Content-Type': 'application/xml' }, body: '<a/>' }, ['request_reported']],
  ] as const) {
    const counted: string[] = [];
    assert.equal(await answerTo({ mode: 'report', query, body }, asked, counted), undefined);
    assert.deepEqual(counted, events, JSON.stringify(asked));
  }
});

test('enforce counts a request that is wrong once', async () => {
  const counted: string[] = [];
  const answer = await answerTo({ query: { schema: { type: 'object', required: ['a'] } } }, {}, counted);
  assert.equal(answer?.code, 'invalid_request');
  assert.deepEqual(counted, ['request_refused']);
});
