import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { suite, test } from 'node:test';
import { parseTextFormat } from '../../src/observability/text-format.support.ts';
import { RunningCli, Workspace } from '../support/cli.ts';
import { NamedTarget, untilAnsweredBy } from '../support/named-target.ts';
import { send } from '../support/send.ts';

const LIMIT = { timeout: 60_000 };

/** Each service at a path of its own name; `rest` is what its route has besides. */
function config(services: Readonly<Record<string, string>>, rest = ''): string {
  const names = Object.keys(services);
  return `
listeners:
  http: { address: 127.0.0.1, port: 0 }
admin: { port: 0 }
runtime: { workers: 2 }
observability: { accessLog: { enabled: false } }
services:
${names.map((name) => `  ${name}: ${services[name]}`).join('\n')}
routes:
${names.map((name) => `  ${name}: { match: { paths: [/${name}, /${name}/*] }, service: ${name}${rest} }`).join('\n')}
`;
}

interface ShownTarget {
  readonly url: string;
  readonly health: string;
  readonly lastCheck?: unknown;
}

async function shown(
  admin: string,
  service: string,
): Promise<Record<string, unknown> & { targets: ShownTarget[] }> {
  const { body } = await send(`${admin}/services?name=${service}`);
  return JSON.parse(body) as Record<string, unknown> & { targets: ShownTarget[] };
}

suite('a reload', () => {
  test(
    'keeps what is known of a service that it changes, and the connections of one that it does not',
    LIMIT,
    async () => {
      await using sick = await NamedTarget.start('sick');
      await using well = await NamedTarget.start('well');
      await using fragile = await NamedTarget.start('fragile');
      await using steady = await NamedTarget.start('steady');
      const services = (timeout: string) => ({
        orders: `{ targets: [{ url: '${sick.url}' }, { url: '${well.url}' }], balance: { panicThreshold: 0 }, timeouts: { firstByte: ${timeout} }, health: { active: { interval: 100ms, unhealthyAfter: 1 } } }`,
        fragile: `{ url: '${fragile.url}', timeouts: { firstByte: ${timeout} }, breaker: { consecutive: 1, openFor: 1h, maxOpenFor: 1h } }`,
        steady: `{ url: '${steady.url}' }`,
      });
      const text = (timeout: string) => config(services(timeout));
      using files = new Workspace({ 'portcullis.yaml': text('30s') });
      await using cli = new RunningCli(['serve'], files.directory);
      const { url, admin } = await cli.ready();

      sick.status = 500;
      await cli.logged(`target ${sick.url} of orders is down`);
      await untilAnsweredBy(`${url}/orders`, ['well']);
      fragile.status = 500;
      assert.equal((await send(`${url}/fragile`)).status, 500);
      fragile.status = 200;
      await untilRefused(`${url}/fragile`);
      while (steady.connections < 2) await send(`${url}/steady`);

      files.write('portcullis.yaml', text('20s'));
      await cli.logged('reload (file change): services: 2 changed');
      const { targets } = await shown(admin, 'orders');
      assert.deepEqual(
        targets.map(({ health }) => health),
        ['down', 'up'],
      );
      assert.equal((await shown(admin, 'fragile'))['breaker'], 'open');
      for (let i = 0; i < 16; i++) {
        assert.deepEqual(await send(`${url}/orders`), { status: 200, body: 'well' });
        assert.equal((await send(`${url}/fragile`)).status, 503);
        assert.deepEqual(await send(`${url}/steady`), { status: 200, body: 'steady' });
      }
      assert.equal(steady.connections, 2);
      assert.equal(cli.log.filter(({ message }) => message.endsWith(' is down')).length, 1);
      sick.status = 200;
      await cli.logged(`target ${sick.url} of orders is well again`);
      await untilAnsweredBy(`${url}/orders`, ['sick', 'well']);
    },
  );
});

suite('what the admin port tells of services', () => {
  test('is all of it, without a secret, and in metrics that Prometheus takes', LIMIT, async () => {
    await using a = await NamedTarget.start('a');
    await using gone = await NamedTarget.start('gone');
    const noConsul = gone.url;
    await gone[Symbol.asyncDispose]().catch(() => {});
    const services = {
      full: `
    targets: [{ url: '${a.url}', weight: 3, zone: eu-1 }, { url: 'http://127.0.0.1:9', weight: 0 }]
    balance: { algorithm: hash, hash: { header: x-tenant }, slowStart: 1s, panicThreshold: 0, zone: eu-1 }
    sticky: { cookie: target, secret: 'env:STICKY' }
    health: { active: { headers: { authorization: 'env:PROBE' }, unhealthyAfter: 1 }, passive: {} }
    breaker: { scope: both }
    limits: { requests: 100, pending: 10, connections: 50, adaptive: {} }
    retry: { attempts: 3 }
    hedge: { after: 1m }
    fallback: { respond: { status: 200, body: stand-in } }`,
      found: `{ discovery: { consul: { address: '${noConsul}', service: found, token: 'env:CONSUL' } } }`,
    };
    const secrets = {
      STICKY: 'sticky-secret-0123456789',
      PROBE: 'Bearer probe-secret',
      CONSUL: 'consul-secret',
    };
    using files = new Workspace({ 'portcullis.yaml': config(services, ', rewrite: { path: /held }') });
    await using cli = new RunningCli(['serve'], files.directory, secrets);
    const { url, admin } = await cli.ready();
    await cli.logged('target http://127.0.0.1:9 of full is down');
    for (let unchecked = true; unchecked; ) {
      const { targets } = await shown(admin, 'full');
      unchecked = targets.some(({ lastCheck }) => lastCheck === undefined);
    }
    const held = send(`${url}/full`);
    await a.untilHeld();

    const { body } = await send(`${admin}/services`);
    const all = JSON.parse(body, (key, value: unknown) =>
      UNCERTAIN.has(key) ? typeof value : value,
    ) as object;
    const calm = { draining: false, ejected: false, ejectedForMs: 0, breaker: 'closed' };
    assert.deepEqual(all, {
      full: {
        counts: { targets: 2, usable: 1, down: 1, ejected: 0, draining: 0 },
        inFlight: 1,
        pending: 0,
        retries: 0,
        breaker: 'closed',
        targets: [
          {
            ...calm,
            url: a.url,
            weight: 3,
            zone: 'eu-1',
            health: 'up',
            lastCheck: { at: 'string', passed: true, tookMs: 'number' },
            inFlight: 1,
          },
          {
            ...calm,
            url: 'http://127.0.0.1:9',
            weight: 0,
            health: 'down',
            lastCheck: { at: 'string', passed: false, cause: 'string', tookMs: 'number' },
            inFlight: 0,
          },
        ],
      },
      found: {
        source: { state: 'failing', cause: 'string', since: 'string' },
        counts: { targets: 0, usable: 0, down: 0, ejected: 0, draining: 0 },
        inFlight: 0,
        pending: 0,
        retries: 0,
        targets: [],
      },
    });
    assert.equal((await send(`${admin}/services?name=toString`)).status, 404);

    const { body: metrics } = await send(`${admin}/metrics`);
    const families = parseTextFormat(metrics);
    const value = (name: string, labels: Readonly<Record<string, string>>) =>
      families
        .find((family) => family.name === name)
        ?.samples.find((sample) =>
          Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
        )?.value;
    assert.equal(value('portcullis_upstream_targets', { service: 'full', state: 'usable' }), 1);
    assert.equal(value('portcullis_upstream_target_usable', { target: a.url }), 1);
    assert.equal(value('portcullis_upstream_target_usable', { target: 'http://127.0.0.1:9' }), 0);
    assert.equal(value('portcullis_upstream_breaker_open', { service: 'full', target: '' }), 0);
    assert.equal(value('portcullis_upstream_requests_in_flight', { service: 'full' }), 1);
    assert.equal(value('portcullis_upstream_source_ok', { service: 'found' }), 0);
    const promtool = ['/usr/bin/promtool', '/usr/local/bin/promtool'].find((file) => existsSync(file));
    if (promtool !== undefined) {
      const run = spawnSync(promtool, ['check', 'metrics'], { input: metrics, encoding: 'utf8' });
      assert.deepEqual([run.status, run.stdout, run.stderr], [0, '', '']);
    }

    await using explain = new RunningCli(['explain', '/full', '--admin', admin], files.directory);
    assert.deepEqual(await explain.exited, { code: 0, signal: null });
    const lines = explain.stdout.split('\n');
    assert.ok(lines.includes(`  target   ${a.url} weight 3: up, 1 under way`), explain.stdout);
    assert.ok(lines.includes('  now      1 of 2 targets usable, 1 under way, breaker closed'));

    a.release();
    assert.equal((await held).status, 200);
    const { body: configuration } = await send(`${admin}/config`);
    for (const secret of Object.values(secrets))
      for (const told of [body, metrics, configuration, explain.stdout, cli.stderr])
        assert.ok(!told.includes(secret), `${secret} is told`);
  });
});

/** Keys whose values differ from run to run. */
const UNCERTAIN: ReadonlySet<string> = new Set(['at', 'since', 'tookMs', 'cause']);

/** What one worker decides all know at once: they share it. */
async function untilRefused(url: string): Promise<void> {
  const { status, body } = await send(url);
  assert.equal(status, 503);
  assert.equal((JSON.parse(body) as { code: string }).code, 'circuit_open');
}
