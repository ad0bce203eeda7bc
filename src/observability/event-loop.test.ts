import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EventLoopProbe } from './event-loop.ts';

it('the event loop is reported every five seconds until the probe is closed', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const reports: { delaySeconds: number; utilization: number }[] = [];
  const probe = new EventLoopProbe((delaySeconds, utilization) =>
    reports.push({ delaySeconds, utilization }),
  );
  t.mock.timers.tick(4999);
  assert.equal(reports.length, 0);
  t.mock.timers.tick(5001);
  assert.equal(reports.length, 2);
  for (const { delaySeconds, utilization } of reports) {
    assert.ok(delaySeconds >= 0 && Number.isFinite(delaySeconds));
    assert.ok(utilization >= 0 && utilization <= 1);
  }
  probe.close();
  t.mock.timers.tick(10_000);
  assert.equal(reports.length, 2);
});
