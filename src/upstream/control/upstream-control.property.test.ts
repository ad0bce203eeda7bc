import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { ControlPlay, serviceAt } from './play.support.ts';

const CHECKED = { active: {} };

suite('whatever reloads come, in force or refused', () => {
  test('the workers know the targets in force, each with the cell that it always had', async (t) => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'));
    const reloads = fc.array(
      fc.record({ targets: names, host: fc.constantFrom('preserve', 'target'), kept: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(reloads, async (story) => {
        t.mock.timers.reset();
        const play = new ControlPlay(t);
        const cells = new Map<string, SharedArrayBuffer>();
        let inForce: readonly string[] | undefined;
        for (const { targets, host, kept } of story) {
          const prepared = await play.control.prepare({ orders: serviceAt(targets, { ...CHECKED, host }) });
          if (kept) play.control.commit(prepared);
          else play.control.discard(prepared);
          // A service that was never in force has no past.
          if (!kept && inForce === undefined) continue;
          if (kept) inForce = targets;
          const [message, ...others] = play.control.current();
          assert.deepEqual(others, []);
          const urls = message?.targets.map(({ description }) => description.url);
          assert.deepEqual(
            urls,
            inForce?.map((name) => `http://${name}`),
          );
          for (const { description, cell } of message?.targets ?? []) {
            assert.equal(cells.get(description.url) ?? cell, cell);
            cells.set(description.url, cell);
          }
          assert.equal(play.checksUnderWay, inForce?.length);
        }
        play.control.close();
        assert.deepEqual([play.checksUnderWay, play.control.current().length], [0, 0]);
      }),
    );
  });
});
