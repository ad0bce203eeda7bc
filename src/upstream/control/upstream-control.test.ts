import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { ServiceCell } from '../cells.ts';
import { GRACE_MS } from './cell-store.ts';
import { ControlPlay, type PlayedSource, serviceAt, serviceFrom } from './play.support.ts';
import { UpstreamControl } from './upstream-control.ts';

const CHECKED = { active: { interval: '10s', healthyAfter: 2, unhealthyAfter: 2 } };

suite('the targets of a service in the configuration', () => {
  test('are told to the workers when it is prepared, and gone when it is', async (t) => {
    const play = new ControlPlay(t);
    const prepared = await play.control.prepare({ orders: serviceAt(['a', 'b']) });
    assert.deepEqual(play.told(), ['orders is at a, b']);
    play.control.commit(prepared);
    await play.apply({});
    assert.deepEqual(play.told(), ['orders is gone']);
    assert.deepEqual(play.control.status(), {});
  });

  test('are told in one spelling', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: { host: 'preserve', targets: [{ url: 'http://A:80/', weight: 1 }] } });
    assert.deepEqual(play.told(), ['orders is at a']);
  });

  test('are told to a worker that starts later, those of a prepared configuration too', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a']) });
    const prepared = await play.control.prepare({ orders: serviceAt(['a', 'b']) });
    const counts = () => play.control.current().map(({ targets }) => targets.length);
    assert.deepEqual(counts(), [1, 2]);
    play.control.commit(prepared);
    assert.deepEqual(counts(), [2]);
  });

  test('are left alone by a reload that does not change the service', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a'], CHECKED), users: serviceAt(['u']) });
    play.told();
    await play.apply({ orders: serviceAt(['a'], CHECKED), users: serviceAt(['v']) });
    assert.deepEqual(play.told(), ['users is at v', 'users is gone']);
    assert.equal(play.checksUnderWay, 1);
  });

  test('keep their cells when a reload changes the service', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a', 'b'], CHECKED) });
    play.end('a', 'status 500');
    const before = play.cell('orders', 'a');
    before.inFlight.enter();
    const sinceMs = before.sinceMs;
    play.pass(1000);
    await play.apply({ orders: serviceAt(['a', 'c'], CHECKED) });
    const after = play.cell('orders', 'a');
    assert.deepEqual([after.health, after.inFlight.total(), after.sinceMs], ['down', 1, sinceMs]);
    assert.deepEqual(
      [play.cell('orders', 'c').health, play.cell('orders', 'c').inFlight.total()],
      ['unknown', 0],
    );
  });

  test('of two services with one address are two', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a']), users: serviceAt(['a']) });
    play.cell('orders', 'a').inFlight.enter();
    assert.equal(play.cell('users', 'a').inFlight.total(), 0);
  });
});

suite('a configuration that is refused', () => {
  test('by a worker leaves nothing', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a'], CHECKED) });
    play.end('a');
    play.told();
    const prepared = await play.control.prepare({
      orders: serviceAt(['a', 'b'], CHECKED),
      users: serviceAt(['u'], CHECKED),
    });
    play.control.discard(prepared);
    assert.deepEqual(play.told(), ['orders is at a, b', 'users is at u', 'orders is gone', 'users is gone']);
    assert.equal(play.control.current().length, 1);
    play.pass(5000);
    assert.deepEqual(play.told(), ['check of a']);
  });

  test('closes the sources that it started, and not the one that is in use', async (t) => {
    const play = new ControlPlay(t);
    const first = play.control.prepare({ orders: serviceFrom('orders.yaml') });
    play.sources[0]?.tell('http://a');
    play.control.commit(await first);
    const second = play.control.prepare({
      orders: serviceFrom('orders.yaml', { host: 'target' }),
      users: serviceFrom('users.yaml'),
    });
    play.sources[1]?.tell('http://u');
    play.control.discard(await second);
    assert.deepEqual(
      play.sources.map(({ state }) => state),
      ['started', 'closed'],
    );
  });

  test('because a service cannot be checked leaves nothing of the others', async () => {
    const published: string[] = [];
    const control = new UpstreamControl({
      makeSource: () => assert.fail('no source is needed'),
      publish: ({ kind }) => published.push(kind),
      observer: {} as never,
    });
    const broken = serviceAt(['b'], { ...CHECKED, tls: { cert: 'no PEM' } });
    await assert.rejects(
      control.prepare({ orders: serviceAt(['a']), users: broken }),
      /^Error: service users: /,
    );
    assert.deepEqual(published, ['targets', 'targetsGone']);
    assert.deepEqual(control.current(), []);
  });
});

