import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { UpstreamFailureKind } from '../failure.ts';
import { type Condition, Conditions } from './conditions.ts';

const KINDS: readonly UpstreamFailureKind[] = [
  'refused',
  'connect_timeout',
  'tls',
  'reset',
  'stale',
  'invalid',
  'first_byte_timeout',
  'idle_timeout',
  'try_timeout',
  'overloaded',
];

/** Everything that is tried again: kinds of failure, and statuses as ranges. */
function met(on: readonly Condition[]): string {
  const conditions = new Conditions(on);
  const statuses: string[] = [];
  for (let status = 100; status < 1000; status++) {
    if (!conditions.meetsStatus(status)) continue;
    const from = status;
    while (conditions.meetsStatus(status + 1)) status++;
    statuses.push(from === status ? String(from) : `${from}-${status}`);
  }
  return [...KINDS.filter((kind) => conditions.meetsFailure(kind)), ...statuses].join(' ');
}

suite('tried again on', () => {
  const table: [on: Condition[], outcomes: string][] = [
    [[], ''],
    [['connect'], 'refused connect_timeout tls'],
    [['reset'], 'reset stale'],
    [['timeout'], 'first_byte_timeout idle_timeout try_timeout'],
    [['gateway-error'], '502-504'],
    [['5xx'], '500-599'],
    [[429], '429'],
    [[408, 503], '408 503'],
    [['reset', 'gateway-error', 500], 'reset stale 500 502-504'],
  ];
  for (const [on, outcomes] of table) {
    test(`${JSON.stringify(on)}: ${outcomes || 'nothing'}`, () => assert.equal(met(on), outcomes));
  }
});
