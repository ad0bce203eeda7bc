import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { newKey, told } from '../records.support.ts';
import { RecordsUnavailable } from '../records.ts';
import { RecordTable } from './record-table.ts';
import { RecordsDesk } from './records-desk.ts';
import { startRecordsThread } from './records-thread.support.ts';
import { RemoteRecords, type RemoteRecordsOptions } from './remote-records.ts';

const LONG_MS = 600_000;

function open(t: TestContext) {
  const table = new RecordTable({ maxBytes: 1_000_000, nowMs: Date.now });
  const desk = new RecordsDesk(table);
  t.after(() => desk.close());
  const connect = (options?: RemoteRecordsOptions): RemoteRecords => {
    const records = new RemoteRecords(desk.connect(), options);
    t.after(() => records.close());
    return records;
  };
  return { table, desk, connect };
}

describe('The desk of records', () => {
  it('does not let a removal end before every worker has heard of it', async (t) => {
    const { desk, connect } = open(t);
    const records = connect();
    const thread = await startRecordsThread(desk.connect());
    t.after(() => thread.close());
    const key = newKey();
    await records.create(key, 'value', LONG_MS);
    const order: string[] = [];
    void told(thread.records, key).then(() => order.push('heard'));
    await thread.block(200);
    await records.remove([key]);
    order.push('removed');
    // What the worker heard comes by another port than what it passed.
    await thread.records.read(key);
    assert.ok(order.includes('heard'));
  });

  it('does not wait for a worker that is blocked for longer than a second', async (t) => {
    const { desk, connect } = open(t);
    const records = connect();
    const thread = await startRecordsThread(desk.connect());
    t.after(() => thread.close());
    await thread.block(6000);
    const asked = performance.now();
    await records.remove([newKey()]);
    const tookMs = performance.now() - asked;
    assert.ok(tookMs >= 900 && tookMs < 4000, `${tookMs}`);
  });

  it('does not wait for a worker that has died, and keeps what it wrote', async (t) => {
    const { desk, connect } = open(t);
    const records = connect();
    const thread = await startRecordsThread(desk.connect());
    const key = newKey();
    await thread.records.create(key, 'value', LONG_MS);
    await thread.block(60_000);
    const removed = records.remove([newKey()]);
    await thread.close();
    await removed;
    assert.equal((await records.read(key))?.value, 'value');
  });

  it('tells a worker that has no room that the records are unavailable', async (t) => {
    const { table, connect } = open(t);
    const records = connect();
    await assert.rejects(async () => {
      for (let i = 0; i < 10; i++) await records.create(newKey(), 'x'.repeat(200_000), LONG_MS);
    }, RecordsUnavailable);
    assert.ok(table.refused > 0);
  });

  it('is asked only so much at one time', async (t) => {
    const { connect } = open(t);
    const records = connect({ timeoutMs: 100, maxOpen: 3 });
    const asked = ['a', 'b', 'c'].map((key) => records.read(key));
    await assert.rejects(records.read('d'), { name: 'RecordsUnavailable', message: /^3 questions/ });
    assert.deepEqual(await Promise.all(asked), [undefined, undefined, undefined]);
    assert.equal(await records.read('d'), undefined);
  });

  it('is not waited for longer than told when it says nothing', async (t) => {
    const { port1, port2 } = new MessageChannel();
    t.after(() => port1.close());
    const records = new RemoteRecords(port2, { timeoutMs: 100 });
    const asked = performance.now();
    await assert.rejects(records.read('a'), {
      name: 'RecordsUnavailable',
      message: 'no answer within 100 ms',
    });
    assert.ok(performance.now() - asked >= 100);
    await records.close();
  });

  it('ends what workers ask when it closes', async (t) => {
    const { desk, connect } = open(t);
    const records = connect();
    await records.create('a', 'value', LONG_MS);
    const closed = new Promise((resolve) => setImmediate(resolve));
    desk.close();
    const asked = records.read('a');
    await assert.rejects(asked, RecordsUnavailable);
    await closed;
    assert.equal(records.isLive, false);
    await assert.rejects(records.read('a'), RecordsUnavailable);
  });

  it('tells nothing to workers that never asked for records', async (t) => {
    const { desk, connect } = open(t);
    const silent = desk.connect();
    t.after(() => silent.close());
    let heard = 0;
    silent.on('message', () => heard++);
    const records = connect();
    await records.create(newKey(), 'value', LONG_MS);
    await records.remove([newKey()]);
    silent.close();
    await once(silent, 'close');
    assert.equal(heard, 0);
  });
});
