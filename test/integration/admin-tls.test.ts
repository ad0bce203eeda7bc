import assert from 'node:assert/strict';
import { request } from 'node:https';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { GatewayControl } from '../../src/control/admin/endpoint.ts';
import { AdminServer } from '../../src/control/admin/server.ts';
import { TestAuthority } from '../support/certificates.ts';

describe('The admin port with TLS', () => {
  it('speaks HTTPS alone, with a certificate that may be replaced while it runs', async () => {
    const authority = await TestAuthority.make();
    const first = await authority.issue('first', ['admin.test']);
    const server = new AdminServer({
      address: '127.0.0.1',
      port: 0,
      hosts: ['admin.test'],
      // Nothing else of it is asked for.
      gateway: { ready: () => true } as GatewayControl,
      log: () => {},
      tls: first,
    });
    const { port } = await server.listen();
    const subject = () =>
      new Promise<string>((resolve, reject) => {
        const sent = request(
          {
            host: '127.0.0.1',
            port,
            path: '/healthz',
            servername: 'admin.test',
            ca: authority.cert,
            agent: false,
            headers: { host: 'admin.test' },
          },
          (response) => {
            const { socket } = response;
            assert.equal(response.statusCode, 200);
            resolve(
              'getPeerCertificate' in socket
                ? String((socket as TLSSocket).getPeerCertificate().subject.CN)
                : '',
            );
            response.resume();
          },
        );
        sent.on('error', reject);
        sent.end();
      });
    try {
      assert.equal(await subject(), 'first');
      server.setCertificate(await authority.issue('second', ['admin.test']));
      assert.equal(await subject(), 'second');
      await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`));
    } finally {
      await server.close();
    }
  });
});
