import assert from 'node:assert/strict';

/** Fails when it takes more processor time of this process than that; by wall time other processes would decide. */
export function assertTakesAtMost(ms: number, act: () => void): void {
  const begun = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(begun);
  assert.ok(user + system < ms * 1000, `it took ${(user + system) / 1000} ms`);
}
