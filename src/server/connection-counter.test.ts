import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { ConnectionCounter, type ConnectionLimits } from './connection-counter.ts';

const NO_LIMITS: ConnectionLimits = { connections: 0, connectionsPerAddress: 0 };
const perListener = (connections: number): ConnectionLimits => ({ ...NO_LIMITS, connections });
const perAddress = (connectionsPerAddress: number): ConnectionLimits => ({
  ...NO_LIMITS,
  connectionsPerAddress,
});

/** The counters of so many workers over the same memory. */
function workers(count: number): [ConnectionCounter, ...ConnectionCounter[]] {
  const shared = ConnectionCounter.allocate(count);
  const [first, ...others] = Array.from({ length: count }, (_, id) => new ConnectionCounter(shared, id));
  return [first as ConnectionCounter, ...others];
}

suite('a limit of open connections', () => {
  test('of a listener admits so many, whoever they come from, and again when one leaves', () => {
    const [counter] = workers(1);
    assert.equal(counter.enter('web', '192.0.2.1', perListener(2)), true);
    assert.equal(counter.enter('web', '192.0.2.2', perListener(2)), true);
    assert.equal(counter.enter('web', '192.0.2.3', perListener(2)), false);
    counter.leave('web', '192.0.2.1');
    assert.equal(counter.enter('web', '192.0.2.3', perListener(2)), true);
    assert.equal(counter.enter('web', '192.0.2.1', perListener(2)), false);
  });

  test('of an address admits so many of each, by whatever listener', () => {
    const [counter] = workers(1);
    assert.equal(counter.enter('web', '192.0.2.1', perAddress(1)), true);
    assert.equal(counter.enter('api', '192.0.2.1', perAddress(1)), false);
    assert.equal(counter.enter('web', '2001:db8::1', perAddress(1)), true);
  });

  test('of an address is that of a network of IPv6: whoever has one of its addresses has all', () => {
    const [counter] = workers(1);
    assert.equal(counter.enter('web', '2001:db8::1', perAddress(2)), true);
    assert.equal(counter.enter('web', '2001:db8::ffff:1:2:3', perAddress(2)), true);
    assert.equal(counter.enter('web', '2001:db8::2', perAddress(2)), false);
    assert.equal(counter.enter('web', '2001:db8:0:1::2', perAddress(2)), true);
    counter.leave('web', '2001:db8::1');
    assert.equal(counter.enter('web', '2001:db8::2', perAddress(2)), true);
  });

  test('is counted at a place that nobody can foretell, so that nobody finds addresses that share it', () => {
    const placeOf = (shared: SharedArrayBuffer): readonly number[] => {
      const before = new Int32Array(shared).slice();
      new ConnectionCounter(shared, 0).enter('web', '192.0.2.1', NO_LIMITS);
      const changed = [...new Int32Array(shared).entries()].filter(([at, count]) => count !== before[at]);
      return changed.map(([at]) => at);
    };
    assert.notDeepEqual(placeOf(ConnectionCounter.allocate(1)), placeOf(ConnectionCounter.allocate(1)));
  });

  test('of one listener is not that of another', () => {
    const [counter] = workers(1);
    assert.equal(counter.enter('web', '192.0.2.1', perListener(1)), true);
    assert.equal(counter.enter('api', '192.0.2.1', perListener(1)), true);
    assert.equal(counter.enter('web', '192.0.2.1', perListener(1)), false);
  });

  test('of 0 is none', () => {
    const [counter] = workers(1);
    for (let i = 0; i < 1000; i++) assert.equal(counter.enter('web', '192.0.2.1', NO_LIMITS), true);
    assert.equal(counter.enter('web', '192.0.2.1', perAddress(1001)), true, 'they are counted all the same');
    assert.equal(counter.enter('web', '192.0.2.1', perAddress(1001)), false);
  });

  test('is not used up by what it refuses', () => {
    const [counter] = workers(1);
    counter.enter('web', '192.0.2.1', NO_LIMITS);
    for (let i = 0; i < 10; i++)
      assert.equal(counter.enter('web', '192.0.2.1', { connections: 5, connectionsPerAddress: 1 }), false);
    assert.equal(counter.enter('web', '192.0.2.2', perListener(2)), true);
  });

  test('does not mistake an address for a listener', () => {
    const [counter] = workers(1);
    counter.enter('web', 'web', NO_LIMITS);
    counter.enter('api', 'web', NO_LIMITS);
    assert.equal(counter.enter('web', '192.0.2.1', perListener(2)), true);
  });
});

