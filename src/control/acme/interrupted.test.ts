import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { Changes } from '../../../test/support/changes.ts';
import { Pebble } from '../../../test/support/pebble.ts';
import { CutProxy, openPostgresSchema } from '../../../test/support/postgres.ts';
import { systemTimers, type Timers } from '../../lib/timers.ts';
import { StoreConnection } from '../store/store-connection.ts';
import { issueCertificate } from './issue.ts';
import { AcmeKeeper } from './keeper.ts';
import { MemoryStorage } from './memory-storage.support.ts';
import { type AcmeSettings, acmeSchema } from './schema.ts';
import type { AcmeStorage } from './storage.ts';
import { StoreStorage } from './store-storage.ts';

const HOST = 'shop.example.com';
/** Time goes so much faster for nodes, since they wait seconds between two tries. */
const HASTE = 10;
const BEGUN_MS = Date.now();
const HASTY: Timers = {
  nowMs: () => systemTimers.nowMs() * HASTE,
  after: (delayMs, task) => systemTimers.after(delayMs / HASTE, task),
};
/** A lease of a node that died is over by then. */
const LEASE_IS_OVER_MS = 31_000;
/** What a node left behind that nobody needs any more goes by itself. */
const CHALLENGE_IS_OVER_MS = 15 * 60_000 + 1000;

suite('an order at a real ACME server that is interrupted', () => {
  const answers = new Map<string, string>();
  const events = new Changes();
  let plain: Server;
  let pebble: Pebble;
  let shop: AcmeSettings;

  before(async () => {
    plain = createServer((request, response) => {
      const answer = answers.get(String(request.url?.split('/').at(-1)));
      response.writeHead(answer === undefined ? 404 : 200).end(answer);
    });
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const { port } = plain.address() as AddressInfo;
    pebble = await Pebble.start({ httpPort: port, tlsPort: 1, hosts: [HOST] });
    const written = { directory: pebble.directory, hosts: [HOST], termsAgreed: true };
    shop = { ...acmeSchema.parse(written), ca: pebble.ca };
  });
  after(async () => {
    await pebble[Symbol.asyncDispose]();
    plain.close();
    await once(plain, 'close');
  });

  function keeper(node: string, storage: AcmeStorage, log: string[] = []): AcmeKeeper {
    const kept: AcmeKeeper = new AcmeKeeper({
      storage: async () => storage,
      node,
      issue: issueCertificate,
      askRenewalInfo: async () => undefined,
      userAgent: 'portcullis/test',
      timers: HASTY,
      nowMs: () => BEGUN_MS + (Date.now() - BEGUN_MS) * HASTE,
      random: () => 0,
      log: (level, message) => {
        log.push(`${level}: ${message}`);
        events.tell();
      },
      publish: ({ answers: published }) => {
        answers.clear();
        for (const [token, answer] of Object.entries(published)) answers.set(token, answer);
      },
      changed: async () => {
        await kept.pairs({ shop });
        kept.keep({ shop });
        events.tell();
        return undefined;
      },
    });
    return kept;
  }

  const isIssued = (log: readonly string[]) =>
    log.some((line) => line.startsWith('info: certificate shop: issued'));

  // Each stands for all that the node and the server did since the one before it.
  for (const [writes, what, orders] of [
    [1, 'the key of its account', 1],
    [2, 'the address of its account', 1],
    [3, 'its challenges', 2],
    [4, 'its certificate', 2],
    [5, 'that its challenges are over', 1],
  ] as const)
    test(`since its node died before it wrote down ${what} is taken up by the next one`, async () => {
      const counted = ['accounts in memory', 'Added order'].map(
        (line) => [line, pebble.count(line)] as const,
      );
      let aheadMs = 0;
      const storage = new MemoryStorage(() => Date.now() + aheadMs);
      storage.isShared = false;
      const died = Promise.withResolvers<void>();
      keeper('a', dyingAfter(writes - 1, storage, died.resolve)).keep({ shop });
      await died.promise;
      aheadMs = LEASE_IS_OVER_MS;

      const log: string[] = [];
      const next = keeper('b', storage, log);
      await next.pairs({ shop });
      next.keep({ shop });
      await events.until(
        () => next.status()[0]?.state === 'ready',
        'a certificate',
        () => log.join('\n'),
      );
      await next.close();
      assert.deepEqual(
        counted.map(([line, count]) => pebble.count(line) - count),
        [1, orders],
        'accounts and orders of the server',
      );
      assert.equal(storage.accounts.size, 1);
      assert.deepEqual([...storage.certificates.keys()], ['shop']);
      assert.equal((await storage.read()).challenges.length, writes === 5 ? 1 : 0);
      aheadMs += CHALLENGE_IS_OVER_MS;
      assert.deepEqual((await storage.read()).challenges, []);
    });

  for (const [what, method, orders] of [
    ['when its challenges are to be written down is tried again', 'saveChallenges', 2],
    ['when its certificate is to be written down keeps that, and orders no other', 'saveCertificate', 1],
  ] as const)
    test(`since PostgreSQL is lost ${what} as soon as that is back`, async () => {
      await using cleanup = new AsyncDisposableStack();
      const postgres = await openPostgresSchema();
      cleanup.defer(() => postgres.close());
      const proxy = await CutProxy.start(postgres.url);
      cleanup.defer(() => proxy.close());
      const connection = new StoreConnection({
        settings: {
          enabled: true,
          place: { kind: 'postgres', url: proxy.url, schema: postgres.schema, timeoutMs: 1000 },
          keys: ['a key of at least thirty-two characters'],
          pollMs: 1000,
          snapshotFile: '/nowhere/snapshot',
          revisions: 10,
        },
        log: () => {},
      });
      cleanup.defer(() => connection.close());
      const storage = new StoreStorage(connection);
      let cuts = 0;
      const cutting = new Proxy<AcmeStorage>(storage, {
        get(target, name) {
          if (name === method && cuts++ === 0) proxy.cut();
          const member: unknown = Reflect.get(target, name, target);
          return typeof member === 'function' ? member.bind(target) : member;
        },
      });
      const ordered = pebble.count('Added order');
      const log: string[] = [];
      const kept = keeper('a', cutting, log);
      cleanup.defer(() => kept.close());
      await kept.pairs({ shop });
      kept.keep({ shop });
      const isAway = (line: string) =>
        /^error: certificate shop: the order failed: .*; tried again at /.test(line) ||
        line.startsWith('warn: certificates by ACME: the store cannot be used: ');
      await events.until(
        () => log.filter(isAway).length >= 2,
        'an order that failed',
        () => log.join('\n'),
      );
      assert.equal(kept.status()[0]?.state, 'error');
      proxy.mend();
      await events.until(
        () => isIssued(log),
        'a certificate',
        () => log.join('\n'),
        20_000,
      );
      assert.equal(pebble.count('Added order') - ordered, orders);
      assert.ok(log.includes('info: certificates by ACME: the store can be used again'), log.join('\n'));
    });
});

/** As a node sees it that dies before its next write after so many: it hears of nothing any more. */
function dyingAfter(writes: number, storage: AcmeStorage, onDeath: () => void): AcmeStorage {
  const isWrite = (name: string) => name.startsWith('save');
  let done = 0;
  let isDead = false;
  return new Proxy(storage, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        if (isWrite(String(name)) && done++ === writes) {
          isDead = true;
          onDeath();
        }
        return isDead
          ? new Promise(() => {})
          : (member as (...all: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}
