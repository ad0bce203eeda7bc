import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { type Pair, TestAuthority } from '../../../test/support/certificates.ts';
import { FakeTimers } from '../../lib/fake-timers.support.ts';
import { AccountKey } from './account-key.ts';
import { AcmeClient } from './client.ts';
import { type Challenge, orderCertificate } from './order.ts';
import { type AcmeAnswer, type AcmeRequest, AcmeTransport } from './transport.ts';

const URL = 'https://acme.example';
const HOST = 'shop.example';

/** What an address answers, the last of them again and again. */
type Script = Readonly<Record<string, readonly object[] | string>>;

/** An ACME server that says what the test has it say. */
class ScriptedServer extends AcmeTransport {
  readonly asked: string[] = [];
  readonly #script: Script;
  readonly #counts = new Map<string, number>();
  readonly #retryAfterMs: number | undefined;

  constructor(script: Script, retryAfterMs?: number) {
    super(undefined, 'test');
    this.#script = script;
    this.#retryAfterMs = retryAfterMs;
  }

  override async send({ method, url }: AcmeRequest): Promise<AcmeAnswer> {
    const path = url.slice(URL.length);
    this.asked.push(`${method} ${path}`);
    const answers = this.#script[path] ?? [];
    const count = this.#counts.get(path) ?? 0;
    this.#counts.set(path, count + 1);
    const answer = typeof answers === 'string' ? answers : (answers[count] ?? answers.at(-1) ?? {});
    return {
      status: 200,
      headers: { 'replay-nonce': 'bm9uY2U', location: `${URL}/order` },
      text: typeof answer === 'string' ? answer : JSON.stringify(answer),
      retryAfterMs: this.#retryAfterMs,
    };
  }
}

const DIRECTORY = [{ newNonce: `${URL}/nonce`, newOrder: `${URL}/order` }];
const order = (status: string, more: object = {}) => ({
  status,
  authorizations: [`${URL}/authorization`],
  finalize: `${URL}/finalize`,
  certificate: `${URL}/certificate`,
  ...more,
});
const authorization = (more: object = {}) => ({
  status: 'pending',
  identifier: { type: 'dns', value: HOST },
  challenges: [{ type: 'http-01', url: `${URL}/challenge`, token: 'T' }],
  ...more,
});
const GOOD = {
  '/directory': DIRECTORY,
  '/order': [order('pending'), order('ready'), order('valid')],
  '/authorization': [authorization(), { status: 'valid' }],
  '/finalize': [order('valid')],
};

suite('an ACME server that is not what it should be', () => {
  let authority: TestAuthority;
  let pair: Pair;
  before(async () => {
    authority = await TestAuthority.make();
    pair = await authority.issue('shop', [HOST]);
  });

  async function ordered(server: ScriptedServer, key = pair.key, timers = new FakeTimers()) {
    const published: Challenge[] = [];
    const result = orderCertificate(
      {
        hosts: [HOST],
        challenge: 'http-01',
        replaces: undefined,
        makeRequest: async () => ({ key, request: 'csr' }),
        publish: async (challenges) => void published.push(...challenges),
      },
      {
        client: new AcmeClient(`${URL}/directory`, server),
        account: { key: await AccountKey.make(), url: `${URL}/account` },
        timers,
        nowMs: Date.now,
        signal: new AbortController().signal,
      },
    );
    return { published, result, timers };
  }

  /** Lets every pause be over at once. */
  async function outcome(script: Script, key?: string) {
    const { published, result, timers } = await ordered(new ScriptedServer(script), key);
    let isOver = false;
    const settled = result.finally(() => {
      isOver = true;
    });
    settled.catch(() => {});
    while (!isOver) {
      timers.advance(1000);
      await new Promise(setImmediate);
    }
    return { published, result: settled };
  }

  test('and one that is: the certificate alone is taken of what it sends', async () => {
    const { published, result } = await outcome({
      ...GOOD,
      '/certificate': `text before\n${pair.cert}text between\n${authority.cert}-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n`,
    });
    const { cert } = await result;
    assert.equal(cert.replaceAll('\n', ''), (pair.cert + authority.cert).replaceAll('\n', ''));
    assert.deepEqual(
      published.map(({ host, token }) => [host, token]),
      [[HOST, 'T']],
    );
  });

  for (const [what, change, message] of [
    [
      'has another host proved',
      { '/authorization': [authorization({ identifier: { type: 'dns', value: 'bank.example' } })] },
      'the ACME server wants a host proved that was not ordered',
    ],
    [
      'has more proved than was ordered',
      { '/order': [order('pending', { authorizations: Array(1000).fill(`${URL}/authorization`) })] },
      'the ACME server wants more proved than was ordered',
    ],
    [
      'gives a token that leads elsewhere',
      { '/authorization': [authorization({ challenges: [{ type: 'http-01', url: URL, token: '../x' }] })] },
      'the ACME server gave a token that is none',
    ],
    [
      'never comes to an end',
      { '/order': [order('pending'), order('processing')] },
      'the ACME server was not done within 300 s',
    ],
    [
      'sends no certificate',
      { '/certificate': 'nothing' },
      'the ACME server sent something that is no certificate',
    ],
  ] as const) {
    test(`that ${what} is refused, and its order fails`, async () => {
      const { published, result } = await outcome({ ...GOOD, ...change });
      await assert.rejects(result, { name: 'AcmeProblem', message });
      if ('/authorization' in change) assert.deepEqual(published, [], 'nothing is answered for it');
    });
  }

  test('that sends certificates without end is refused', async () => {
    const { result } = await outcome({ ...GOOD, '/certificate': pair.cert + authority.cert.repeat(10) });
    await assert.rejects(result, {
      message: 'the ACME server sent a certificate in a chain of 11, where 10 are the most',
    });
  });

  test('that sends a certificate which TLS has no use for is refused, before the workers would', async () => {
    const weak = await authority.issue('weak', [HOST], { rsaBits: 1024 });
    const { result } = await outcome({ ...GOOD, '/certificate': weak.cert }, weak.key);
    await assert.rejects(result, {
      message: /^the ACME server sent a certificate that TLS has no use for: .*key too small/,
    });
  });

  test('that wants to be asked again at once is given time', async () => {
    const server = new ScriptedServer({ ...GOOD, '/order': [order('pending'), order('processing')] }, 0);
    const { result, timers } = await ordered(server);
    result.catch(() => {});
    await timers.untilWaiting(0);
    timers.advance(0);
    await timers.untilWaiting(250);
    const asked = server.asked.length;
    await new Promise(setImmediate);
    assert.equal(server.asked.length, asked);
    for (let waited = 0; waited <= 300_000; waited += 250) {
      timers.advance(250);
      await new Promise(setImmediate);
    }
    await assert.rejects(result, { type: 'tooSlow' });
  });
});