suite('several workers', () => {
  test('share their limits', () => {
    const [one, two] = workers(2) as [ConnectionCounter, ConnectionCounter];
    assert.equal(one.enter('web', '192.0.2.1', perAddress(2)), true);
    assert.equal(two.enter('web', '192.0.2.1', perAddress(2)), true);
    assert.equal(one.enter('web', '192.0.2.1', perAddress(2)), false);
    assert.equal(two.enter('web', '192.0.2.1', perAddress(2)), false);
    two.leave('web', '192.0.2.1');
    assert.equal(one.enter('web', '192.0.2.1', perAddress(2)), true);
  });

  test('what one that died had counted is taken out, and nothing else', () => {
    const shared = ConnectionCounter.allocate(2);
    const one = new ConnectionCounter(shared, 0);
    const two = new ConnectionCounter(shared, 1);
    one.enter('web', '192.0.2.1', NO_LIMITS);
    for (let i = 0; i < 5; i++) two.enter('web', '192.0.2.1', NO_LIMITS);
    assert.equal(one.enter('web', '192.0.2.1', perAddress(6)), false);
    const successor = new ConnectionCounter(shared, 1);
    successor.reset();
    assert.equal(one.enter('web', '192.0.2.1', perAddress(1)), false);
    assert.equal(successor.enter('web', '192.0.2.1', perAddress(2)), true);
    assert.equal(one.enter('web', '192.0.2.1', perAddress(2)), false);
  });
});

suite('whatever connects and leaves', () => {
  const listener = fc.constantFrom('web', 'api');
  const address = fc.integer({ min: 0, max: 40 }).map((last) => `192.0.2.${last}`);
  const step = fc.record({
    worker: fc.nat(2),
    listener,
    address,
    limits: fc.record({ connections: fc.nat(20), connectionsPerAddress: fc.nat(4) }),
    kind: fc.constantFrom('enter', 'enter', 'enter', 'leave', 'die'),
  });

  test('a count is never too low; with so few clients it is exact', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const counters = workers(3);
        const open: { worker: number; listener: string; address: string }[] = [];
        for (const { kind, worker, limits, ...client } of steps) {
          const counter = counters[worker] as ConnectionCounter;
          if (kind === 'die') {
            counter.reset();
            for (let i = open.length - 1; i >= 0; i--) if (open[i]?.worker === worker) open.splice(i, 1);
          } else if (kind === 'leave') {
            const [gone] = open.splice(0, 1);
            if (gone !== undefined) counters[gone.worker]?.leave(gone.listener, gone.address);
          } else {
            const count = (key: 'listener' | 'address') =>
              open.filter((connection) => connection[key] === client[key]).length;
            const allowed =
              (limits.connections === 0 || count('listener') < limits.connections) &&
              (limits.connectionsPerAddress === 0 || count('address') < limits.connectionsPerAddress);
            assert.equal(counter.enter(client.listener, client.address, limits), allowed);
            if (allowed) open.push({ worker, ...client });
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test('nor with far more clients than cells', () => {
    const [counter] = workers(1);
    for (let i = 0; i < 50_000; i++) counter.enter('web', `2001:db8:0:${i.toString(16)}::1`, NO_LIMITS);
    for (let i = 0; i < 50_000; i += 997)
      assert.equal(counter.enter('web', `2001:db8:0:${i.toString(16)}::1`, perAddress(1)), false);
  });

  test('few of many clients are counted too high', () => {
    const [counter] = workers(1);
    const addressOf = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    for (let i = 0; i < 4000; i++) counter.enter('web', addressOf(i), NO_LIMITS);
    let refused = 0;
    for (let i = 4000; i < 5000; i++) if (!counter.enter('web', addressOf(i), perAddress(1))) refused++;
    // Four independent rows that are 40 to 45 % full: some 3 %.
    assert.ok(refused < 60, `${refused} of 1000 newcomers look as if they were known`);
  });
});
