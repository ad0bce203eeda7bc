import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { suite, test } from 'node:test';
import { readAddressList } from '../../src/lib/address-list.ts';
import { buildTable, sortRanges } from '../../src/lib/address-table.ts';
import { writeCountryDatabase } from '../../src/lib/mmdb-writer.support.ts';
import type { ListData } from '../../src/policies/address-lists.ts';
import type { PolicyUse } from '../../src/policies/use.ts';
import type { DataPlaneConfig } from '../../src/server/config.ts';
import { startGateway } from '../../src/testing.ts';
import { get, HOST, request } from '../conformance/case.ts';
import { RunningCli, Workspace } from '../support/cli.ts';
import { configBefore, startGatewayWith } from '../support/gateway.ts';
import { Load } from '../support/load.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';

const LIMIT = { timeout: 60_000 };

const use = (name: string, options: object): PolicyUse => ({ name, options });

function listOf(text: string): ListData {
  return { kind: 'addresses', digest: text, table: buildTable(sortRanges(readAddressList(text).ranges)) };
}

function configWith(
  upstream: string,
  policies: readonly PolicyUse[],
  listener: object = {},
  lists: DataPlaneConfig['lists'] = {},
): DataPlaneConfig {
  return { ...configBefore(upstream, { ...listener }), policies, lists };
}

/** Asks a gateway with these policies once, with octets before the request and fields in it. */
async function ask(
  policies: readonly PolicyUse[],
  listener: object,
  before: string,
  fields: readonly string[],
): Promise<{ status: number; body: string; asked: number; metrics: string }> {
  await using upstream = await RecordingUpstream.start();
  await using gateway = await startGatewayWith(configWith(upstream.url, policies, listener));
  using client = await RawClient.connect({ port: gateway.port });
  await client.send(before + request(['GET / HTTP/1.1', HOST, ...fields, 'Connection: close']));
  const { status, body } = await client.answer();
  return { status, body: body.toString(), asked: upstream.heads, metrics: gateway.metrics() };
}

suite('The address that a filter judges', () => {
  const FROM = 'PROXY TCP4 203.0.113.9 198.51.100.2 56324 443\r\n';
  const FROM_V6 = 'PROXY TCP6 2001:db8::9 2001:db8::1 56324 443\r\n';
  const deny = (...addresses: string[]) => [use('ip-filter', { deny: addresses })];
  const trusting = { forwarding: { trust: ['127.0.0.1'] } };
  const CASES: [
    title: string,
    policies: readonly PolicyUse[],
    listener: object,
    before: string,
    fields: string[],
    status: number,
  ][] = [
    ['is that of the connection', deny('127.0.0.0/8'), {}, '', [], 403],
    ['is not another one', deny('10.0.0.0/8'), {}, '', [], 200],
    [
      'is what a trusted proxy says in X-Forwarded-For',
      deny('203.0.113.0/24'),
      trusting,
      '',
      ['X-Forwarded-For: 203.0.113.9'],
      403,
    ],
    [
      'is not that of the trusted proxy',
      deny('127.0.0.1'),
      trusting,
      '',
      ['X-Forwarded-For: 203.0.113.9'],
      200,
    ],
    [
      'is what the nearest trusted proxy says, not what the client made up before it',
      deny('203.0.113.9'),
      trusting,
      '',
      ['X-Forwarded-For: 192.0.2.1, 203.0.113.9'],
      403,
    ],
    [
      'is not what anybody else says in X-Forwarded-For',
      [use('ip-filter', { allow: ['203.0.113.9'] })],
      {},
      '',
      ['X-Forwarded-For: 203.0.113.9'],
      403,
    ],
    ['is that of PROXY protocol', deny('203.0.113.9'), { proxyProtocol: true }, FROM, [], 403],
    ['is not that of the peer then', deny('127.0.0.1'), { proxyProtocol: true }, FROM, [], 200],
    ['may be one of IPv6', deny('2001:db8::/32'), { proxyProtocol: true }, FROM_V6, [], 403],
    [
      'is not what a client behind PROXY protocol says it is',
      [use('ip-filter', { allow: ['10.0.0.1'] })],
      { proxyProtocol: true, ...trusting },
      FROM,
      ['X-Forwarded-For: 10.0.0.1'],
      403,
    ],
  ];
  for (const [title, policies, listener, before, fields, status] of CASES) {
    test(title, async () => {
      const answer = await ask(policies, listener, before, fields);
      assert.deepEqual([answer.status, answer.asked], [status, status === 200 ? 1 : 0]);
    });
  }
});

