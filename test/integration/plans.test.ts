import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RunningCli, Workspace } from '../support/cli.ts';
import { openRedis } from '../support/redis.ts';
import { type Received, send } from '../support/send.ts';

const LIMIT = { timeout: 60_000 };

/** Says who calls by what the caller says: for tests. */
const IDENTIFY = `
import { definePolicy, z } from 'portcullis/policy';
export const policy = definePolicy({
  name: 'identify',
  stage: 'authentication',
  schema: z.strictObject({}),
  create: () => ({
    onRequest(exchange) {
      const consumer = exchange.request.fields.get('x-consumer');
      if (consumer !== undefined) exchange.notes.set('consumer', consumer);
    },
  }),
});
`;

function configWith(more = '', workers = 2): Record<string, string> {
  return {
    'identify.ts': IDENTIFY,
    'portcullis.yaml': `
listeners:
  http: { address: 127.0.0.1, port: 0 }
admin: { port: 0 }
runtime: { workers: ${workers} }
observability: { accessLog: { enabled: false } }
plans:
  gold:
    quotas: [{ limit: 40, per: month, soft: 50 }]
    timeZone: Europe/Zurich
consumers:
  alice: { plan: gold }
  bob: { plan: gold }
policies: [{ ./identify.ts: {} }, { plan: {} }]
routes:
  main: { match: { paths: [/*] }, respond: { body: hello } }
${more}`,
  };
}

function call(url: string, consumer: string): Promise<Received> {
  return send(url, { headers: { 'x-consumer': consumer } });
}

/** How many of so many at the same time, each on a connection of its own, end with each status. */
async function callMany(url: string, consumer: string, count: number): Promise<Record<string, number>> {
  const answers = await Promise.all(Array.from({ length: count }, () => call(url, consumer)));
  const counted: Record<string, number> = {};
  for (const { status } of answers) counted[String(status)] = (counted[String(status)] ?? 0) + 1;
  return counted;
}

interface Quotas {
  readonly quotas: readonly { readonly consumer: string; readonly used: number; readonly limit: number }[];
}

async function used(
  admin: string,
  consumer: string,
): Promise<readonly (readonly [string, number, number])[]> {
  const { body } = await send(`${admin}/quotas?consumer=${consumer}`);
  return (JSON.parse(body) as Quotas).quotas.map((one) => [one.consumer, one.used, one.limit]);
}

function reset(admin: string, body: object): Promise<Received> {
  return send(`${admin}/quotas/reset`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

function codeOf({ status, body }: Received): unknown[] {
  return [status, (JSON.parse(body) as { code: string }).code];
}

/** What holds wherever quotas are counted. */
async function checkQuotas(workspace: Workspace): Promise<void> {
  {
    await using cli = new RunningCli(['serve'], workspace.directory);
    const { url, admin } = await cli.ready();
    assert.deepEqual(await callMany(url, 'alice', 60), { 200: 40, 429: 20 });
    assert.deepEqual(await callMany(url, 'bob', 5), { 200: 5 });
    assert.deepEqual(codeOf(await call(url, 'alice')), [429, 'quota_exceeded']);
    assert.deepEqual(codeOf(await call(url, 'carol')), [403, 'no_plan']);
    await cli.logged(/has used/);
    const told = cli.log.filter(({ message }) => message.includes('has used'));
    assert.deepEqual(
      told.map(({ message }) => message),
      ['consumer "alice" has used 20 of 40 requests a month of the plan gold'],
    );
    assert.deepEqual(await used(admin, 'alice'), [['alice', 40, 40]]);
    cli.signal('SIGTERM');
    assert.equal((await cli.exited).code, 0);
  }
  await using cli = new RunningCli(['serve'], workspace.directory);
  const { url, admin } = await cli.ready();
  assert.deepEqual(codeOf(await call(url, 'alice')), [429, 'quota_exceeded']);
  assert.deepEqual(await used(admin, 'bob'), [['bob', 5, 40]]);
  assert.deepEqual(codeOf(await reset(admin, { consumer: 'nobody', per: 'day' })), [404, 'quota_unknown']);
  assert.deepEqual(codeOf(await reset(admin, { who: 'alice' })), [422, 'reset_invalid']);
  assert.equal((await reset(admin, { consumer: 'alice', plan: 'gold', per: 'month' })).status, 200);
  assert.deepEqual(await used(admin, 'alice'), [['alice', 0, 40]]);
  assert.deepEqual(await callMany(url, 'alice', 41), { 200: 40, 429: 1 });
}

describe('Quotas of the real program', () => {
  it(
    'hold exactly for two workers together, outlive a restart in SQLite, and can be reset',
    LIMIT,
    async () => {
      using workspace = new Workspace(configWith());
      await checkQuotas(workspace);
    },
  );

  it('do the same in Redis', LIMIT, async () => {
    const redis = await openRedis();
    try {
      using workspace = new Workspace(
        configWith(
          `state: { redis: { url: '${redis.url}', prefix: '${redis.prefix}', timeout: 5s, connectTimeout: 20s } }`,
        ),
      );
      await checkQuotas(workspace);
    } finally {
      await redis.close();
    }
  });

  it('lose no more than the last second when the process is killed', LIMIT, async () => {
    using workspace = new Workspace(configWith('', 1));
    {
      await using cli = new RunningCli(['serve'], workspace.directory);
      const { url, admin } = await cli.ready();
      assert.deepEqual(await callMany(url, 'alice', 7), { 200: 7 });
      // A reset writes at once, what the others have used as well.
      await reset(admin, { consumer: 'bob' });
      assert.deepEqual(await callMany(url, 'alice', 3), { 200: 3 });
      cli.signal('SIGKILL');
      await cli.exited;
    }
    await using cli = new RunningCli(['serve'], workspace.directory);
    const { admin } = await cli.ready();
    const [[, kept] = []] = await used(admin, 'alice');
    assert.ok(kept === 7 || kept === 10, `${kept} were kept`);
  });

  it('count on after a reload that changes the plan', LIMIT, async () => {
    using workspace = new Workspace(configWith('', 1));
    await using cli = new RunningCli(['serve'], workspace.directory);
    const { url, admin } = await cli.ready();
    await callMany(url, 'alice', 40);
    const text = configWith('', 1)['portcullis.yaml']?.replace('limit: 40', 'limit: 41') ?? '';
    const from = cli.log.length;
    workspace.write('portcullis.yaml', text);
    await cli.logged(/plans changed/, from);
    assert.deepEqual(await used(admin, 'alice'), [['alice', 40, 41]]);
    assert.deepEqual(await callMany(url, 'alice', 3), { 200: 1, 429: 2 });
  });
});
