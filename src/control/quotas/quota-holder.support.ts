import { newCharges } from '../../state/quota/quota.ts';
import { QuotaTable } from '../../state/quota/quota-table.ts';
import { QuotaKeeper } from './quota-keeper.ts';

/** A process of its own that has counted alice once, has written it to the file that it is given, and keeps that until it is killed. */
const [, , path = '', startMs, endMs] = process.argv;
const table = new QuotaTable(QuotaTable.allocate(20), 0);
const nowMs = () => Number(startMs);
const keeper = new QuotaKeeper({ table, path, log: console.error, nowMs });
keeper.start();
const charges = newCharges();
Object.assign(charges[0] as object, {
  limit: 1000,
  period: { startMs: Number(startMs), endMs: Number(endMs) },
});
table.take('gold', 'alice', charges, nowMs());
keeper.flush();
table.take('gold', 'alice', charges, nowMs());
process.stdout.write('written\n');
process.stdin.resume();