/** A policy's schema that passes the options on as they are, so that a test can look into them. */
const ANY_OPTIONS = `
  const safeParse = (data) => ({ success: true, data });
  const schema = { safeParse, safeParseAsync: async (data) => safeParse(data) };
`;

suite('A request that a filter refuses', () => {
  /** Asks a provider who is calling, before anything else may happen, and tells of each request that it sees. */
  const PROVIDER = `data:text/javascript,${encodeURIComponent(`
    ${ANY_OPTIONS}
    export const policy = {
      name: 'provider', stage: 'authentication', schema,
      create: ({ url, seen }) => ({
        async onRequest(exchange) {
          seen.push(exchange.request.path);
          await fetch(url);
        },
      }),
    };
  `)}`;

  const REFUSING: [title: string, refusing: PolicyUse, code: string][] = [
    ['for its address', use('ip-filter', { deny: ['127.0.0.1'] }), 'forbidden_address'],
    ['for its looks', use('request-filter', { deny: [{ methods: ['GET'] }] }), 'forbidden_request'],
  ];
  for (const [title, refusing, code] of REFUSING) {
    test(`${title} is seen neither by later policies, nor by an identity provider, nor by the service`, async () => {
      await using upstream = await RecordingUpstream.start();
      await using provider = await RecordingUpstream.start();
      const seen: string[] = [];
      const others: PolicyUse[] = [
        { name: './provider.js', module: PROVIDER, options: { url: provider.url, seen } },
      ];
      const tried = async (policies: readonly PolicyUse[]) => {
        await using gateway = await startGatewayWith(configWith(upstream.url, policies));
        using client = await RawClient.connect({ port: gateway.port });
        await client.send(get(['Connection: close']));
        const answer = await client.answer();
        return [answer, [seen.length, provider.heads, upstream.heads]] as const;
      };
      // Written last: the stage decides.
      const [refused, costs] = await tried([...others, refusing]);
      assert.equal(refused.status, 403);
      const { requestId, ...problem } = JSON.parse(refused.body.toString()) as Record<string, unknown>;
      assert.ok(requestId);
      assert.deepEqual([problem['code'], problem['type']], [code, `urn:portcullis:problem:${code}`]);
      assert.deepEqual(costs, [0, 0, 0]);
      const [passed, paid] = await tried(others);
      assert.equal(passed.status, 200);
      assert.deepEqual(paid, [1, 1, 1]);
    });
  }

  test('passes in a filter that reports, and is counted', async () => {
    const policies = [
      use('ip-filter', { deny: ['127.0.0.1'], report: true }),
      use('request-filter', { deny: [{ path: '/' }], report: true }),
    ];
    const { status, asked, metrics } = await ask(policies, {}, '', []);
    assert.deepEqual([status, asked], [200, 1]);
    const counted = metrics.split('\n').filter((line) => line.startsWith('portcullis_policy_events_total{'));
    assert.deepEqual(counted.toSorted(), [
      'portcullis_policy_events_total{route="main",policy="ip-filter",event="reported_address"} 1',
      'portcullis_policy_events_total{route="main",policy="request-filter",event="reported_request"} 1',
    ]);
  });
});

