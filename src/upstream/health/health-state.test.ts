import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TargetHealth } from '../cells.ts';
import { HealthState } from './health-state.ts';

const THRESHOLDS = { healthyAfter: 2, unhealthyAfter: 3 };

interface Story {
  readonly title: string;
  readonly from: TargetHealth;
  /** `+` for a check that passed, `-` for one that failed. */
  readonly checks: string;
  /** After each check; a capital letter where it changed: Up, Down, or the small one where it stayed. */
  readonly states: string;
}

const STORIES: readonly Story[] = [
  { title: 'a target that is not known is up by its first check', from: 'unknown', checks: '+', states: 'U' },
  {
    title: 'a target that is not known is down by its first check',
    from: 'unknown',
    checks: '-',
    states: 'D',
  },
  { title: 'a target stays up while its checks pass', from: 'up', checks: '+++', states: 'uuu' },
  { title: 'a target goes down by three failures in a row', from: 'up', checks: '---', states: 'uuD' },
  {
    title: 'a check that passes begins the count of failures anew',
    from: 'up',
    checks: '--+--+',
    states: 'uuuuuu',
  },
  { title: 'a target stays down while its checks fail', from: 'down', checks: '---', states: 'ddd' },
  { title: 'a target comes up by two passes in a row', from: 'down', checks: '++', states: 'dU' },
  {
    title: 'a check that fails begins the count of passes anew',
    from: 'down',
    checks: '+-+-++',
    states: 'dddddU',
  },
  {
    title: 'a target that came up needs three failures again',
    from: 'down',
    checks: '++---',
    states: 'dUuuD',
  },
  {
    title: 'after the first check the thresholds count',
    from: 'unknown',
    checks: '+---++',
    states: 'UuuDdU',
  },
];

suite('the health of a target', () => {
  for (const { title, from, checks, states } of STORIES) {
    test(title, () => {
      const state = new HealthState(THRESHOLDS, from);
      const told = [...checks].map((check) => {
        const changed = state.record(check === '+');
        const letter = state.health.charAt(0);
        return changed ? letter.toUpperCase() : letter;
      });
      assert.equal(told.join(''), states);
    });
  }

  test('is not known before the first check', () => {
    assert.equal(new HealthState(THRESHOLDS).health, 'unknown');
  });

  test('follows each check where the thresholds are 1', () => {
    const state = new HealthState({ healthyAfter: 1, unhealthyAfter: 1 });
    assert.deepEqual(
      [true, false, true].map((passed) => [state.record(passed), state.health]),
      [
        [true, 'up'],
        [true, 'down'],
        [true, 'up'],
      ],
    );
  });
});
