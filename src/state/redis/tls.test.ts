import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createServer, type Server } from 'node:tls';
import { type Pair, TestAuthority } from '../../../test/support/certificates.ts';
import { openRedis, type TestRedis } from '../../../test/support/redis.ts';
import { limitOf } from '../shared/limiter.support.ts';
import { connectWorker } from './redis.support.ts';

describe('A Redis behind TLS', () => {
  let redis: TestRedis;
  let authority: TestAuthority;
  let client: Pair;
  let server: Server;
  before(async () => {
    redis = await openRedis();
    authority = await TestAuthority.make();
    client = await authority.issue('gateway');
    const own = await authority.issue('redis', ['redis.internal']);
    const { hostname, port } = new URL(redis.url);
    // It ends TLS as a Redis would, and asks for a certificate.
    const options = { ...own, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
    server = createServer(options, (socket) => {
      const behind = connect(Number(port || 6379), hostname);
      socket.on('error', () => behind.destroy());
      socket.on('close', () => behind.destroy());
      socket.pipe(behind).pipe(socket);
    });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(async () => {
    server.close();
    await redis.close();
  });

  for (const [title, settings, verdict] of [
    ['is used where its authority is trusted, under the name that is expected', {}, 'taken'],
    ['is not used where its name is another', { serverName: 'other.internal' }, 'unavailable'],
    ['is not used where its authority is not trusted', { ca: undefined }, 'unavailable'],
    ['does not let in a gateway without a certificate', { cert: undefined, key: undefined }, 'unavailable'],
    ['is used whatever its certificate, where that is asked for', { ca: undefined, verify: false }, 'taken'],
  ] as const) {
    it(title, async (t) => {
      const worker = await connectWorker(
        { url: `rediss://127.0.0.1:${(server.address() as AddressInfo).port}`, prefix: redis.prefix },
        {
          connectTimeout: 500,
          tls: { serverName: 'redis.internal', ca: authority.cert, ...client, verify: true, ...settings },
        },
      );
      t.after(() => worker.close());
      const decision = worker.limiter.decision([limitOf({ quota: 1000 })]);
      for (const charge of decision.charges) charge.key = 'a';
      assert.equal(await decision.take(), verdict);
      assert.equal(worker.logged.length, verdict === 'taken' ? 0 : 1);
    });
  }
});
