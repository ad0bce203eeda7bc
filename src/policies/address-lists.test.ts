import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readAddressList } from '../lib/address-list.ts';
import { buildTable, sortRanges } from '../lib/address-table.ts';
import { type AddressListData, AddressLists } from './address-lists.ts';

function list(text: string, kind: AddressListData['kind'] = 'addresses'): AddressListData {
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
});
