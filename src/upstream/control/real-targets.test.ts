import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { Changes, turns } from '../../../test/support/changes.ts';
import { type Script, ScriptedUpstream } from '../../../test/support/scripted-upstream.ts';
import { serviceAt } from './play.support.ts';
import { UpstreamControl } from './upstream-control.ts';

/** A service that answers 200 at a port. */
async function serve(port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer((_, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** What the main thread does for services, with what it tells of their health. */
function setUp(t: TestContext) {
  const events: string[] = [];
  const changes = new Changes();
  const tell = (event: string): void => {
    events.push(event);
    changes.tell();
  };
  const control = new UpstreamControl({
    makeSource: () => assert.fail('no source is needed'),
    publish: () => {},
    observer: {
      targetUp: (_, target, again) => tell(`${target} is up${again ? ' again' : ''}`),
      targetDown: (_, target, cause) => tell(`${target} is down: ${cause}`),
      outlier: () => {},
      targetsChanged: () => {},
      sourceFailed: () => {},
      sourceRecovered: () => {},
    },
  });
  t.after(() => control.close());
  return {
    control,
    events,
    check: async (ports: readonly number[], active: object) => {
      const hosts = ports.map((port) => `127.0.0.1:${port}`);
      control.commit(await control.prepare({ orders: serviceAt(hosts, { active }) }));
    },
    until: (event: string) =>
      changes.until(
        () => events.includes(event),
        event,
        () => events.join('; '),
      ),
  };
}

suite('targets that are checked over real sockets', () => {
  test('go down when they are stopped and come up when they are started again, and no socket or timer is left', async (t) => {
    const before = process.getActiveResourcesInfo().toSorted();
    const { control, events, check, until } = setUp(t);
    const [a, b] = [await serve(), await serve()];
    const [urlA, urlB] = [a, b].map(({ port }) => `http://127.0.0.1:${port}`);
    await check([a.port, b.port], { interval: '100ms', timeout: '5s', unhealthyAfter: 2 });
    await Promise.all([until(`${urlA} is up`), until(`${urlB} is up`)]);
    await stop(a.server);
    await until(`${urlA} is down: ECONNREFUSED`);
    assert.deepEqual(
      control.status()['orders']?.targets.map(({ health }) => health),
      ['down', 'up'],
    );
    const again = await serve(a.port);
    await until(`${urlA} is up again`);
    control.close();
    await Promise.all([stop(again.server), stop(b.server)]);
    assert.equal(events.length, 4);
    await turns();
    assert.deepEqual(process.getActiveResourcesInfo().toSorted(), before);
  });

  const OK = 'HTTP/1.1 200 OK\r\n';
  const SLOW: readonly (readonly [title: string, script: Script])[] = [
    ['accepts and says nothing', () => {}],
    ['begins its head and never ends it', (connection) => drip(connection, `${OK}X: `)],
    ['begins its body and never ends it', (connection) => drip(connection, `${OK}\r\n`)],
  ];
  for (const [title, script] of SLOW) {
    test(`are down when the target ${title}, and its connection is closed`, async (t) => {
      await using upstream = await ScriptedUpstream.start(script);
      const { check, until } = setUp(t);
      await check([upstream.port], { timeout: '50ms', body: 'ready' });
      await until(`${upstream.url} is down: no result within 50 ms`);
      await (await upstream.connection(0)).untilEnded();
    });
  }
});

/** Answers a request letter by letter, so that something always comes, until the connection is gone. */
async function drip(connection: Parameters<Script>[0], begin: string): Promise<void> {
  await connection.head();
  await connection.send(begin);
  const timer = setInterval(() => connection.socket.write('.'), 5);
  connection.socket.once('end', () => clearInterval(timer)).once('close', () => clearInterval(timer));
}
