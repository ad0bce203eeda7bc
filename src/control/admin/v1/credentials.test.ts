import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { keyDigest } from '../../../identity/consumers/api-keys.ts';
import { type Received, startApi, type TestApi } from './api.support.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';

const PATH = '/v1/consumers/alice/credentials';
const KEY = 'the-key-of-alice-0123456789';
const FINGERPRINT = `sha256:${'ab'.repeat(32)}`;

describe('The credentials of a consumer', () => {
  const configuration = new FakeConfiguration({ consumers: { filed: {} } });
  let api: TestApi;
  before(async () => {
    api = await startApi(configuration);
    const body = { groups: ['staff'], apiKeys: [{ id: 'laptop', key: KEY }] };
    await api.send({ method: 'PUT', path: '/v1/consumers/alice', body });
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
    assert.deepEqual(api.logged, []);
  });

  const add = (body: unknown, query = '', headers: Record<string, string> = {}): Promise<Received> =>
    api.send({ method: 'POST', path: PATH + query, body, headers });
  const revoke = (what: string, headers: Record<string, string> = {}): Promise<Received> =>
    api.send({ method: 'DELETE', path: `${PATH}/${what}`, headers });
  const codeOf = ({ status, body }: Received) => `${status} ${(body as { code?: string }).code}`;
  const kept = () => configuration.get('consumers', 'alice')?.value ?? {};
  const ids = () => (kept()['apiKeys'] as { id: string }[]).map(({ id }) => id).join();

  it('get a key that the gateway makes, which is told once and kept as a hash, beside those that are there', async () => {
    const made = await add({ apiKey: { id: 'phone', expires: '2099-01-01T00:00:00Z' } });
    assert.equal(made.status, 201, made.text);
    const { key, ...rest } = made.body as { key: string };
    assert.deepEqual(rest, { consumer: 'alice', kind: 'api-keys', id: 'phone' });
    assert.match(key, /^[\w-]{43}$/);
    assert.deepEqual(kept(), {
      groups: ['staff'],
      apiKeys: [
        { id: 'laptop', key: KEY },
        { id: 'phone', expires: '2099-01-01T00:00:00Z', hash: `sha256:${keyDigest(key)}` },
      ],
    });
    assert.equal(made.headers['location'], `${PATH}/api-keys/phone`);
    const read = await api.send({ path: '/v1/consumers/alice' });
    assert.equal(made.headers['etag'], read.headers['etag']);
    assert.ok(!read.text.includes(key) && !made.text.includes(KEY));
  });

  it('get one of any kind that is sent', async () => {
    assert.equal((await add({ apiKey: { id: 'old', key: 'another-key-of-alice-0123456' } })).status, 201);
    const signatureKey = { id: 'signer', algorithm: 'hmac-sha256', secret: 'x'.repeat(40) };
    assert.equal((await add({ signatureKey })).status, 201);
    const { body } = await add({ certificate: { fingerprint: FINGERPRINT } });
    assert.deepEqual(body, { consumer: 'alice', kind: 'certificates', id: FINGERPRINT });
    assert.deepEqual(kept()['signatureKeys'], [signatureKey]);
    assert.equal(ids(), 'laptop,phone,old');
  });

  it('are all there when many are given at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => add({ apiKey: { id: `k${index}` } })),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    assert.equal((kept()['apiKeys'] as unknown[]).length, 11);
    for (let index = 0; index < 8; index++) assert.equal((await revoke(`api-keys/k${index}`)).status, 204);
  });

  it('are revoked one by one', async () => {
    assert.equal((await revoke('api-keys/old')).status, 204);
    assert.equal(ids(), 'laptop,phone');
    assert.equal((await revoke(`certificates/${encodeURIComponent(FINGERPRINT)}`)).status, 204);
    assert.deepEqual(kept()['certificates'], []);
    assert.equal(codeOf(await revoke('api-keys/old')), '404 entity_unknown');
    assert.equal(codeOf(await revoke('passwords/old')), '404 not_found');
  });

  it('obey preconditions, and a dry-run changes nothing', async () => {
    const { revision } = configuration;
    const etag = (await api.send({ path: '/v1/consumers/alice' })).headers['etag'] ?? '';
    const stale = { 'if-match': '"1"' };
    assert.equal(codeOf(await add({ apiKey: { id: 'late' } }, '', stale)), '412 precondition_failed');
    assert.equal(codeOf(await revoke('api-keys/phone', stale)), '412 precondition_failed');
    const planned = await add({ apiKey: { id: 'late' } }, '?dry-run');
    assert.deepEqual([planned.status, (planned.body as { result: string }).result], [200, 'planned']);
    assert.equal((await revoke('api-keys/phone?dry-run')).status, 200);
    assert.equal(configuration.revision, revision);
    assert.equal((await revoke('api-keys/phone', { 'if-match': etag })).status, 204);
  });

  const WRONG: readonly (readonly [title: string, sent: () => Promise<Received>, answer: string])[] = [
    ['a name that is taken', () => add({ apiKey: { id: 'laptop' } }), '409 entity_exists'],
    ['no name', () => add({ apiKey: {} }), '422 body_invalid'],
    ['two at once', () => add({ apiKey: { id: 'a' }, certificate: { san: 'DNS:a' } }), '422 body_invalid'],
    ['none', () => add({}), '422 body_invalid'],
    [
      'what the configuration would be wrong with',
      () => add({ apiKey: { id: 'a', hash: 'sha256:short' } }),
      '422 configuration_refused',
    ],
    [
      'a consumer that is not there',
      () =>
        api.send({ method: 'POST', path: '/v1/consumers/bob/credentials', body: { apiKey: { id: 'a' } } }),
      '404 entity_unknown',
    ],
    [
      'a consumer of the file',
      () =>
        api.send({ method: 'POST', path: '/v1/consumers/filed/credentials', body: { apiKey: { id: 'a' } } }),
      '409 read_only',
    ],
  ];
  for (const [title, sent, answer] of WRONG)
    it(`are not given with ${title}`, async () => assert.equal(codeOf(await sent()), answer));
});