suite('active checks', () => {
  test('begin when the configuration is in force', async (t) => {
    const play = new ControlPlay(t);
    const prepared = await play.control.prepare({ orders: serviceAt(['a'], CHECKED) });
    assert.equal(play.checksUnderWay, 0);
    play.control.commit(prepared);
    assert.deepEqual(play.told(), ['orders is at a', 'check of a']);
  });

  test('take a target down and up, tell it, and let balancers know', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a'], CHECKED) });
    const cell = play.cell('orders', 'a');
    const story: unknown[] = [];
    const bornMs = cell.sinceMs;
    const check = (cause?: string): void => {
      play.end('a', cause);
      story.push([
        cell.health,
        cell.sinceMs - bornMs,
        ...play.told().filter((event) => event.startsWith('orders:')),
      ]);
    };
    check();
    play.pass(5000);
    check('ECONNREFUSED');
    play.pass(10_000);
    check('ECONNREFUSED');
    play.pass(10_000);
    check();
    play.pass(10_000);
    check();
    assert.deepEqual(story, [
      ['up', 0, 'orders: a is up'],
      ['up', 0],
      ['down', 0, 'orders: a is down: ECONNREFUSED'],
      ['down', 0],
      ['up', 35_000, 'orders: a is up again'],
    ]);
  });

  test('bump the version of the service with every change of health, and only then', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a'], CHECKED) });
    const [message] = play.control.current();
    const service = new ServiceCell(message?.service as SharedArrayBuffer, 1);
    const versions = [service.version];
    play.end('a');
    versions.push(service.version);
    play.pass(5000);
    play.end('a');
    versions.push(service.version);
    const [first = 0] = versions;
    assert.deepEqual(versions, [first, first + 1, first + 1]);
  });

  test('go on from what is known when a reload changes them', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a'], CHECKED) });
    play.end('a', 'status 500');
    await play.apply({ orders: serviceAt(['a'], { active: { ...CHECKED.active, path: '/healthz' } }) });
    play.end('a/healthz');
    assert.equal(play.cell('orders', 'a').health, 'down');
    play.pass(5000);
    play.end('a/healthz');
    assert.equal(play.cell('orders', 'a').health, 'up');
    assert.equal(play.checksUnderWay, 0);
  });

  test('leave nothing behind when a reload takes them away', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a'], CHECKED) });
    play.end('a', 'status 500');
    await play.apply({ orders: serviceAt(['a']) });
    assert.equal(play.cell('orders', 'a').health, 'unknown');
    play.pass(60_000);
    assert.equal(play.checksUnderWay, 0);
  });
});

