import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { constants, gzipSync } from 'node:zlib';
import { get, post } from '../conformance/case.ts';
import { fine, startWithPolicies as startWith } from '../support/policy-play.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const BOMB_BYTES = 100_000_000;
/** Requests by which it is known what one takes when nobody sends a bomb. */
const QUIET = 200;
/** What nearly every request may take beside the slowest of the quiet ones: a step in which the bomb is read. */
const STEP_MS = 50;
/** What the slowest may take beside it: far below what it would take to parse or inflate a bomb in one go. */
const WORST_MS = 250;

/** A body that the gateway would rather not have read. */
interface Bomb {
  readonly title: string;
  readonly max: string;
  readonly head: string;
  readonly body: Buffer;
  readonly expected: readonly [number, string];
}

const chunk = (body: Buffer) =>
  Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]);
const INVALID = [400, 'invalid_request'] as const;
const JSON_TYPE = 'Content-Type: application/json';

const BOMBS: readonly Bomb[] = ['[', '{"a":', ' '].flatMap((unit) => {
  const body = Buffer.alloc(BOMB_BYTES, unit);
  const withLength = post([JSON_TYPE, `Content-Length: ${BOMB_BYTES}`]);
  const title = unit === ' ' ? '100 MB of white space' : `100 MB of ${unit}`;
  // What is wrong already is said before it is too much.
  const early = unit === ' ' ? ([413, 'body_too_large'] as const) : INVALID;
  const packed = gzipSync(body);
  return [
    {
      title: `${title}, beyond the bound`,
      max: '1mb',
      head: withLength,
      body,
      expected: [413, 'body_too_large'],
    },
    {
      title: `${title} in chunks, beyond the bound`,
      max: '1mb',
      head: post([JSON_TYPE, 'Transfer-Encoding: chunked']),
      body: chunk(body),
      expected: early,
    },
    { title: `${title}, within the bound`, max: '128mb', head: withLength, body, expected: INVALID },
    {
      title: `${title}, compressed`,
      max: '128mb',
      head: post([JSON_TYPE, 'Content-Encoding: gzip', `Content-Length: ${packed.length}`]),
      body: packed,
      expected: early,
    },
  ];
});

/** Bombs of pieces none of which is too much. */
const IN_PIECES: readonly Bomb[] = [
  ['lists within lists', JSON_TYPE, `[${'0,'.repeat(9999)}0],`, '['],
  ['parameters', 'Content-Type: application/x-www-form-urlencoded', 'a=1&', ''],
].map(([what = '', type = '', unit = '', start = '']) => {
  const body = Buffer.concat([Buffer.from(start), Buffer.alloc(BOMB_BYTES, unit)]);
  return {
    title: `100 MB of ${what}, within the bound`,
    max: '128mb',
    head: post([type, `Content-Length: ${body.length}`]),
    body,
    expected: INVALID,
  };
});

/** What this thread, which is the gateway's, did meanwhile, and not what others did that the machine has to do, too. */
function cpuMsSince(started: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(started);
  return (user + system) / 1000;
}

