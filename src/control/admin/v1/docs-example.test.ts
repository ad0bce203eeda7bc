import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readCurl } from '../../../../test/support/curl.ts';
import { fencesOf } from '../../../../test/support/markdown.ts';
import { type Received, startApi, type TestApi } from './api.support.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';

const page = fileURLToPath(new URL('../../../../docs/admin-api.md', import.meta.url));
const fences = fencesOf(readFileSync(page, 'utf8'));

describe('The walk in docs/admin-api.md', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi(new FakeConfiguration());
  });
  after(() => api[Symbol.asyncDispose]());

  for (const [at, { language, text, line }] of fences.entries()) {
    if (language !== 'sh') continue;
    const next = fences[at + 1];
    it(`is answered as the page says: line ${line}`, async () => {
      let last: Received | undefined;
      for (const command of text.trimEnd().split('\n')) {
        const { method, url, headers, body } = readCurl(command);
        const { pathname, search, host } = new URL(url);
        assert.equal(host, '127.0.0.1:9900');
        last = await api.send({ method, path: pathname + search, headers, body });
        if (next?.language !== 'json') assert.ok(last.status < 300, last.text);
      }
      if (next?.language === 'json') assert.deepEqual(last?.body, JSON.parse(next.text));
    });
  }
});
