import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Identity } from '../../src/identity/identity.ts';
import { type IdentityData, NO_IDENTITY } from '../../src/identity/identity-data.ts';
import { CALLBACK } from '../../src/identity/providers/provider-login.support.ts';
import { providerSchema } from '../../src/identity/providers/schema.ts';
import { sessionSchema } from '../../src/identity/sessions/schema.ts';
import type { Session } from '../../src/identity/sessions/session.ts';
import { RecordStores } from '../../src/state/records/record-stores.ts';
import { stateSchema } from '../../src/state/schema.ts';
import { configBefore, startGatewayWith, type TestGateway } from '../support/gateway.ts';
import { TEST_CLIENT, TestProvider } from '../support/identity-provider.ts';
import { openRedis } from '../support/redis.ts';
import { until } from '../support/redis-groups.ts';
import { loginAt, signedIn } from '../support/signed-in.ts';

interface Play extends AsyncDisposable {
  readonly gateway: TestGateway;
  /** What another node knows. */
  readonly identity: Identity;
  readonly session: Session;
}

/** A gateway whose provider has been asked to renew a grant, and takes its time to answer; whoever wanted the token has gone. */
async function midRenewal(answerDelayMs: number): Promise<Play> {
  const redis = await openRedis();
  const provider = await TestProvider.start({ redirectUris: [CALLBACK], accessTokenTtlMs: 1000 });
  const client = { clientId: TEST_CLIENT.id, clientSecret: TEST_CLIENT.secret };
  const data: IdentityData = {
    consumers: {},
    providers: { first: providerSchema.parse({ issuer: provider.issuer, ...client }) },
    sessions: { web: sessionSchema.parse({ login: ['first'], keys: ['k'.repeat(32)] }) },
  };
  const state = stateSchema.parse({ redis: { url: redis.url, prefix: redis.prefix } });
  const log = (): void => {};
  const memory = () => assert.fail('sessions are kept in Redis');
  const records = await new RecordStores(memory, log).with(state.redis);
  const identity = await new Identity(NO_IDENTITY, { nowMs: Date.now, log, records }).with(data);
  identity.hold();
  const base = configBefore('http://127.0.0.1:9');
  const policies = [
    { name: 'session', options: { name: 'web' } },
    { name: 'inject', options: { provider: 'first' } },
  ];
  const routes = { main: { ...base.routes['main']!, policies } };
  const gateway = await startGatewayWith({ ...base, identity: data, state, routes });

  const sessions = identity.sessionsNamed('web');
  const { cookie, secret } = await signedIn(sessions, [await loginAt(identity.providers.named('first'))]);
  const finding = await sessions.findText(secret);
  assert.ok(finding.kind === 'known');
  await wait(1100);
  provider.answerDelaysMs['/token'] = answerDelayMs;
  const socket = connect(gateway.port, '127.0.0.1');
  socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookie}\r\n\r\n`);
  await until(async () => provider.redemptions.size === 1);
  socket.destroy();
  await once(socket, 'close');
  return {
    gateway,
    identity,
    session: finding.session,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      identity.release();
      await provider.stop();
      await redis.close();
    },
  };
}

describe('A token that is under way when the gateway ends', () => {
  it('is written before it does, so that the session goes on at another node', async () => {
    await using on = await midRenewal(1500);
    await on.gateway.dataPlane.drain(20_000);
    const grant = await on.identity.sessionsNamed('web').grants.readAnew(on.session, 'first');
    assert.equal(grant?.value.generation, 2);
  });

  it('is not waited for longer than the drain may take', async () => {
    await using on = await midRenewal(5000);
    await on.gateway.dataPlane.drain(0);
    const grant = await on.identity.sessionsNamed('web').grants.readAnew(on.session, 'first');
    assert.equal(grant?.value.generation, 1);
  });
});
