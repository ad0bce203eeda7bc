import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { RunningCli, Workspace } from '../support/cli.ts';
import { epochMs, type Received, SteadyLoad } from '../support/load.ts';
import { loadConfigWith, targetList } from '../support/load-config.ts';
import { arrivalsAt, type RunningTarget, startTargets } from '../support/running-target.ts';
import { isIdle, untilService } from '../support/service-status.ts';

/** The real program with two workers, and targets that are processes of their own. */
const LIMIT = { timeout: 60_000 };
const PER_SECOND = 100;
const SLOW_MS = 2000;
const PROBES = 3;
const OPEN_MS = 1000;
const RAMP_MS = 2000;
const FALLBACK = 503;
/**
 * In 99 of 100. Other processes may keep this one, or the gateway, from a processor for longer: an answer that a route has without any
 * service, asked for at the same times, tells when they do.
 */
const FALLBACK_MS = 5;
/** What chance makes of the two, on a machine that is busy. */
const NOISE = 3;

/** Open times do not grow here, so that the recovery need not be waited for longer than it takes. */
function config(targets: readonly RunningTarget[]): string {
  return loadConfigWith(`services:
  search:
    targets: ${targetList(targets)}
    balance: { algorithm: least-requests }
    breaker:
      slowAfter: 500ms
      openFor: ${OPEN_MS}ms
      maxOpenFor: ${OPEN_MS}ms
      probes: ${PROBES}
      closeAfter: ${PROBES}
      rampUp: ${RAMP_MS}ms
    fallback: { respond: { status: ${FALLBACK}, body: try again later } }
routes:
  search: { match: { paths: [/search] }, service: search }
  control: { match: { paths: [/control] }, respond: { status: ${FALLBACK}, body: try again later } }
`);
}

/** How many of these times are in each window of so many milliseconds. */
function perWindow(times: readonly number[], fromMs: number, windowMs: number, windows: number): number[] {
  return Array.from({ length: windows }, (_, i) => {
    const start = fromMs + i * windowMs;
    return times.filter((ms) => ms >= start && ms < start + windowMs).length;
  });
}

/** The time that 99 of 100 answers took at most. */
function p99(hundred: readonly Received[]): number {
  const times = hundred.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return times[98] ?? Number.POSITIVE_INFINITY;
}

/** The lowest of any hundred answers in a row: what other processes take in a moment is not the gateway's time. */
function bestP99(received: readonly Received[]): number {
  const windows = Math.max(0, received.length - 99);
  return Math.min(...Array.from({ length: windows }, (_, i) => p99(received.slice(i, i + 100))));
}

suite('all targets of a service, slow', () => {
  test(
    'open its breaker: the fallback answers at once, and when they recover they are not stormed',
    LIMIT,
    async (t) => {
      await using stack = new AsyncDisposableStack();
      const targets = await startTargets(stack, 3, { delayMs: SLOW_MS });
      using files = new Workspace({ 'portcullis.yaml': config(targets) });
      await using cli = new RunningCli(['serve'], files.directory);
      const { url, admin } = await cli.ready();
      await using load = new SteadyLoad(`${url}/search`, PER_SECOND);
      await using control = new SteadyLoad(`${url}/control`, PER_SECOND);

      await cli.logged('the circuit breaker of search is open, it was closed');
      const openMs = epochMs();
      control.received.length = 0;
      // The first probes are as slow, with the fallback all the while.
      await cli.logged('the circuit breaker of search is open, it was half-open');
      const fastFrom = cli.log.length;
      await Promise.all(targets.map((target) => target.behave({})));
      const fastMs = epochMs();
      await cli.logged('the circuit breaker of search is half-open, it was open', fastFrom);
      const probedMs = epochMs();
      await control.stop();
      await cli.logged('the circuit breaker of search is ramping, it was half-open');
      const rampMs = epochMs();
      await cli.logged('the circuit breaker of search is closed, it was ramping');
      const closedMs = epochMs();
      await load.answers(PER_SECOND);
      const result = await load.stop();
      await untilService(admin, 'search', (status) => isIdle(status) && status.breaker === 'closed');
      const arrivals = await arrivalsAt(targets);

      const inTime = (fromMs: number, toMs: number) =>
        load.received.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs);
      const whileOpen = inTime(openMs, probedMs);
      const refused = whileOpen.filter(({ status }) => status === FALLBACK);
      const [quick, ofControl] = [bestP99(refused), bestP99(control.received)];
      const sent = load.received.map(({ sentMs }) => sentMs);
      const asked = perWindow(arrivals, rampMs, RAMP_MS / 4, 4);
      const offered = perWindow(sent, rampMs, RAMP_MS / 4, 4);
      const shares = asked.map((count, i) => count / (offered[i] ?? 0));
      t.diagnostic(
        `opened after ${inTime(0, openMs).length} requests; ${refused.length} of ${whileOpen.length} fell back while open, ` +
          `p99 ${quick.toFixed(2)} ms, of the control ${ofControl.toFixed(2)} ms; ` +
          `of each ${RAMP_MS / 4} ms of the ramp ${asked.join(', ')} of ${offered.join(', ')} requests went through`,
      );

      assert.equal(result.broken, 0);
      assert.deepEqual(Object.keys(result.others), [String(FALLBACK)]);
      assert.ok(
        quick < Math.max(FALLBACK_MS, NOISE * ofControl),
        `p99 ${quick} ms, of the control ${ofControl} ms`,
      );
      // The targets see nothing but probes.
      assert.equal(arrivals.filter((ms) => ms >= openMs && ms < fastMs).length, PROBES);
      assert.equal(inTime(openMs, fastMs).filter(({ status }) => status !== FALLBACK).length, PROBES);
      assert.ok(arrivals.filter((ms) => ms >= openMs && ms < rampMs).length <= 3 * PROBES);
      // An eighth, three eighths and so on, give or take what chance does to fifty requests.
      for (const [i, share] of shares.entries())
        assert.ok(Math.abs(share - (2 * i + 1) / 8) < 0.3, `of the ramp go through ${shares.join()}`);
      assert.ok((shares[0] ?? 1) < (shares[3] ?? 0) / 2, `of the ramp go through ${shares.join()}`);
      assert.deepEqual(
        inTime(closedMs, Number.POSITIVE_INFINITY).filter(({ status }) => status !== 200),
        [],
      );
    },
  );
});