suite('A list of countries', () => {
  test('refuses clients of them by their networks in a database', async () => {
    using files = new Workspace();
    files.write(
      'countries.mmdb',
      writeCountryDatabase({
        ipVersion: 6,
        recordSize: 24,
        networks: { '192.0.2.0/24': 'DE', '2001:db8::/32': 'DE', '198.51.100.0/24': 'FR' },
      }),
    );
    await using gateway = await startGateway(
      {
        listeners: { main: { port: 0, forwarding: { trust: ['127.0.0.1'] } } },
        lists: { home: { countries: ['DE'], database: 'countries.mmdb' } },
        routes: {
          home: {
            match: { paths: ['/home'] },
            policies: [{ 'ip-filter': { allow: [{ list: 'home' }] } }],
            respond: {},
          },
          abroad: {
            match: { paths: ['/abroad'] },
            policies: [{ 'ip-filter': { deny: [{ list: 'home' }] } }],
            respond: {},
          },
        },
      },
      { directory: files.directory },
    );
    for (const [client, home, abroad] of [
      ['192.0.2.1', 200, 403],
      ['2001:db8::1', 200, 403],
      ['198.51.100.1', 403, 200],
      ['203.0.113.1', 403, 200],
    ] as const) {
      assert.equal(await statusFor(`${gateway.url}/home`, client), home, client);
      assert.equal(await statusFor(`${gateway.url}/abroad`, client), abroad, client);
    }
    const refused = await fetch(`${gateway.url}/home`);
    assert.equal(((await refused.json()) as { code: string }).code, 'forbidden_country');
  });
});

suite('A list that changes', () => {
  test('takes effect with the commit, for connections that are open, and leaves the policies as they are', async () => {
    const made = `data:text/javascript,${encodeURIComponent(`
      ${ANY_OPTIONS}
      export const policy = {
        name: 'made', stage: 'transform', schema, create: ({ times }) => (times.push(1), {}),
      };
    `)}`;
    const times: number[] = [];
    const policies: PolicyUse[] = [
      use('ip-filter', { deny: [{ list: 'blocked' }] }),
      { name: './made.js', module: made, options: { times } },
    ];
    await using upstream = await RecordingUpstream.start();
    const configOf = (text: string) => configWith(upstream.url, policies, {}, { blocked: listOf(text) });
    const first = configOf('10.0.0.0/8');
    await using gateway = await startGatewayWith(first);
    using client = await RawClient.connect({ port: gateway.port });
    const status = async () => {
      await client.send(get());
      return (await client.answer()).status;
    };
    assert.equal(await status(), 200);
    const before = times.length;
    const next = await gateway.dataPlane.prepare({ ...first, lists: { blocked: listOf('127.0.0.1') } });
    assert.equal(await status(), 200);
    gateway.dataPlane.commit(next);
    assert.equal(await status(), 403);
    gateway.dataPlane.commit(await gateway.dataPlane.prepare(first));
    assert.equal(await status(), 200);
    assert.equal(times.length, before);
  });

  test('under load fails no request, and refuses whom it now has: with the real program', LIMIT, async () => {
    await using upstream = await RecordingUpstream.start();
    const many = Array.from(
      { length: 100_000 },
      (_, i) => `10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255} # ${i}\n`,
    ).join('');
    using files = new Workspace({
      'portcullis.yaml': `
listeners:
  http: { address: 127.0.0.1, port: 0, forwarding: { trust: [127.0.0.1] } }
admin: { port: 0 }
runtime: { workers: 2 }
observability: { accessLog: { enabled: false } }
lists:
  blocked: { file: ./blocked.txt }
  bots: { file: ./bots.txt, holds: texts }
policies:
  - request-filter: { deny: [{ userAgent: { list: bots }, code: forbidden_scanner }] }
services:
  page: { url: '${upstream.url}' }
routes:
  page: { match: { paths: [/*] }, policies: [{ ip-filter: { deny: [{ list: blocked }] } }], service: page }
`,
      'blocked.txt': many,
      'bots.txt': '# Who scans\nBadBot/1.0\n',
    });
    await using cli = new RunningCli(['serve'], files.directory);
    const { url, admin } = await cli.ready();
    const asAgent = async (agent: string) => (await fetch(url, { headers: { 'User-Agent': agent } })).status;
    assert.deepEqual([await asAgent('BadBot/1.0'), await asAgent('WorseBot/2.0')], [403, 200]);
    const load = new Load(url, 4);
    await load.answers(200);
    for (const [added, expected] of [
      ['203.0.113.9\n', 403],
      ['', 200],
    ] as const) {
      const from = cli.log.length;
      files.write('blocked.txt', many + added);
      await cli.logged('reload (file change): lists: 1 changed', from);
      assert.equal(await statusFor(url, '203.0.113.9'), expected);
      assert.equal(await statusFor(url, '10.1.134.159'), 403);
      await load.answers(200);
    }
    const from = cli.log.length;
    files.write('blocked.txt', '127.0.0.300\n');
    await cli.logged(/^reload \(file change\) refused/, from);
    assert.match(cli.stderr, /blocked\.txt:1:1: lists\.blocked\.file: is not an address or a range/);
    await load.answers(200);
    files.write('blocked.txt', '203.0.113.0/24\n203.0.113.9\n');
    await cli.logged('reload (file change): lists: 1 changed', from);
    assert.equal(await statusFor(url, '203.0.113.10'), 403);
    files.write('bots.txt', Array.from({ length: 100_000 }, (_, i) => `WorseBot/${i}.0\n`).join(''));
    await cli.logged('reload (file change): lists: 1 changed', cli.log.length);
    assert.deepEqual([await asAgent('BadBot/1.0'), await asAgent('WorseBot/99999.0')], [200, 403]);
    const { lists } = (await (await fetch(`${admin}/config`)).json()) as {
      lists: { blocked: { digest: unknown }; bots: { kind: string; texts: number } };
    };
    assert.deepEqual([lists.bots.kind, lists.bots.texts], ['texts', 100_000]);
    const { digest, ...blocked } = lists.blocked;
    assert.deepEqual(blocked, { kind: 'addresses', ranges: 1 });
    assert.ok(digest);
    const { answered, broken, others } = await load.stop();
    assert.deepEqual({ broken, others }, { broken: 0, others: {} }, `of ${answered}`);
  });
});

