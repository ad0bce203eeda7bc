import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Answer } from '../support/answers.ts';
import { turns } from '../support/changes.ts';
import { startGatewayBefore, type TestGateway } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { type RecordedRequest, RecordingUpstream } from '../support/recording-upstream.ts';
import { type ConformanceCase, type Forwarded, HOST, request } from './case.ts';
import { CHUNKED } from './chunked.corpus.ts';
import { FIELDS } from './fields.corpus.ts';
import { FRAMING } from './framing.corpus.ts';
import { LIMIT_CASES, LIMITS } from './limits.corpus.ts';
import { REQUEST_LINE } from './request-line.corpus.ts';

/** Sent behind every case: it is read as a request of its own when, and only when, the case left the connection in order. */
const NEXT = request(['GET /next HTTP/1.1', HOST, 'Connection: close']);

/** Beyond this length octets come in larger pieces than one. */
const BYTE_BY_BYTE_OCTETS = 1500;

/** How a network may cut the same octets. */
const CUTS: [title: string, positions: (bytes: string) => number[]][] = [
  ['whole', () => []],
  ['cut around every line end', cutsAroundLineEnds],
  ['octet by octet', (bytes) => positions(bytes, bytes.length > BYTE_BY_BYTE_OCTETS ? 997 : 1)],
];

let upstream: RecordingUpstream;
let gateway: TestGateway;

before(async () => {
  upstream = await RecordingUpstream.start();
  gateway = await startGatewayBefore(upstream.url, {
    limits: {
      requestLine: `${LIMITS.requestLine}b`,
      head: `${LIMITS.head}b`,
      fields: LIMITS.fields,
      body: `${LIMITS.body}b`,
    },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

for (const [title, cases] of [
  ['the length of a message', FRAMING],
  ['chunked bodies', CHUNKED],
  ['the request line', REQUEST_LINE],
  ['fields', FIELDS],
  ['limits', LIMIT_CASES],
] as const) {
  suite(title, () => {
    for (const item of cases) {
      test(`${outcome(item)}: ${item.title} (${item.source})`, async () => {
        for (const [cut, at] of CUTS) {
          upstream.clear();
          using client = await RawClient.connect({ port: gateway.port });
          const bytes = item.bytes + NEXT;
          await client.sendSplit(bytes, at(bytes));
          await check(item, client, cut);
        }
      });
    }
  });
}

async function check(item: ConformanceCase, client: RawClient, cut: string): Promise<void> {
  const method = /^\s*([A-Z]+) /.exec(item.bytes)?.[1] ?? 'GET';
  const answers = await client.answersUntilEnded([method, 'GET']);
  const statuses = answers.map((answer) => answer.status);
  // What the gateway sent on is on its way within this process: a few turns bring it.
  await turns(4);
  assert.deepEqual(upstream.refusals, [], `${cut}: node:http could not read what was forwarded`);
  const targets = upstream.requests.map((one) => `${one.method} ${one.target}`);

  const { expect } = item;
  if (expect.kind === 'refused') {
    assert.deepEqual(statuses, [expect.status], cut);
    assert.deepEqual(targets, [], `${cut}: forwarded`);
    assertProblem(answers[0] as Answer, method, cut);
    return;
  }
  const closes = expect.closes === true;
  assert.deepEqual(
    statuses,
    closes ? [expect.kind === 'answered' ? expect.status : 200] : [statuses[0], 200],
    cut,
  );
  if (expect.kind === 'answered') {
    assert.equal(statuses[0], expect.status, cut);
    return;
  }
  assert.equal(statuses[0], 200, cut);
  assert.deepEqual(targets.slice(1), closes ? [] : ['GET /next'], `${cut}: behind the first request`);
  assertForwarded(upstream.requests[0] as RecordedRequest, expect, cut);
}

/** RFC 9457, and a connection that nobody uses again. */
function assertProblem(answer: Answer, method: string, cut: string): void {
  assert.equal(answer.get('content-type'), 'application/problem+json', cut);
  assert.equal(answer.get('connection'), 'close', cut);
  if (method === 'HEAD') return;
  const problem = JSON.parse(answer.body.toString()) as { status: unknown; code: unknown };
  assert.equal(problem.status, answer.status, cut);
  assert.equal(typeof problem.code, 'string', cut);
}

function assertForwarded(received: RecordedRequest, expected: Forwarded, cut: string): void {
  if (expected.method !== undefined) assert.equal(received.method, expected.method, cut);
  if (expected.target !== undefined) assert.equal(received.target, expected.target, cut);
  if (expected.body !== undefined) assert.equal(received.body.toString('latin1'), expected.body, cut);
  for (const [name, value] of Object.entries(expected.fields ?? {})) {
    const values = received.fields.filter(([n]) => n === name).map(([, v]) => v);
    assert.deepEqual(values, value === undefined ? [] : [value], `${cut}: ${name}`);
  }
  if (expected.trailers) assert.deepEqual(Object.fromEntries(received.trailers), expected.trailers, cut);
}

function outcome(item: ConformanceCase): string {
  switch (item.expect.kind) {
    case 'refused':
      return String(item.expect.status);
    case 'answered':
      return `answered ${item.expect.status}`;
    case 'forwarded':
      return 'forwarded';
  }
}

function positions(bytes: string, step: number): number[] {
  return Array.from({ length: Math.floor(bytes.length / step) }, (_, i) => (i + 1) * step);
}

/** Before, within and behind each CR LF, and around lone ones. Not for the many lines of a case that is about their number. */
function cutsAroundLineEnds(bytes: string): number[] {
  const cuts: number[] = [];
  for (let i = 0; i < bytes.length && cuts.length < 120; i++) {
    if (bytes[i] === '\r' || bytes[i] === '\n') cuts.push(i, i + 1);
  }
  return cuts;
}
