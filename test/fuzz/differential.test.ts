import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import { HOST, request } from '../conformance/case.ts';
import { turns } from '../support/changes.ts';
import { startGatewayBefore, type TestGateway } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';
import { cuts, requestBytes } from './requests.ts';

/** More by `FUZZ_RUNS=100000 npm test`. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1500);

/** Ends the connection of whatever came before it in order. */
const LAST = request(['GET /last HTTP/1.1', HOST, 'Connection: close']);

let upstream: RecordingUpstream;
let gateway: TestGateway;

before(async () => {
  upstream = await RecordingUpstream.start();
  gateway = await startGatewayBefore(upstream.url, {
    timeouts: { head: '1s', bodyIdle: '1s', keepAlive: '1s', halfClose: '1s' },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

interface Outcome {
  /** Final answers, in order. */
  readonly statuses: readonly number[];
  /** What node:http read of what the gateway forwarded, without what differs from run to run. */
  readonly requests: readonly string[];
}

const VARYING: ReadonlySet<string> = new Set(['traceparent', 'x-request-id']);

async function exchange(bytes: string, at: readonly number[]): Promise<Outcome> {
  upstream.clear();
  using client = await RawClient.connect({ port: gateway.port });
  await client.sendSplit(bytes, at);
  client.halfClose();
  await client.untilEnded();
  await turns(3);
  // The gateway passes on every method, node:http knows a list of them: such an input tells nothing.
  fc.pre(!upstream.refusals.includes('HPE_INVALID_METHOD'));
  assert.deepEqual(upstream.refusals, [], 'node:http could not read what was forwarded');
  return {
    statuses: statusesOf(client),
    requests: upstream.requests.map((one) => {
      const fields = one.fields.filter(([name]) => !VARYING.has(name));
      return JSON.stringify([
        one.method,
        one.target,
        one.version,
        fields,
        one.body.toString('latin1'),
        one.trailers,
      ]);
    }),
  };
}

/** Every answer of node:http and of the gateway has a length here, and only HEAD has no body: read by that, whatever was asked. */
function statusesOf(client: RawClient): number[] {
  const statuses: number[] = [];
  let rest = client.rest.toString('latin1');
  while (rest !== '') {
    const head = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(rest);
    assert.ok(head, `not an answer: ${JSON.stringify(rest.slice(0, 200))}`);
    rest = rest.slice(head[0].length);
    const status = Number(head[1]);
    if (status >= 200) statuses.push(status);
    const length = Number(/^content-length: (\d+)\r$/im.exec(head[2] as string)?.[1] ?? 0);
    // The body of an answer to HEAD is not there: the next answer or the end follows at once.
    if (!rest.startsWith('HTTP/1.1 ') && rest !== '') rest = rest.slice(length);
  }
  return statuses;
}

suite('what the gateway forwards, node:http reads as the same requests', () => {
  test('one that is near to a request', async () => {
    await fc.assert(
      fc.asyncProperty(requestBytes, cuts, async (bytes, at) => {
        const whole = await exchange(bytes + LAST, []);
        // Each request that was forwarded has one answer of the upstream's; all others are the gateway's own refusals.
        const forwarded = whole.statuses.filter((status) => status === 200).length;
        assert.equal(whole.requests.length, forwarded);
        // A refusal ends the connection: nothing is read behind it.
        const refusal = whole.statuses.findIndex((status) => status >= 400);
        assert.ok(refusal === -1 || refusal === whole.statuses.length - 1);
        assert.ok(whole.requests.every((one) => !one.startsWith('["GET","/smuggled"')));
        // How the network cuts the octets changes nothing.
        assert.deepEqual(await exchange(bytes + LAST, at), whole);
      }),
      { numRuns: RUNS },
    );
  });

  test('several, one behind the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(requestBytes, { minLength: 2, maxLength: 4 }), cuts, async (parts, at) => {
        const bytes = parts.join('') + LAST;
        const whole = await exchange(bytes, []);
        assert.equal(whole.requests.length, whole.statuses.filter((status) => status === 200).length);
        assert.ok(whole.requests.length <= parts.length + 1);
        assert.deepEqual(await exchange(bytes, at), whole);
      }),
      { numRuns: Math.ceil(RUNS / 3) },
    );
  });
});
