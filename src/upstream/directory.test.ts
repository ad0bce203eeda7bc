import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { TargetDirectory } from './directory.ts';
import type { TargetsMessage } from './targets-message.ts';

function messageOf(key: string, ...urls: string[]): TargetsMessage {
  return {
    kind: 'targets',
    key,
    targets: urls.map((url) => ({ description: { url, weight: 1 }, cell: new SharedArrayBuffer(8) })),
    service: new SharedArrayBuffer(8),
  };
}

suite('the directory of targets in a worker', () => {
  test('knows what was told last, by key', () => {
    const directory = new TargetDirectory();
    const later = messageOf('orders:1', 'http://b');
    directory.receive(messageOf('orders:1', 'http://a'));
    directory.receive(later);
    directory.receive(messageOf('orders:2', 'http://c'));
    assert.equal(directory.get('orders:1'), later);
    assert.equal(directory.get('users:1'), undefined);
  });

  test('tells who watches a key, and nobody else, until they no longer do', () => {
    const directory = new TargetDirectory();
    const heard: string[] = [];
    const hear = (name: string) => (message: TargetsMessage) =>
      heard.push(`${name} ${message.targets.length}`);
    const leave = directory.watch('orders:1', hear('first'));
    directory.watch('orders:1', hear('second'));
    directory.watch('users:1', hear('other'));
    directory.receive(messageOf('orders:1', 'http://a'));
    leave();
    leave();
    directory.receive(messageOf('orders:1', 'http://a', 'http://b'));
    assert.deepEqual(heard, ['first 1', 'second 1', 'second 2']);
  });

  test('tells who watches again after the last one left', () => {
    const directory = new TargetDirectory();
    let heard = 0;
    directory.watch('orders:1', () => assert.fail('it no longer watches'))();
    directory.watch('orders:1', () => heard++);
    directory.receive(messageOf('orders:1'));
    assert.equal(heard, 1);
  });

  test('forgets what is gone, and tells nobody: they keep what they have', () => {
    const directory = new TargetDirectory();
    directory.receive(messageOf('orders:1', 'http://a'));
    directory.watch('orders:1', () => assert.fail('nothing is told'));
    directory.receive({ kind: 'targetsGone', key: 'orders:1' });
    assert.equal(directory.get('orders:1'), undefined);
  });
});