suite('A list of 100,000 entries that changes', () => {
  const PROBE = `
import { definePolicy, z } from 'portcullis/policy';
import { threadId } from 'node:worker_threads';
/** Tells what CPU time its worker has used. */
export const policy = definePolicy({
  name: 'probe',
  stage: 'transform',
  schema: z.strictObject({}),
  create: () => ({
    onRequest() {
      const { user, system } = process.threadCpuUsage();
      return { status: 200, body: JSON.stringify({ threadId, us: user + system }) };
    },
  }),
});
`;
  const text = (last: number): string =>
    Array.from({ length: 100_000 }, (_, i) => `10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}\n`).join('') +
    `192.0.2.${last}\n`;

  test('takes a worker less than 20 ms, so that none can be stalled for as long', LIMIT, async (t) => {
    using files = new Workspace({
      'portcullis.yaml': `
listeners:
  http: { address: 127.0.0.1, port: 0 }
admin: { port: 0 }
runtime: { workers: 1 }
observability: { accessLog: { enabled: false } }
lists:
  blocked: { file: ./blocked.txt }
routes:
  probe:
    match: { paths: [/*] }
    policies: [{ ip-filter: { deny: [{ list: blocked }] } }, { ./probe.ts: {} }]
    respond: {}
`,
      'blocked.txt': text(0),
      'probe.ts': PROBE,
    });
    await using cli = new RunningCli(['serve'], files.directory);
    const { url } = await cli.ready();
    const usedMs = async (): Promise<number> => {
      const answer = await fetch(url);
      return ((await answer.json()) as { us: number }).us / 1000;
    };
    // CPU time: how long others keep the machine busy meanwhile does not matter. The best of some, because a collection of garbage may fall into one.
    const took: number[] = [];
    for (let i = 1; i <= 4; i++) {
      const before = await usedMs();
      const from = cli.log.length;
      files.write('blocked.txt', text(i));
      await cli.logged('reload (file change): lists: 1 changed', from);
      took.push((await usedMs()) - before);
    }
    t.diagnostic(`CPU time of the worker: ${took.map((ms) => `${ms.toFixed(1)} ms`).join(', ')}`);
    assert.ok(Math.min(...took) < 20, `${took.join(', ')} ms`);
  });
});

/** One request on a connection of its own, told by a proxy to come from `client`. */
function statusFor(url: string, client: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { agent: false, headers: { 'x-forwarded-for': client } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject);
    sent.end();
  });
}
