import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { connect } from 'node:tls';
import { startGateway } from './testing.ts';

const says = (body: string) => ({ routes: { say: { match: { paths: ['/say'] }, respond: { body } } } });

describe('a gateway in a test', () => {
  it('serves a configuration given as an object, on a free port', async () => {
    await using gateway = await startGateway(says('hello'));
    const response = await fetch(`${gateway.url}/say`);
    assert.equal(await response.text(), 'hello');
    assert.equal(gateway.url, `http://127.0.0.1:${gateway.port()}`);
    assert.equal(gateway.port('http'), gateway.port());
  });

  it('has as many listeners as the configuration, each on a port of its own', async () => {
    await using gateway = await startGateway({
      ...says('hello'),
      listeners: { a: { port: 80 }, b: { port: 80, address: '::' } },
    });
    assert.notEqual(gateway.port('a'), gateway.port('b'));
    assert.equal(await (await fetch(`http://127.0.0.1:${gateway.port('b')}/say`)).text(), 'hello');
    assert.throws(() => gateway.port('c'), { message: 'there is no listener "c"' });
  });

  it('reloads, and keeps what it has when the new configuration is refused', async () => {
    await using gateway = await startGateway(says('one'));
    await gateway.reload(says('two'));
    assert.equal(await (await fetch(`${gateway.url}/say`)).text(), 'two');
    await assert.rejects(
      gateway.reload({ routes: { a: { match: {}, service: 'nope' } } }),
      /there is no service "nope"/,
    );
    assert.equal(await (await fetch(`${gateway.url}/say`)).text(), 'two');
  });

  it('serves a certificate that would come by ACME with one of its own making', async () => {
    await using gateway = await startGateway({
      ...says('hello'),
      listeners: { https: { port: 443, protocol: 'https' }, http: { port: 80 } },
      certificates: { shop: { acme: { hosts: ['shop.example'], termsAgreed: true } } },
    });
    const socket = connect({
      port: gateway.port('https'),
      servername: 'shop.example',
      rejectUnauthorized: false,
    });
    await once(socket, 'secureConnect');
    const { issuer, subjectaltname } = socket.getPeerCertificate();
    socket.destroy();
    assert.deepEqual([issuer.CN, subjectaltname], ['Portcullis stand-in', 'DNS:shop.example']);
  });

  it('tells of the requests that it logged', async () => {
    const gateway = await startGateway(says('hello'));
    await (await fetch(`${gateway.url}/say`)).text();
    await (await fetch(`${gateway.url}/nowhere`)).text();
    await gateway.close();
    assert.deepEqual(
      gateway.requests.map(({ path, status, route, code }) => ({ path, status, route, code })),
      [
        { path: '/say', status: 200, route: 'say', code: undefined },
        { path: '/nowhere', status: 404, route: undefined, code: 'route_not_found' },
      ],
    );
  });
});