suite('While one client sends a bomb, others are answered as ever', () => {
  for (const { title, max, head, body, expected } of [...BOMBS, ...IN_PIECES]) {
    test(title, async (t) => {
      await using upstream = await ScriptedUpstream.start(fine);
      const form = { schema: { type: 'object' } };
      const content = { 'application/json': {}, 'application/x-www-form-urlencoded': form };
      const validate = { name: 'validate', options: { body: { content, max } } };
      await using gateway = await startWith(upstream.url, [validate]);
      using bomber = await RawClient.connect({ port: gateway.port });
      using other = await RawClient.connect({ port: gateway.port });
      const timesUntil = async (isOver: () => boolean): Promise<readonly number[]> => {
        const times: number[] = [];
        do {
          const started = process.threadCpuUsage();
          await other.send(get());
          assert.equal((await other.answer()).status, 200);
          times.push(cpuMsSince(started));
        } while (!isOver());
        return times.sort((one, next) => one - next);
      };
      let quiet = 0;
      const baselineMs = (await timesUntil(() => ++quiet === QUIET)).at(-1) ?? 0;
      let answered = false;
      const bombing = (async () => {
        await bomber.send(head);
        // It may be answered and cut off before it has sent all.
        bomber.send(body).catch(() => {});
        const got = await bomber.answer();
        answered = true;
        return [got.status, (JSON.parse(String(got.body)) as { code: string }).code];
      })();
      const times = await timesUntil(() => answered);
      assert.deepEqual(await bombing, expected);
      const slowestMs = times.at(-1) ?? 0;
      const usualMs = times[Math.floor(times.length * 0.95)] ?? 0;
      const took = `${times.length} requests: 95 of 100 within ${usualMs} ms of the processor, all within ${slowestMs} ms; before it ${baselineMs} ms`;
      t.diagnostic(took);
      // Among a few, one slow step is more than 5 of 100.
      if (times.length > 20) assert.ok(usualMs < baselineMs + STEP_MS, took);
      assert.ok(slowestMs < baselineMs + WORST_MS, took);
    });
  }
});

suite('What is wrong with the beginning of a body is answered before the rest comes', () => {
  const FORM_TYPE = 'Content-Type: application/x-www-form-urlencoded';
  for (const [title, type, beginning, reason] of [
    ['lists within each other', JSON_TYPE, '['.repeat(33), 'body /0/0'],
    ['objects within each other', JSON_TYPE, '{"a":'.repeat(33), 'is nested deeper than 32 levels'],
    ['a long list', JSON_TYPE, `[${'0,'.repeat(10_000)} 0`, 'has more than 10000 values in a list'],
    [
      'many keys',
      JSON_TYPE,
      `{${Array.from({ length: 10_001 }, (_, i) => `"${i}":0`).join()}`,
      'has more than 10000 keys in all',
    ],
    ['a long string', JSON_TYPE, `["${'a'.repeat(256 * 1024 + 1)}`, 'has a string of more than'],
    ['a long number', JSON_TYPE, `[${'1'.repeat(256 * 1024 + 1)}`, 'is a number that is too large'],
    ['a key that stands twice', JSON_TYPE, '{"a":1,"a"', 'stands twice in its object'],
    ['__proto__', JSON_TYPE, '{"__proto__"', 'is a key that is not allowed'],
    ['no JSON', JSON_TYPE, '{"a":1,,', 'is not JSON, at octet 7'],
    ['many parameters', FORM_TYPE, 'a=1&'.repeat(10_001), 'has more than 10000 parameters'],
    ['a long parameter', FORM_TYPE, `a=${'b'.repeat(256 * 1024)}`, 'has a parameter of more than'],
  ] as const)
    test(title, async () => {
      await using upstream = await ScriptedUpstream.start(fine);
      const form = { schema: { type: 'object' } };
      const content = { 'application/json': {}, 'application/x-www-form-urlencoded': form };
      await using gateway = await startWith(upstream.url, [
        { name: 'validate', options: { body: { content, max: '128mb', ratio: 10_000 } } },
      ]);
      const packed = gzipSync(beginning, { finishFlush: constants.Z_SYNC_FLUSH });
      for (const [fields, sent] of [
        [`Content-Length: ${BOMB_BYTES}`, beginning],
        ['Transfer-Encoding: chunked', chunk(Buffer.from(beginning))],
        [`Content-Encoding: gzip\r\nContent-Length: ${BOMB_BYTES}`, packed],
      ] as const) {
        using client = await RawClient.connect({ port: gateway.port });
        await client.send(post([type, ...fields.split('\r\n')]));
        client.send(sent).catch(() => {});
        const { status, body } = await client.answer();
        assert.equal(status, 400, String(body));
        const { code, errors } = JSON.parse(String(body)) as {
          code: string;
          errors: readonly { path: string; reason: string }[];
        };
        assert.equal(code, 'invalid_request');
        const [first] = errors;
        assert.match(`body ${first?.path} ${first?.reason}`, new RegExp(reason));
      }
      assert.equal(upstream.connections.length, 0);
    });
});
