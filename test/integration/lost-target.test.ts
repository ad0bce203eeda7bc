import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { RunningCli, Workspace } from '../support/cli.ts';
import { epochMs, Load, type Received } from '../support/load.ts';
import { loadConfigWith, targetList } from '../support/load-config.ts';
import { RunningTarget, startTargets } from '../support/running-target.ts';
import { isIdle, untilService } from '../support/service-status.ts';

/** The real program with two workers, and targets that are processes of their own. */
const LIMIT = { timeout: 60_000 };
const READERS = 12;
const WRITERS = 4;
/** So that there is always something under way at each target. */
const DELAY_MS = 20;
/** Answers between one step of the story and the next. */
const A_WHILE = 200;
const RAMP_MS = 3000;
/** Clocks of two processes, and the lines of their logs, agree within this. */
const MOMENT_MS = 50;

/**
 * Two attempts, the default. A third of the requests under way come back at once when one of three targets dies, and all that are sent there
 * until it is found out: the default budget of a fifth is for less.
 */
function config(targets: readonly RunningTarget[]): string {
  return loadConfigWith(`services:
  orders:
    targets: ${targetList(targets)}
    balance: { algorithm: least-requests, slowStart: ${RAMP_MS}ms }
    health:
      active: { path: /healthz, interval: 200ms, unhealthyAfter: 2, healthyAfter: 2 }
      passive: {}
    retry: { budget: { ratio: 100 } }
routes:
  orders: { match: { paths: [/orders] }, service: orders }
`);
}

/** The part of the requests that were sent between two times which a target answered. */
function share(received: readonly Received[], target: RunningTarget, fromMs: number, toMs: number): number {
  const sent = received.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs);
  return sent.filter(({ target: name }) => name === target.name).length / sent.length;
}

async function untilTime(load: Load, ms: number): Promise<void> {
  while (epochMs() < ms) await load.answers(1);
}

suite('one of three targets, under load', () => {
  test(
    'is killed and no idempotent request fails; it comes back, and so does its traffic, bit by bit',
    LIMIT,
    async (t) => {
      await using stack = new AsyncDisposableStack();
      const targets = await startTargets(stack, 3, { delayMs: DELAY_MS });
      using files = new Workspace({ 'portcullis.yaml': config(targets) });
      await using cli = new RunningCli(['serve'], files.directory);
      const { url, admin } = await cli.ready();
      const lost = targets[1] as RunningTarget;
      await using reads = new Load(`${url}/orders`, READERS);
      await using writes = new Load(`${url}/orders`, WRITERS, 'POST');
      await reads.answers(A_WHILE);
      await untilService(admin, 'orders', (status) => status.targets.every(({ health }) => health === 'up'));

      await lost.kill();
      const killedMs = epochMs();
      await untilService(admin, 'orders', ({ counts }) => counts.down + counts.ejected > 0);
      const decidedMs = epochMs();
      await untilService(admin, 'orders', ({ counts }) => counts.down === 1);
      await Promise.all([reads.answers(A_WHILE), writes.answers(A_WHILE / 2)]);

      const back = stack.use(await RunningTarget.start({ delayMs: DELAY_MS }, lost.port));
      const { time } = await cli.logged(`target ${back.url} of orders is well again`);
      const backMs = Date.parse(String(time));
      const window = RAMP_MS / 3;
      await untilTime(reads, backMs + RAMP_MS + 2 * window);
      const [read, written] = [await reads.stop(), await writes.stop()];
      await untilService(admin, 'orders', isIdle);

      const failed = writes.received.filter(({ status }) => status !== 200);
      const warming = [0, 1, 2].map((i) =>
        share(reads.received, back, backMs + i * window, backMs + (i + 1) * window),
      );
      const warm = share(reads.received, back, backMs + RAMP_MS + window, backMs + RAMP_MS + 2 * window);
      t.diagnostic(
        `${read.answered} reads and ${written.answered} writes answered, ${failed.length} writes failed; ` +
          `decided ${Math.round(decidedMs - killedMs)} ms after the end; ` +
          `shares while it warms up ${warming.map((part) => part.toFixed(3)).join(', ')}, then ${warm.toFixed(3)}`,
      );

      assert.deepEqual([read.broken, read.others], [0, {}]);
      // A write that was under way may have been carried out: it is not sent again.
      assert.ok(failed.length <= WRITERS);
      for (const { status, sentMs } of failed)
        assert.ok(
          status === 502 && sentMs < decidedMs,
          `${status}, sent ${sentMs - killedMs} ms after the end`,
        );
      assert.equal(share(reads.received, back, decidedMs, backMs - MOMENT_MS), 0);
      const [first = 1, second = 1, third = 1] = warming;
      assert.ok(first < 0.2 && first < second && second < third, 'its share begins small and grows');
      assert.ok(warm > 0.25 && warm < 0.42, 'its share is about a third in the end');
    },
  );
});