suite('the targets that a source tells of', () => {
  async function setUp(t: TestContext) {
    const play = new ControlPlay(t);
    const prepared = play.control.prepare({ orders: serviceFrom('orders.yaml', CHECKED) });
    const source = play.sources[0] as PlayedSource;
    source.tell('http://a', 'http://b');
    play.control.commit(await prepared);
    play.end('a');
    play.end('b');
    play.told();
    return { play, source };
  }

  test('are waited for when the configuration is prepared', async (t) => {
    const play = new ControlPlay(t);
    let prepared = false;
    const preparing = play.control.prepare({ orders: serviceFrom('orders.yaml') }).then((services) => {
      prepared = true;
      return services;
    });
    await new Promise(setImmediate);
    assert.equal(prepared, false);
    play.sources[0]?.tell('http://a');
    play.control.commit(await preparing);
    assert.deepEqual(play.told(), ['orders is at ', 'orders is at a']);
  });

  test('are not waited for when the source fails, or for longer than three seconds', async (t) => {
    const play = new ControlPlay(t);
    const preparing = play.control.prepare({ a: serviceFrom('a.yaml'), b: serviceFrom('b.yaml') });
    play.sources[0]?.fail('it is not there');
    play.pass(3000);
    play.control.commit(await preparing);
    const { a, b } = play.control.status();
    assert.deepEqual(
      [a?.source, b?.source],
      [
        { state: 'failing', cause: 'it is not there', since: '1970-01-01T00:16:40.000Z' },
        { state: 'waiting' },
      ],
    );
    assert.deepEqual(play.told(), ['a is at ', 'b is at ', 'a: its source failed: it is not there']);
  });

  test('change as it tells: new ones are checked, gone ones are not', async (t) => {
    const { play, source } = await setUp(t);
    source.tell('http://b', 'http://c');
    assert.deepEqual(play.told(), ['orders is at b, c', 'check of c', 'orders: +[c] -[a] of 2']);
    play.pass(5000);
    assert.deepEqual(play.told(), ['orders: c is down: no result within 2000 ms', 'check of b']);
  });

  test('are told again when only a weight changes', async (t) => {
    const { play, source } = await setUp(t);
    source.tell({ url: 'http://a', weight: 5 }, 'http://b');
    assert.deepEqual(play.told(), ['orders is at a, b', 'orders: +[] -[] of 2']);
  });

  test('drain when it says so', async (t) => {
    const { play, source } = await setUp(t);
    source.tell({ url: 'http://a', weight: 1, draining: true }, 'http://b');
    assert.equal(play.cell('orders', 'a').draining, true);
    source.tell('http://a', 'http://b');
    assert.equal(play.cell('orders', 'a').draining, false);
  });

  test('stay when it fails, and are not told anew when it recovers with the same', async (t) => {
    const { play, source } = await setUp(t);
    source.fail('ETIMEOUT');
    assert.equal(play.control.status()['orders']?.counts.targets, 2);
    source.tell('http://a', 'http://b');
    assert.deepEqual(play.told(), ['orders: its source failed: ETIMEOUT', 'orders: its source recovered']);
    assert.deepEqual(play.control.status()['orders']?.source, { state: 'ok' });
  });

  test('come back to their cells within the grace, as new ones for slow start', async (t) => {
    const { play, source } = await setUp(t);
    const before = play.cell('orders', 'a');
    before.inFlight.enter();
    source.tell('http://b');
    play.pass(GRACE_MS - 1);
    source.tell('http://a', 'http://b');
    const after = play.cell('orders', 'a');
    assert.deepEqual([after.inFlight.total(), after.health, after.sinceMs], [1, 'up', Date.now()]);
  });

  test('begin anew after the grace', async (t) => {
    const { play, source } = await setUp(t);
    play.cell('orders', 'a').inFlight.enter();
    source.tell('http://b');
    play.pass(GRACE_MS);
    source.tell();
    source.tell('http://a');
    const after = play.cell('orders', 'a');
    assert.deepEqual([after.inFlight.total(), after.health], [0, 'unknown']);
  });

  test('come from the same source after a reload that does not change it', async (t) => {
    const { play, source } = await setUp(t);
    await play.apply({ orders: serviceFrom('orders.yaml', { ...CHECKED, host: 'target' }) });
    assert.equal(play.sources.length, 1);
    assert.equal(source.state, 'started');
    source.tell('http://c');
    assert.deepEqual(
      play.control.current().map(({ targets }) => targets.length),
      [1],
    );
  });

  test('come from another source after a reload that changes it, and the first one is closed', async (t) => {
    const { play, source } = await setUp(t);
    const preparing = play.control.prepare({ orders: serviceFrom('other.yaml', CHECKED) });
    assert.equal(source.state, 'started');
    play.sources[1]?.tell('http://a', 'http://z');
    play.control.commit(await preparing);
    assert.deepEqual(
      play.sources.map(({ state }) => state),
      ['closed', 'started'],
    );
    assert.equal(play.cell('orders', 'a').health, 'up');
  });

  test('change in both versions of the service while a reload is prepared', async (t) => {
    const { play, source } = await setUp(t);
    const prepared = await play.control.prepare({ orders: serviceFrom('orders.yaml', { host: 'target' }) });
    source.tell('http://c');
    assert.deepEqual(
      play.control.current().map(({ targets }) => targets.length),
      [1, 1],
    );
    play.control.commit(prepared);
    assert.equal(source.state, 'started');
  });
});

