import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { Changes, turns } from '../../../test/support/changes.ts';
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

suite('targets that are checked over real sockets', () => {
  test('go down when they are stopped, come up when they are started again, and no socket or timer is left', async () => {
    const events: string[] = [];
    const changes = new Changes();
    const tell = (event: string): void => {
      events.push(event);
      changes.tell();
    };
    const until = (event: string) =>
      changes.until(
        () => events.includes(event),
        event,
        () => events.join('; '),
      );
    const before = process.getActiveResourcesInfo().toSorted();
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
    const [a, b] = [await serve(), await serve()];
    const active = { interval: '100ms', timeout: '5s', unhealthyAfter: 2 };
    const hosts = [a, b].map(({ port }) => `127.0.0.1:${port}`);
    control.commit(await control.prepare({ orders: serviceAt(hosts, { active }) }));
    const [urlA, urlB] = hosts.map((host) => `http://${host}`);
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
});
