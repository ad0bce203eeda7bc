import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { RunningCli, Workspace } from '../support/cli.ts';
import { Load } from '../support/load.ts';
import { loadConfigWith, targetList, WORKERS } from '../support/load-config.ts';
import {
  arrivalsAt,
  type RunningTarget,
  startTargets,
  type TargetBehaviour,
} from '../support/running-target.ts';
import { isIdle, untilService } from '../support/service-status.ts';

/** The real program with two workers, and targets that are processes of their own. */
const LIMIT = { timeout: 60_000 };
const CLIENTS = 16;
/** The least number of retries that there may be in any case; the default, as the ratio is. */
const LEAST = 3;

function config(targets: readonly RunningTarget[]): string {
  return loadConfigWith(`services:
  orders:
    targets: ${targetList(targets)}
    retry: { attempts: 5, on: [connect, reset, 5xx], backOff: { base: 0s, max: 0s } }
routes:
  orders: { match: { paths: [/orders] }, service: orders }
`);
}

const STORMS: readonly [title: string, behaviour: TargetBehaviour, requests: number, status: number][] = [
  ['is answered with 503 at once', { status: 503 }, 2000, 503],
  ['is answered with 503 after a while', { status: 503, delayMs: 50 }, 500, 503],
  ['has its connection reset', { reset: true }, 2000, 502],
];

suite('while every request', () => {
  for (const [title, behaviour, requests, status] of STORMS) {
    test(`${title}, the targets are asked 1.2 times as often as the gateway`, LIMIT, async (t) => {
      await using stack = new AsyncDisposableStack();
      const targets = await startTargets(stack, 2, behaviour);
      using files = new Workspace({ 'portcullis.yaml': config(targets) });
      await using cli = new RunningCli(['serve'], files.directory);
      const { url, admin } = await cli.ready();
      await using load = new Load(`${url}/orders`, CLIENTS);
      await load.ends(requests);
      const { others, broken } = await load.stop();
      const offered = load.received.length;
      const asked = (await arrivalsAt(targets)).length;
      t.diagnostic(
        `${offered} requests were ${asked} attempts: ${(asked / offered).toFixed(3)} times as many`,
      );
      assert.deepEqual({ others, broken }, { others: { [status]: offered }, broken: 0 });
      // Each worker may make one too many, as it looks at the budget before it takes of it.
      assert.ok(asked <= 1.2 * offered + LEAST + WORKERS, `${asked} attempts for ${offered} requests`);
      assert.ok(asked > 1.1 * offered, 'it does make retries');
      await untilService(admin, 'orders', isIdle);
    });
  }
});
