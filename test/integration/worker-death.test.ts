import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { RunningCli, Workspace } from '../support/cli.ts';
import { DEADLY } from '../support/deadly-policy.ts';
import { Load } from '../support/load.ts';
import { loadConfigWith, targetList } from '../support/load-config.ts';
import { RunningTarget } from '../support/running-target.ts';
import { isIdle, untilService } from '../support/service-status.ts';

/** The real program with two workers, and targets that are processes of their own. */
const LIMIT = { timeout: 60_000 };
const CLIENTS = 16;
const A_WHILE = 60;
const DELAY_MS = 30;

/**
 * One target fails all that it gets, so that retries are waited for at any time. The limit is exactly what the clients have under way: a
 * single one that is not given back would turn clients away for ever.
 */
function config(targets: readonly RunningTarget[]): string {
  return loadConfigWith(`services:
  orders:
    targets: ${targetList(targets)}
    balance: { algorithm: least-requests }
    limits: { requests: ${CLIENTS} }
    breaker: { errorRatio: 1 }
    retry: { backOff: { base: 100ms, max: 100ms }, budget: { ratio: 100 } }
routes:
  orders: { match: { paths: [/orders] }, service: orders }
  die: { match: { paths: [/die] }, policies: [{ ./deadly.ts: {} }], respond: {} }
`);
}

suite('a worker that dies under load', () => {
  test('gives back what it had under way: at targets, of the limit and of the retries', LIMIT, async () => {
    await using well = await RunningTarget.start({ delayMs: DELAY_MS });
    await using ill = await RunningTarget.start({ delayMs: DELAY_MS, status: 503 });
    using files = new Workspace({ 'portcullis.yaml': config([well, ill]), 'deadly.ts': DEADLY });
    await using cli = new RunningCli(['serve'], files.directory);
    const { url, admin } = await cli.ready();
    await using load = new Load(`${url}/orders`, CLIENTS);
    await load.answers(A_WHILE);
    await untilService(
      admin,
      'orders',
      ({ inFlight, retries, targets }) =>
        inFlight > CLIENTS / 2 && retries > 0 && targets.every((target) => target.inFlight > 0),
    );
    await fetch(`${url}/die`).catch(() => {});
    await cli.logged(/^worker \d serves again$/);
    await load.stop();
    await untilService(admin, 'orders', isIdle);

    await using after = new Load(`${url}/orders`, CLIENTS);
    await after.answers(A_WHILE);
    const { broken, others } = await after.stop();
    assert.deepEqual({ broken, others }, { broken: 0, others: {} });
    await untilService(admin, 'orders', isIdle);
  });
});
