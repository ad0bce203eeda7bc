import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU time of a process' living threads in nanoseconds, without its children (Linux, Documentation/scheduler/sched-stats.rst). Far finer than
 * the ticks of `cpuTimeUs`.
 */
export function cpuTimeNs(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]);
    } catch {
      // The thread ended meanwhile.
    }
  }
  return total;
}
