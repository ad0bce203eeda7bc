import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readAddressList } from '../lib/address-list.ts';
import { buildTable, sortRanges } from '../lib/address-table.ts';
import { buildTextTable, type TextTableKind } from '../lib/text-table.ts';
import { AddressLists, type ListData } from './address-lists.ts';

function list(text: string, kind: ListData['kind'] = 'addresses'): ListData {
  return { kind, digest: text, table: buildTable(sortRanges(readAddressList(text).ranges)) };
}

describe('A list that a policy holds', () => {
  it('has what is put into force, and nothing of what is only being prepared', () => {
    const lists = new AddressLists({ office: list('192.0.2.0/24') });
    const office = lists.named('office');
    lists.add({ office: list('10.0.0.0/8') });
    assert.deepEqual([office.addresses.has('192.0.2.1'), office.addresses.has('10.0.0.1')], [true, false]);
    lists.replace({ office: list('10.0.0.0/8', 'countries') });
    assert.deepEqual([office.addresses.has('192.0.2.1'), office.addresses.has('10.0.0.1')], [false, true]);
    assert.equal(office.kind, 'countries');
    assert.equal(lists.named('office'), office);
  });

  it('keeps what it had when no configuration has it any more, and is another one when it comes back', () => {
    const lists = new AddressLists({ office: list('192.0.2.0/24') });
    const office = lists.named('office');
    lists.replace({});
    assert.throws(() => lists.named('office'), new Error('there is no list "office"'));
    lists.replace({ office: list('10.0.0.0/8') });
    assert.equal(office.addresses.has('192.0.2.1'), true);
    assert.equal(lists.named('office').addresses.has('10.0.0.1'), true);
  });

  it('is there while the configuration that brings it is prepared', () => {
    const lists = new AddressLists();
    lists.add({ office: list('192.0.2.0/24') });
    assert.equal(lists.named('office').addresses.has('192.0.2.1'), true);
  });

  it('of texts has what is put into force, also of another kind', () => {
    const texts = (kind: TextTableKind, ...entries: string[]): ListData => ({
      kind,
      digest: entries.join(),
      table: buildTextTable(entries, kind),
    });
    const lists = new AddressLists({ bots: texts('texts', 'a') });
    const bots = lists.textsNamed('bots');
    lists.add({ bots: texts('texts', 'b') });
    assert.deepEqual([bots.has('a'), bots.has('b')], [true, false]);
    lists.replace({ bots: texts('prefixes', 'b') });
    assert.deepEqual([bots.kind, bots.has('a'), bots.has('bc')], ['prefixes', false, true]);
  });

  it('is kept by who holds it where its name comes to stand for another sort of list', () => {
    const lists = new AddressLists({ office: list('192.0.2.0/24') });
    const office = lists.named('office');
    const texts: ListData = { kind: 'texts', digest: '', table: buildTextTable(['a'], 'texts') };
    assert.throws(
      () => lists.textsNamed('office'),
      new Error('the list office holds addresses, and no texts'),
    );
    lists.add({ office: texts });
    assert.ok(lists.textsNamed('office').has('a'));
    lists.replace({ office: texts });
    assert.ok(office.addresses.has('192.0.2.1'));
    assert.throws(() => lists.named('office'), new Error('the list office holds texts, and no addresses'));
  });
});
