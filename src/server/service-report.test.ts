import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { NO_METRICS } from '../observability/worker-metrics.ts';
import type { BreakerChange } from '../upstream/breaker/breaker.ts';
import { ServiceReport } from './service-report.ts';

const OPENS: BreakerChange = { from: 'closed', to: 'open', cause: 'error-ratio', openMs: 5000 };

suite('what happens to a breaker is reported', () => {
  const table: [target: string | undefined, scope: string, log: string][] = [
    [undefined, 'service', 'warn: the circuit breaker of orders is open, it was closed'],
    // By name in the log, but not in the metrics: the series of targets that are long gone would fill them.
    [
      '10.0.0.1:80',
      'target',
      'warn: the circuit breaker of orders, target 10.0.0.1:80 is open, it was closed',
    ],
  ];
  for (const [target, scope, log] of table) {
    test(`of a ${scope}`, () => {
      const counted: string[][] = [];
      const lines: string[] = [];
      const metrics = { ...NO_METRICS, breakerChanged: (...labels: string[]) => void counted.push(labels) };
      const report = new ServiceReport('orders', metrics, (level, line) => lines.push(`${level}: ${line}`));
      report.breakerChanged(target, OPENS);
      assert.deepEqual([counted, lines], [[['orders', scope, 'open']], [log]]);
    });
  }
});
