import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { afterEach, before, beforeEach, suite, test } from 'node:test';
import { type Pair, TestAuthority } from '../../../test/support/certificates.ts';
import { Changes, turns } from '../../../test/support/changes.ts';
import { FakeTimers } from '../../lib/fake-timers.support.ts';
import type { ChallengesNews } from '../../server/challenges.ts';
import type { IssueContext } from './issue.ts';
import { AcmeKeeper, LOOK_MS } from './keeper.ts';
import { MemoryStorage } from './memory-storage.support.ts';
import { AcmeProblem } from './problem.ts';
import type { RenewalInfo } from './renewal-info.ts';
import { type AcmeSettings, acmeSchema } from './schema.ts';

const DAY_MS = 86_400_000;
const shop = acmeSchema.parse({ hosts: ['shop.example'], termsAgreed: true });

/** An order that the test ends. */
interface Order extends PromiseWithResolvers<Pair> {
  readonly node: string;
  readonly settings: AcmeSettings;
  readonly context: IssueContext;
}

suite('a keeper of certificates', () => {
  let authority: TestAuthority;
  let pair: Pair;
  let other: Pair;
  let timers: FakeTimers;
  let storage: MemoryStorage;
  let startMs: number;
  let orders: Order[];
  let log: string[];
  let news: Record<string, ChallengesNews[]>;
  let changed: string[];
  /** Why workers refuse certificates; undefined: they do not. */
  let refusal: string | undefined;
  let wanted: Readonly<Record<string, AcmeSettings>>;
  let keepers: AcmeKeeper[];
  /** What the authority says of when to renew. */
  let wish: () => RenewalInfo | undefined;
  const events = new Changes();

  before(async () => {
    authority = await TestAuthority.make();
    pair = await authority.issue('shop', ['shop.example']);
    other = await authority.issue('shop', ['shop.example']);
  });

  beforeEach(() => {
    timers = new FakeTimers();
    storage = new MemoryStorage(() => startMs + timers.nowMs());
    // A certificate of TestAuthority begins an hour before it is made, and lasts for 25.
    startMs = new X509Certificate(pair.cert).validFromDate.getTime();
    orders = [];
    log = [];
    news = {};
    changed = [];
    refusal = undefined;
    wanted = { shop };
    keepers = [];
    wish = () => undefined;
  });

  afterEach(async () => {
    for (const order of orders) order.reject(new Error('over'));
    await Promise.all(keepers.map((made) => made.close()));
  });

  function keeper(node = 'a'): AcmeKeeper {
    const made = new AcmeKeeper({
      storage: async () => storage,
      node,
      issue: (settings, context) => {
        const order = { node, settings, context, ...Promise.withResolvers<Pair>() };
        orders.push(order);
        events.tell();
        return order.promise;
      },
      askRenewalInfo: async () => wish(),
      userAgent: 'test',
      timers,
      nowMs: () => startMs + timers.nowMs(),
      random: () => 0.5,
      log: (level, message) => log.push(`${level}: ${message}`),
      publish: (said) => {
        (news[node] ??= []).push(said);
        events.tell();
      },
      changed: async () => {
        changed.push(node);
        if (refusal !== undefined) return refusal;
        // A gateway completes its configuration anew, and puts it into force.
        await made.pairs(wanted);
        made.keep(wanted);
        return undefined;
      },
    });
    keepers.push(made);
    return made;
  }

  /** Time goes on for a node, which looks around until it has nothing more to do now. */
  async function pass(ms: number): Promise<void> {
    timers.advance(ms);
    await turns(20);
  }

  const orderNumber = (index: number) =>
    events.until(() => orders.length > index, `order ${index}`).then(() => orders[index] as Order);

  test('serves something that nobody vouches for until there is a certificate, and says when there is', async () => {
    const kept = keeper();
    const first = (await kept.pairs({ shop }))['shop'] as Pair;
    assert.equal(new X509Certificate(first.cert).checkHost('shop.example'), 'shop.example');
    assert.deepEqual((await kept.pairs({ shop }))['shop'], first, 'it stays the same');
    kept.keep({ shop });
    await pass(0);
    assert.equal(kept.status()[0]?.state, 'pending');
    (await orderNumber(0)).resolve(pair);
    await turns(20);
    assert.deepEqual(changed, ['a']);
    assert.deepEqual((await kept.pairs({ shop }))['shop'], pair);
    assert.equal(kept.status()[0]?.state, 'ready');
    assert.deepEqual(log, [
      'info: certificate shop: ordered at https://acme-v02.api.letsencrypt.org/directory',
      `info: certificate shop: issued, to be renewed at ${new Date(startMs + 16.25 * 3_600_000).toISOString()}`,
    ]);
  });

  test('renews when two thirds of its life are over, a little sooner by chance', async () => {
    const kept = keeper();
    kept.keep({ shop });
    await pass(0);
    orders[0]?.resolve(pair);
    await turns(20);
    // Of 25 hours a third is left after 16:40; half of a tenth of that third sooner is 16:15.
    await pass(16.24 * 3_600_000);
    assert.equal(orders.length, 1);
    await pass(0.02 * 3_600_000);
    assert.equal(orders.length, 2);
    orders[1]?.resolve(other);
    await turns(20);
    assert.deepEqual((await kept.pairs({ shop }))['shop'], other);
  });

  test('renews when the authority suggests it, and tells it which certificate is replaced', async () => {
    const at = startMs + 5 * 3_600_000;
    wish = () => ({ startMs: at, endMs: at + 0.4, explanation: undefined, retryAfterMs: undefined });
    const kept = keeper();
    kept.keep({ shop });
    await pass(0);
    orders[0]?.resolve(pair);
    await turns(20);
    await pass(LOOK_MS);
    assert.equal(kept.status()[0]?.renewAtMs, at);
    assert.equal(orders[0]?.context.replaces, undefined);
    await pass(5 * 3_600_000 - 2 * LOOK_MS);
    assert.equal(orders.length, 1);
    await pass(LOOK_MS);
    assert.equal(orders[1]?.context.replaces, pair.cert);
  });

  test('orders once for all nodes, and the others get it within a second', async () => {
    const [a, b] = [keeper('a'), keeper('b')];
    for (const kept of [a, b]) {
      await kept.pairs({ shop });
      kept.keep({ shop });
    }
    await pass(0);
    for (let i = 0; i < 5; i++) await pass(LOOK_MS);
    assert.equal(orders.length, 1);
    orders[0]?.resolve(pair);
    await turns(20);
    await pass(LOOK_MS);
    assert.deepEqual(changed.toSorted(), ['a', 'b']);
    assert.deepEqual((await b.pairs({ shop }))['shop'], pair);
    await pass(LOOK_MS);
    assert.equal(orders.length, 1);
  });

  test('takes over from a node that died within half a minute', async () => {
    await storage.lease('a', 30_000);
    keeper('b').keep({ shop });
    for (let i = 0; i < 29; i++) await pass(LOOK_MS);
    assert.equal(orders.length, 0);
    for (let i = 0; i < 3; i++) await pass(LOOK_MS);
    assert.equal(orders.length, 1);
    assert.equal(storage.holder, 'b');
  });

  test('has every node answer challenges before the server is told, and no longer than needed', async () => {
    const [a, b] = [keeper('a'), keeper('b')];
    for (const kept of [a, b]) kept.keep({ shop });
    await pass(0);
    const order = await orderNumber(0);
    const challenge = {
      type: 'http-01',
      host: 'shop.example',
      token: 'T',
      keyAuthorization: 'T.print',
    } as const;
    let isTold = false;
    const published = order.context.publish([challenge]).then(() => {
      isTold = true;
    });
    await turns(20);
    await pass(LOOK_MS);
    const answers = { kind: 'challenges', answers: { T: 'T.print' }, certificates: {} };
    assert.deepEqual(news, { a: [answers], b: [answers] });
    assert.equal(isTold, false);
    await pass(LOOK_MS);
    await pass(LOOK_MS);
    await published;
    order.resolve(pair);
    await turns(20);
    await pass(LOOK_MS);
    const none = { kind: 'challenges', answers: {}, certificates: {} };
    assert.deepEqual(news, { a: [answers, none], b: [answers, none] });
    assert.deepEqual(keeper('c').news(), [], 'a node that came later was told nothing');
  });

  test('a challenge of tls-alpn-01 becomes a certificate with its digest', async () => {
    const kept = keeper();
    kept.keep({ shop });
    await pass(0);
    const { context } = await orderNumber(0);
    void context.publish([
      { type: 'tls-alpn-01', host: 'shop.example', token: 'T', keyAuthorization: 'T.print' },
    ]);
    await events.until(() => news['a'] !== undefined, 'news');
    const made = news['a']?.[0]?.certificates['shop.example'] as Pair;
    assert.equal(new X509Certificate(made.cert).subjectAltName, 'DNS:shop.example');
  });

  for (const [what, problem, waits] of [
    [
      'a server that is away',
      new AcmeProblem('unreachable', 'no route'),
      [3.75, 7.5, 15].map((s) => s * 1000),
    ],
    [
      'a refusal',
      new AcmeProblem('unauthorized', 'shop.example: wrong answer', { status: 403 }),
      [225, 450, 900].map((s) => s * 1000),
    ],
    [
      'a limit of the authority',
      new AcmeProblem('rateLimited', 'too many certificates', { status: 429, retryAfterMs: DAY_MS }),
      [DAY_MS, DAY_MS, DAY_MS],
    ],
    ['anything else', new TypeError('a fault of ours'), [225, 450, 900].map((s) => s * 1000)],
  ] as const) {
    test(`tries again after ${what}, later each time, and says why`, async () => {
      const kept = keeper();
      kept.keep({ shop });
      await pass(0);
      for (const [i, waitMs] of waits.entries()) {
        orders[i]?.reject(problem);
        await turns(20);
        const [status] = kept.status();
        assert.equal(status?.state, 'error');
        assert.equal(status?.reason, problem.message);
        assert.equal(status?.failures, i + 1);
        assert.equal(status?.retryAtMs, startMs + timers.nowMs() + waitMs);
        await pass(waitMs - LOOK_MS - 1);
        assert.equal(orders.length, i + 1);
        await pass(LOOK_MS + 1);
        await pass(LOOK_MS);
        assert.equal(orders.length, i + 2);
      }
      orders.at(-1)?.resolve(pair);
      await turns(20);
      const [status] = kept.status();
      assert.equal(status?.state, 'ready');
      assert.equal(status?.failures, 0);
      assert.deepEqual(status?.orders, { issued: 1, failed: 3 });
    });
  }

  test('of a failure with other settings nothing is remembered', async () => {
    const kept = keeper();
    kept.keep({ shop });
    await pass(0);
    orders[0]?.reject(new AcmeProblem('unauthorized', 'wrong answer'));
    await turns(20);
    kept.keep({ shop: { ...shop, challenge: 'tls-alpn-01' } });
    await pass(LOOK_MS);
    assert.equal(orders.length, 2);
  });

  test('a restart orders nothing where there is a certificate, and keeps waiting where there was a failure', async () => {
    const kept = keeper();
    const blog = acmeSchema.parse({ hosts: ['blog.example'], termsAgreed: true });
    wanted = { shop, blog };
    kept.keep(wanted);
    await pass(0);
    orders[0]?.resolve(pair);
    await turns(20);
    await pass(LOOK_MS);
    orders[1]?.reject(new AcmeProblem('unauthorized', 'wrong answer'));
    await turns(20);
    await kept.close();
    const again = keeper();
    assert.deepEqual((await again.pairs({ shop }))['shop'], pair);
    again.keep({ shop, blog });
    for (let i = 0; i < 5; i++) await pass(LOOK_MS);
    assert.equal(orders.length, 2);
    assert.deepEqual(
      again.status().map(({ name, state, reason }) => ({ name, state, reason })),
      [
        { name: 'shop', state: 'ready', reason: undefined },
        { name: 'blog', state: 'error', reason: 'wrong answer' },
      ],
    );
  });

  test('other hosts are another order, and the certificate before serves until then', async () => {
    const kept = keeper();
    kept.keep({ shop });
    await pass(0);
    orders[0]?.resolve(pair);
    await turns(20);
    const more = { ...shop, hosts: ['shop.example', 'www.shop.example'] };
    kept.keep({ shop: more });
    await pass(LOOK_MS);
    assert.equal(orders.length, 2);
    assert.deepEqual(orders[1]?.settings.hosts, more.hosts);
    assert.deepEqual((await kept.pairs({ shop: more }))['shop'], pair);
  });

  test('a store that is away is told of once, and nothing is ordered meanwhile', async () => {
    storage.outage = new Error('no connection');
    const kept = keeper();
    assert.ok((await kept.pairs({ shop }))['shop']);
    kept.keep({ shop });
    for (let i = 0; i < 3; i++) await pass(LOOK_MS);
    assert.equal(orders.length, 0);
    storage.outage = undefined;
    await pass(LOOK_MS);
    assert.equal(orders.length, 1);
    assert.deepEqual(log, [
      'warn: certificates by ACME: the store cannot be used: no connection',
      'info: certificates by ACME: the store can be used again',
      'info: certificate shop: ordered at https://acme-v02.api.letsencrypt.org/directory',
    ]);
  });

  test('a start without the store serves what was known last, and what the store has when it is back', async () => {
    const record = { name: 'shop', ordered: '', issuedAtMs: startMs, renewAtMs: startMs + DAY_MS };
    storage.kept = new Map([['shop', { ...record, ...pair }]]);
    await storage.saveCertificate({ ...record, ...other });
    storage.outage = new Error('no connection');
    const kept = keeper();
    assert.deepEqual((await kept.pairs({ shop }))['shop'], pair);
    kept.keep({ shop });
    await pass(LOOK_MS);
    assert.deepEqual(changed, []);
    storage.outage = undefined;
    await pass(LOOK_MS);
    assert.deepEqual(changed, ['a']);
    assert.deepEqual((await kept.pairs({ shop }))['shop'], other);
  });

  test('a start without the store and without a copy serves a stand-in until the store is back', async () => {
    await storage.saveCertificate({
      name: 'shop',
      ordered: '',
      ...pair,
      issuedAtMs: startMs,
      renewAtMs: startMs,
    });
    storage.outage = new Error('no connection');
    const kept = keeper();
    assert.notDeepEqual((await kept.pairs({ shop }))['shop'], pair);
    kept.keep({ shop });
    await pass(LOOK_MS);
    storage.outage = undefined;
    await pass(LOOK_MS);
    assert.deepEqual(changed, ['a']);
  });

  test('a certificate that could not be written down is not ordered again at once', async () => {
    const kept = keeper();
    kept.keep({ shop });
    await pass(0);
    const whole = {
      saveCertificate: storage.saveCertificate.bind(storage),
      saveFailure: storage.saveFailure.bind(storage),
    };
    storage.saveCertificate = () => Promise.reject(new Error('the disk is full'));
    storage.saveFailure = () => Promise.reject(new Error('the disk is full'));
    orders[0]?.resolve(pair);
    await turns(20);
    await pass(LOOK_MS);
    assert.equal(kept.status()[0]?.reason, 'the disk is full');
    for (let i = 0; i < 20; i++) await pass(LOOK_MS);
    assert.equal(orders.length, 1);
    storage.saveCertificate = whole.saveCertificate;
    storage.saveFailure = whole.saveFailure;
    for (let i = 0; i < 60; i++) await pass(LOOK_MS);
    assert.equal(orders.length, 1);
    assert.equal(storage.certificates.get('shop')?.cert, pair.cert);
    assert.equal(kept.status()[0]?.state, 'ready');
  });

  test('a certificate that the workers refuse is offered again, later each time, and its status says why', async () => {
    const kept = keeper();
    await kept.pairs({ shop });
    kept.keep({ shop });
    await pass(0);
    refusal = 'worker 1: no memory';
    orders[0]?.resolve(pair);
    await turns(20);
    const offered = [timers.nowMs()];
    for (let i = 0; i < 20; i++) {
      const offers = changed.length;
      await pass(LOOK_MS);
      if (changed.length > offers) offered.push(timers.nowMs());
    }
    assert.deepEqual(
      offered.map((atMs) => atMs / 1000),
      [0, 2, 6, 14],
    );
    const { state, isServed, reason, failures, retryAtMs } = kept.status()[0] ?? assert.fail();
    assert.deepEqual(
      { state, isServed, reason, failures, retryAtMs },
      {
        state: 'error',
        isServed: false,
        reason: 'worker 1: no memory',
        failures: 0,
        retryAtMs: startMs + 30_000,
      },
    );
    refusal = undefined;
    for (let i = 0; i < 15; i++) await pass(LOOK_MS);
    assert.deepEqual([kept.status()[0]?.state, kept.status()[0]?.isServed], ['ready', true]);
    assert.equal(changed.length, 5);
    assert.ok(
      log.includes(
        `error: certificates by ACME are not put into force: worker 1: no memory; tried again at ${new Date(startMs + 2000).toISOString()}`,
      ),
    );
  });

  test('waits for nothing when it is closed', async () => {
    const kept = keeper();
    kept.keep({ shop });
    await pass(0);
    const { context, reject } = await orderNumber(0);
    const published = context.publish([
      { type: 'http-01', host: 'shop.example', token: 'T', keyAuthorization: 'T.print' },
    ]);
    await turns(20);
    const closed = kept.close();
    await published;
    reject(new Error('closed'));
    await closed;
    assert.deepEqual((await storage.read()).challenges, []);
  });
});
