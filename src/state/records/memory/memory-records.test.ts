import { after, before, describe } from 'node:test';
import { type PlayedRecords, REAL_TIME, recordsSuite } from '../records.support.ts';
import { LocalRecords } from './local-records.ts';
import { RecordTable } from './record-table.ts';
import { RecordsDesk } from './records-desk.ts';
import { type RecordsThread, startRecordsThread } from './records-thread.support.ts';
import { RemoteRecords } from './remote-records.ts';

const MAX_BYTES = 64 * 1024 ** 2;

describe('Records in the memory of one thread', () => {
  let nowMs = Date.UTC(2026, 0, 1);
  const records = new LocalRecords(new RecordTable({ maxBytes: MAX_BYTES, nowMs: () => nowMs }));
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms;
  };
  recordsSuite(() => ({ records, others: records, shortMs: 60, pass }));
});

describe('Records in the memory of another thread', () => {
  const desk = new RecordsDesk(new RecordTable({ maxBytes: MAX_BYTES, nowMs: Date.now }));
  const records = new RemoteRecords(desk.connect());
  let thread: RecordsThread;
  let played: PlayedRecords;
  before(async () => {
    thread = await startRecordsThread(desk.connect());
    played = { records, others: thread.records, ...REAL_TIME };
  });
  after(async () => {
    await records.close();
    await thread.close();
    desk.close();
  });
  recordsSuite(() => played);
});
