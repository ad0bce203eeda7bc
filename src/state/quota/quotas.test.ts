import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QuotaTable } from './quota-table.ts';
import { Quotas } from './quotas.ts';
import { SharedQuotas } from './shared-quotas.ts';

const MEMORY = new SharedQuotas(new QuotaTable(QuotaTable.allocate(100), 1), () => 0);
const RUNNING = { startMs: 0, endMs: 86_400_000 };

describe('Quotas in memory', () => {
  it('of a consumer for whom there is no place fail open, or closed as configured', async () => {
    const open = await new Quotas(MEMORY, undefined, () => {}).open();
    const closed = await new Quotas(MEMORY, undefined, () => {}, 'closed').open();
    assert.deepEqual([open.onFailure, closed.onFailure], ['open', 'closed']);
    const taking = closed.counter.taking();
    const verdicts = new Set<unknown>();
    for (let i = 0; i < 2000; i++) {
      Object.assign(taking, { plan: 'gold', consumer: `consumer-${i}` });
      for (const charge of taking.charges) Object.assign(charge, { limit: 9, period: RUNNING });
      verdicts.add(taking.take());
    }
    assert.deepEqual(verdicts, new Set(['taken', 'unavailable']));
  });

  it('are others where a configuration has them fail otherwise, and the same where it does not', () => {
    const quotas = new Quotas(MEMORY, undefined, () => {});
    assert.equal(quotas.with(undefined), quotas);
    assert.equal(quotas.with(undefined, 'open'), quotas);
    const closed = quotas.with(undefined, 'closed');
    assert.notEqual(closed, quotas);
    assert.equal(closed.with(undefined, 'closed'), closed);
  });
});
