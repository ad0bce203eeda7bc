import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Received, startApi, type TestApi } from './api.support.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';

/** The revision in force is 2 whenever one is asked. */
const IN_FORCE = 2;
const WHOLE = 'The whole is changed by If-Match with the ETag of an export, or by ?follows=';
const WEAK = 'A weak tag matches no version in If-Match: send the ETag as it was answered';
const CHANGED = 'It has changed meanwhile: read it again, then change that';
const MALFORMED = 'If-Match and If-None-Match take entity tags or *';
const OUTDATED = 'It was planned for another revision; 2 is in force by now';

const CASES: readonly [headers: Record<string, string>, query: string, answer: readonly unknown[]][] = [
  [{}, '', [200]],
  [{ 'if-match': '"2"' }, '', [200]],
  [{ 'if-match': '"2.yaml"' }, '', [200]],
  [{ 'if-match': '"1", "2"' }, '', [200]],
  [{ 'if-match': '*' }, '', [200]],
  [{ 'if-match': '"2"' }, '&follows=2', [200]],
  [{ 'if-match': '"1"' }, '', [412, 'revision_outdated', OUTDATED]],
  [{ 'if-match': '"3"' }, '', [412, 'revision_outdated', OUTDATED]],
  [{ 'if-match': '"2"' }, '&follows=1', [412, 'precondition_failed', CHANGED]],
  [{ 'if-match': '"file-0123"' }, '', [412, 'precondition_failed', CHANGED]],
  [{ 'if-match': 'W/"2"' }, '', [412, 'precondition_failed', WEAK]],
  [{ 'if-match': '2' }, '', [400, 'precondition_malformed', MALFORMED]],
  [{ 'if-none-match': '*' }, '', [400, 'precondition_unsupported', WHOLE]],
  [{ 'if-unmodified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' }, '', [400, 'precondition_unsupported', WHOLE]],
];

describe('A change of the whole', () => {
  const configuration = new FakeConfiguration();
  let api: TestApi;
  const service = (port: number) => ({ services: { a: { url: `http://127.0.0.1:${port}` } } });
  const apply = (port: number, headers: Record<string, string> = {}, query = ''): Promise<Received> =>
    api.send({ method: 'POST', path: `/v1/apply${query}`, headers, body: service(port) });
  before(async () => {
    api = await startApi(configuration);
    for (const port of [1, 2]) await apply(port);
    assert.equal(configuration.revision, IN_FORCE);
  });
  after(() => api[Symbol.asyncDispose]());

  for (const [headers, query, [status, code, title]] of CASES) {
    const told = `${JSON.stringify(headers)}${query}: ${[status, code].join(' ')}`;
    for (const [what, send] of [
      ['apply', () => apply(3, headers, `?dry-run${query}`)],
      [
        'rollback',
        () => api.send({ method: 'POST', path: `/v1/revisions/1/rollback?dry-run${query}`, headers }),
      ],
    ] as const)
      it(`${what} with ${told}`, async () => {
        const received = await send();
        const body = received.body as { code?: string; title?: string };
        assert.deepEqual([received.status, body.code, body.title], [status, code, title]);
      });
  }

  it('is made of what was exported, by the ETag of that, once', async () => {
    for (const accept of ['application/json', 'application/yaml']) {
      const { etag = '' } = (await api.send({ path: '/v1/export', headers: { accept } })).headers;
      const port = configuration.revision + 10;
      assert.equal((await apply(port, { 'if-match': etag })).status, 200, etag);
      assert.equal((await apply(port + 1, { 'if-match': etag })).status, 412, etag);
    }
  });

  it('has no ETag of an export with what the file has, which changes without a revision', async () =>
    assert.equal((await api.send({ path: '/v1/export?origin=all' })).headers['etag'], undefined));
});
