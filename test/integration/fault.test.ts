import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PolicyUse } from '../../src/policies/use.ts';
import { get } from '../conformance/case.ts';
import { TestAuthority } from '../support/certificates.ts';
import { configBefore, startGatewayWith } from '../support/gateway.ts';
import { fine, playWithPolicies } from '../support/policy-play.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const fault = (options: object): PolicyUse => ({ name: 'fault', options });

describe('An injected fault', () => {
  it('is an answer of problem details, and the connection goes on', async () => {
    const policies = [fault({ header: 'x-fault', abort: { status: 502 } })];
    const gateway = await playWithPolicies(policies, fine, async (client, upstream) => {
      await client.send(get(['X-Fault: 1']) + get());
      const failed = await client.answer();
      assert.deepEqual([failed.status, failed.get('content-type')], [502, 'application/problem+json']);
      assert.equal((JSON.parse(failed.body.toString()) as { code: string }).code, 'fault_injected');
      assert.equal((await client.answer()).body.toString(), 'fine');
      assert.equal(upstream.connections.length, 1);
    });
    assert.deepEqual(
      gateway.accessLog().map(({ status, code }) => [status, code]),
      [
        [502, 'fault_injected'],
        [200, undefined],
      ],
    );
  });

  it('is a reset of the connection, without a word', async () => {
    const policies = [fault({ abort: { reset: true } })];
    const gateway = await playWithPolicies(policies, fine, async (client) => {
      await client.send(get());
      await client.untilClosed();
      assert.deepEqual([client.error?.code, client.ended, client.received.length], ['ECONNRESET', false, 0]);
    });
    assert.deepEqual(
      gateway.accessLog().map(({ status, code, error }) => [status, code, error]),
      [[444, 'fault_injected', undefined]],
    );
  });

  it('is a reset after a delay', async () => {
    const policies = [fault({ delay: { time: '20ms' }, abort: { reset: true } })];
    await playWithPolicies(policies, fine, async (client) => {
      await client.send(get());
      await client.untilClosed();
      assert.deepEqual([client.error?.code, client.received.length], ['ECONNRESET', 0]);
    });
  });

  it('is a closed connection over TLS', async () => {
    const authority = await TestAuthority.make();
    const pair = await authority.issue('front', ['a.example']);
    await using upstream = await ScriptedUpstream.start(fine);
    const listener = { protocol: 'https', tls: { certificates: ['front'] } };
    const config = configBefore(upstream.url, listener, {}, { front: pair });
    const main = { ...config.routes['main'], policies: [fault({ abort: { reset: true } })] };
    await using gateway = await startGatewayWith({ ...config, routes: { main } } as typeof config);
    using client = await RawClient.connect({
      port: gateway.port,
      tls: { ca: authority.cert, servername: 'a.example' },
    });
    await client.send(get());
    await client.untilEnded();
    assert.equal(client.received.length, 0);
  });

  it('that holds a request back ends when the client leaves', async () => {
    const policies = [fault({ delay: { time: '5m' } })];
    const gateway = await playWithPolicies(policies, fine, async (client, upstream, started) => {
      await client.send(get());
      const { dataPlane } = started;
      while (dataPlane.stats().requestsInFlight === 0) await new Promise(setImmediate);
      client.reset();
      while (dataPlane.stats().requestsInFlight > 0) await new Promise(setImmediate);
      assert.equal(upstream.connections.length, 0);
    });
    assert.deepEqual(
      gateway.accessLog().map(({ status, code }) => [status, code]),
      [[499, 'client_closed']],
    );
  });
});
