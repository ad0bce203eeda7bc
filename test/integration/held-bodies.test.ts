import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { routeSchema } from '../../src/routing/schema.ts';
import { serviceSchema } from '../../src/upstream/schema.ts';
import { HOST, post, request } from '../conformance/case.ts';
import { configBefore, startGatewayWith } from '../support/gateway.ts';
import { hooked } from '../support/hooked-policy.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';
import { AT_ONCE, afterRequest, got, playRetries, sentTo } from '../support/retry-play.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const looking = hooked('looking', { onRequestBody: () => {} });
const CHUNKED = post(['Transfer-Encoding: chunked'], '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n');
const BODY = 'hello world';
const SENT = /Content-Length: 11\r\n\r\nhello world$/;

suite('A body that was collected for the policies', () => {
  const answering = (status: number) =>
    afterRequest(BODY, (connection) => connection.send(answer(status, 'done')));

  test('is there for another attempt, with its length', async () => {
    const service = { retry: { on: [503], methods: 'all', backOff: AT_ONCE } };
    const stage = { scripts: [answering(503), answering(200)], service, policies: [looking] };
    await playRetries(stage, async (play) => {
      await play.client.send(CHUNKED);
      assert.deepEqual(await got(play), [200, 'done']);
      for (const upstream of play.upstreams) assert.match(sentTo(upstream), SENT);
    });
  });

  test('is there for the first target that can be reached', async () => {
    const service = { retry: { on: ['connect'], methods: 'all', backOff: AT_ONCE } };
    const stage = { scripts: [answering(200), answering(200)], service, policies: [looking] };
    await playRetries(stage, async (play) => {
      await play.upstreams[0]?.stopListening();
      await play.client.send(CHUNKED);
      assert.deepEqual(await got(play), [200, 'done']);
      assert.match(sentTo(play.upstreams[1]), SENT);
    });
  });

  test('passes the transforms of the request once', async () => {
    await using upstream = await RecordingUpstream.start();
    const config = configBefore(upstream.url);
    const doubling = hooked('doubling', {
      transformRequestBody: () => ({ chunk: (data) => Buffer.concat([data, data]) }),
    });
    await using gateway = await startGatewayWith({ ...config, policies: [looking, doubling] });
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(CHUNKED);
    assert.equal((await client.answer()).status, 200);
    assert.equal(String(upstream.requests[0]?.body), BODY + BODY);
  });

  test('goes to a mirror too', async () => {
    await using upstream = await RecordingUpstream.start();
    await using mirror = await RecordingUpstream.start();
    const config = configBefore(upstream.url);
    const shadow = { ...serviceSchema.parse({}), targets: [{ url: mirror.url, weight: 1 }] };
    const main = routeSchema.parse({
      match: { paths: ['/*'] },
      service: 'main',
      mirror: { service: 'shadow' },
    });
    await using gateway = await startGatewayWith({
      ...config,
      services: { ...config.services, shadow },
      routes: { main: { ...main, policies: [looking] } },
    });
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(CHUNKED);
    assert.equal((await client.answer()).status, 200);
    await mirror.until(() => mirror.requests.length === 1, 'the copy');
    assert.equal(String(mirror.requests[0]?.body), BODY);
    assert.equal(String(upstream.requests[0]?.body), BODY);
  });

  test('that is large is sent to a service that takes it slowly', async () => {
    const body = 'abcdefgh'.repeat(1_000_000);
    const wide = hooked('wide', { onRequestBody: () => {}, requestBodyBounds: { maxBytes: 10_000_000 } });
    await using upstream = await RecordingUpstream.start();
    await using gateway = await startGatewayWith({ ...configBefore(upstream.url), policies: [wide] });
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(request(['PUT / HTTP/1.1', HOST, `Content-Length: ${body.length}`], body));
    assert.equal((await client.answer()).status, 200);
    assert.equal(upstream.requests[0]?.body.length, body.length);
  });

  test('goes to a fallback after a service that had it already, and to a mirror once', async () => {
    await using failing = await ScriptedUpstream.start(
      afterRequest('\r\n0\r\n\r\n', (connection) => connection.send(answer(500))),
    );
    await using other = await RecordingUpstream.start();
    await using mirror = await RecordingUpstream.start();
    const config = configBefore(
      failing.url,
      {},
      {
        breaker: { consecutive: 1, openFor: '5s', scope: 'target' },
        retry: { on: ['5xx'], methods: 'all', backOff: AT_ONCE },
        fallback: { service: 'other' },
      },
    );
    const at = (url: string) => ({ ...serviceSchema.parse({}), targets: [{ url, weight: 1 }] });
    const main = routeSchema.parse({
      match: { paths: ['/*'] },
      service: 'main',
      mirror: { service: 'shadow' },
    });
    const exclaiming = hooked('exclaiming', {
      transformRequestBody: () => ({ chunk: (data) => data, end: () => Buffer.from('!') }),
    });
    await using gateway = await startGatewayWith({
      ...config,
      services: { ...config.services, other: at(other.url), shadow: at(mirror.url) },
      routes: { main: { ...main, policies: [looking, exclaiming] } },
    });
    using client = await RawClient.connect({ port: gateway.port });
    await client.send(CHUNKED);
    assert.equal((await client.answer()).status, 200);
    assert.match(sentTo(failing), /hello world/);
    assert.deepEqual(
      other.requests.map(({ body }) => String(body)),
      [`${BODY}!`],
    );
    await mirror.until(() => mirror.requests.length === 1, 'the copy');
    assert.equal(String(mirror.requests[0]?.body), `${BODY}!`);
  });
});
