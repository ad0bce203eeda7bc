import assert from 'node:assert/strict';
import { Transform } from 'node:stream';
import { test } from 'node:test';
import { createGunzip, gzipSync } from 'node:zlib';
import { get, HOST, request } from '../conformance/case.ts';
import { Changes } from '../support/changes.ts';
import { configBefore, startGatewayWith } from '../support/gateway.ts';
import { hooked } from '../support/hooked-policy.ts';
import { fine, playWithPolicies as play } from '../support/policy-play.ts';
import { RawClient } from '../support/raw-client.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

test('One client cannot have all memory for bodies: beyond its share it is refused, and others are served', async () => {
  await using upstream = await ScriptedUpstream.start(fine);
  const looking = hooked('looking', { onRequestBody: () => {}, requestBodyBounds: { maxBytes: 1000 } });
  const config = { ...configBefore(upstream.url), policies: [looking] };
  await using gateway = await startGatewayWith(config, {}, 4000);
  const post = (length: number, body: string) =>
    request(['POST / HTTP/1.1', HOST, `Content-Length: ${length}`], body);
  const statusFor = async (from: string, body: string) => {
    using client = await RawClient.connect({ port: gateway.port, from });
    await client.send(post(body.length, body));
    const { status, body: got } = await client.answer();
    return status === 200 ? [200] : [status, (JSON.parse(String(got)) as { code: string }).code];
  };
  using greedy = await RawClient.connect({ port: gateway.port, from: '127.0.0.1' });
  await greedy.send(post(950, 'a'.repeat(900)));
  assert.deepEqual(await statusFor('127.0.0.1', 'a'.repeat(101)), [503, 'overloaded']);
  assert.deepEqual(await statusFor('127.0.0.1', 'a'.repeat(100)), [200]);
  assert.deepEqual(await statusFor('127.0.0.2', 'a'.repeat(1000)), [200]);
  // What was refused, and what is over, holds nothing.
  await greedy.send('a'.repeat(50));
  assert.equal((await greedy.answer()).status, 200);
  assert.deepEqual(await statusFor('127.0.0.1', 'a'.repeat(1000)), [200]);
});

test('An answer is not decompressed any more when its client has left', async ({ mock }) => {
  const changes = new Changes();
  let ended = 0;
  mock.method(Object.getPrototypeOf(createGunzip()) as Transform, 'destroy', function (this: Transform) {
    ended++;
    changes.tell();
    return Transform.prototype.destroy.call(this);
  });
  const packed = gzipSync('hello'.repeat(1000));
  const whole = answer(200, packed.toString('latin1'), { 'Content-Encoding': 'gzip' });
  const looking = hooked('looking', { onResponseBody: () => {} });
  await play(
    [looking],
    async (connection) => {
      await connection.head();
      // The decompression waits for the last octet.
      await connection.send(whole.slice(0, -1));
      await connection.untilEnded();
    },
    async (client, upstream) => {
      await client.send(get());
      await upstream.until(() => upstream.connections.length === 1, 'the request');
      assert.equal(ended, 0);
      client.close();
      await changes.until(() => ended === 1, 'the end of the decompression');
    },
  );
});