suite('outlier detection', () => {
  const SWEPT = { passive: { interval: '10s', baseEjection: '15s' } };

  test('is swept at its interval: who has been out for long enough returns', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a', 'b'], SWEPT) });
    play.told();
    const cell = play.cell('orders', 'a');
    cell.outlier.tryEject(Date.now() + 15_000);
    play.pass(10_000);
    assert.deepEqual(play.told(), []);
    play.pass(10_000);
    assert.deepEqual(play.told(), ['orders: return of a']);
    assert.equal(cell.outlier.ejected, false);
  });

  for (const [title, next] of [
    ['a reload takes it away', serviceAt(['a', 'b'])],
    ['its target goes', serviceAt(['b'], SWEPT)],
  ] as const) {
    test(`keeps nobody out when ${title}`, async (t) => {
      const play = new ControlPlay(t);
      await play.apply({ orders: serviceAt(['a', 'b'], SWEPT) });
      const cell = play.cell('orders', 'a');
      cell.outlier.tryEject(Date.now() + 15_000);
      await play.apply({ orders: next });
      assert.equal(cell.outlier.ejected, false);
    });
  }

  test('does not count a target that an answer under way ejects after it has gone', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a', 'b'], SWEPT) });
    const gone = play.cell('orders', 'a');
    await play.apply({ orders: serviceAt(['b'], SWEPT) });
    const [message] = play.control.current();
    const service = new ServiceCell(message?.service as SharedArrayBuffer, 1);
    service.tryCountEjection(1);
    gone.outlier.tryEject(Date.now() + 300_000);
    play.pass(10_000);
    assert.equal(service.ejected, 0);
  });

  test('lets go of a target that active checks find well after it was down', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a'], { ...SWEPT, ...CHECKED }) });
    const cell = play.cell('orders', 'a');
    play.end('a', 'ECONNREFUSED');
    cell.outlier.tryEject(Date.now() + 300_000);
    play.pass(5000);
    play.end('a');
    assert.equal(cell.outlier.ejected, true);
    play.pass(10_000);
    play.end('a');
    assert.equal(cell.outlier.ejected, false);
  });
});

suite('a worker that died', () => {
  test('has nothing under way any more, at targets that are gone neither', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({ orders: serviceAt(['a', 'b']) });
    const [a, b] = [play.cell('orders', 'a'), play.cell('orders', 'b')];
    a.inFlight.enter();
    b.inFlight.enter();
    await play.apply({ orders: serviceAt(['b']) });
    play.control.forgetWorker(1);
    assert.deepEqual([a.inFlight.total(), b.inFlight.total()], [0, 0]);
  });
});

suite('the end', () => {
  test('of all leaves no check, no sweep and no source', async (t) => {
    const play = new ControlPlay(t);
    const preparing = play.control.prepare({
      orders: serviceFrom('orders.yaml', CHECKED),
      users: serviceAt(['u'], { ...CHECKED, passive: {} }),
    });
    play.sources[0]?.tell('http://a');
    play.control.commit(await preparing);
    play.end('a');
    play.control.close();
    play.told();
    play.pass(600_000);
    assert.deepEqual(play.told(), []);
    assert.equal(play.checksUnderWay, 0);
    assert.deepEqual(
      play.sources.map(({ state }) => state),
      ['closed'],
    );
  });

  test('while a configuration is prepared does not wait for its sources', async (t) => {
    const play = new ControlPlay(t);
    const preparing = play.control.prepare({ orders: serviceFrom('orders.yaml') });
    play.control.close();
    await assert.rejects(preparing, new Error('the gateway is stopping'));
    assert.deepEqual(
      play.sources.map(({ state }) => state),
      ['closed'],
    );
  });
});
