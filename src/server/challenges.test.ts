import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { configBefore, startGatewayWith, type TestGateway } from '../../test/support/gateway.ts';
import { RecordingUpstream } from '../../test/support/recording-upstream.ts';
import { send } from '../../test/support/send.ts';
import { routeSchema } from '../routing/schema.ts';

const PATH = '/.well-known/acme-challenge';

suite('a challenge of HTTP-01', () => {
  let upstream: RecordingUpstream;
  let gateway: TestGateway;

  before(async () => {
    upstream = await RecordingUpstream.start();
    const config = configBefore(upstream.url);
    // Whatever routes say: this one redirects everything.
    const moved = routeSchema.parse({
      match: { hosts: ['moved.example'], paths: ['/*'] },
      redirect: { status: 308, scheme: 'https' },
    });
    gateway = await startGatewayWith({
      ...config,
      routes: { ...config.routes, moved: { ...moved, policies: [] } },
    });
    gateway.dataPlane.receive({
      kind: 'challenges',
      answers: { known: 'known.print' },
      certificates: {},
    });
  });

  after(async () => {
    await gateway.close();
    await upstream[Symbol.asyncDispose]();
  });

  for (const [what, path, headers, status, body, isForwarded] of [
    ['that is known is answered', `${PATH}/known`, {}, 200, 'known.print', false],
    [
      'is answered on a host that redirects',
      `${PATH}/known`,
      { host: 'moved.example' },
      200,
      'known.print',
      false,
    ],
    ['that is not known goes on to routing', `${PATH}/unknown`, { host: 'moved.example' }, 308, '', false],
    ['that is not known may be a service\u2019s', `${PATH}/unknown`, {}, 200, undefined, true],
    ['of another spelling is not it', `${PATH}/known/`, {}, 200, undefined, true],
    ['is no part of a path', `/a${PATH}/known`, {}, 200, undefined, true],
  ] satisfies [string, string, Record<string, string>, number, string | undefined, boolean][]) {
    test(what, async () => {
      upstream.clear();
      const answer = await send(`http://127.0.0.1:${gateway.port}${path}`, { headers });
      assert.equal(answer.status, status);
      if (body !== undefined) assert.equal(answer.body, body);
      assert.equal(upstream.requests.length, isForwarded ? 1 : 0);
    });
  }

  test('is not written to', async () => {
    upstream.clear();
    await send(`http://127.0.0.1:${gateway.port}${PATH}/known`, { method: 'POST' });
    assert.equal(upstream.requests.length, 1);
  });

  test('that is over goes on to routing', async () => {
    upstream.clear();
    gateway.dataPlane.receive({ kind: 'challenges', answers: {}, certificates: {} });
    await send(`http://127.0.0.1:${gateway.port}${PATH}/known`);
    assert.equal(upstream.requests.length, 1);
  });
});
