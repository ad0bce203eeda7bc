import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ServiceStatus } from '../../src/upstream/control/status.ts';
import { DnsServer } from '../../src/upstream/discovery/dns-server.support.ts';
import { RunningCli, Workspace } from '../support/cli.ts';
import { RunningTarget } from '../support/running-target.ts';
import { untilService } from '../support/service-status.ts';

/** The real program with two workers: what can be known to be wrong only when it runs. */
const LIMIT = { timeout: 60_000 };
/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:1';

interface Case {
  readonly title: string;
  /** What the service has, as a file would have it. */
  readonly service: string;
  /** Registered at the admin port, in turn. */
  readonly calls?: readonly (readonly [call: string, body: Readonly<Record<string, unknown>>])[];
  /** What the admin port tells as soon as it is so. */
  readonly isSo: (status: ServiceStatus) => boolean;
  /** What the access log says of a request. */
  readonly error: string;
}

function isFailing(cause: RegExp): Case['isSo'] {
  return ({ source }) => source?.state === 'failing' && cause.test(source.cause ?? '');
}

/** By the name of the service. The DNS server at `dns` knows no name at all. */
function cases(dns: string): Readonly<Record<string, Case>> {
  return {
    unresolved: {
      title: 'a DNS name that never resolves',
      service: `discovery: { dns: { name: nowhere.invalid, port: 80, servers: ['${dns}'] } }`,
      isSo: isFailing(/nowhere\.invalid/),
      error: 'no target is known',
    },
    broken: {
      title: 'a file of targets that makes no sense',
      service: 'discovery: { file: { path: ./broken.yaml } }',
      isSo: isFailing(/broken\.yaml/),
      error: 'no target is known',
    },
    empty: {
      title: 'a file of targets that has none',
      service: 'discovery: { file: { path: ./empty.yaml } }',
      isSo: ({ source }) => source?.state === 'ok',
      error: 'no target is known',
    },
    unregistered: {
      title: 'a registry in which nobody has registered',
      service: 'discovery: { registry: {} }',
      isSo: ({ counts }) => counts.targets === 0,
      error: 'no target is known',
    },
    weightless: {
      title: 'a registered target of weight 0',
      service: 'discovery: { registry: {} }',
      calls: [['register', { url: NOWHERE, weight: 0 }]],
      isSo: ({ counts }) => counts.targets === 1,
      error: 'of 1 targets 1 of weight 0',
    },
    inactive: {
      title: 'a registered target that is inactive',
      service: 'discovery: { registry: {} }',
      calls: [
        ['register', { url: NOWHERE }],
        ['state', { url: NOWHERE, state: 'inactive' }],
      ],
      isSo: ({ counts }) => counts.draining === 1,
      error: 'of 1 targets 1 draining',
    },
    down: {
      title: 'a target that is down, without a panic threshold',
      service: `url: '${NOWHERE}', balance: { panicThreshold: 0 }, health: { active: { type: tcp } }`,
      isSo: ({ counts }) => counts.down === 1,
      error: 'of 1 targets 1 down',
    },
  };
}

function config(services: Readonly<Record<string, Case>>): string {
  const names = Object.keys(services);
  return `
listeners:
  http: { address: 127.0.0.1, port: 0 }
admin: { port: 0 }
runtime: { workers: 2 }
observability: { accessLog: { format: json, fields: [service, status, code, error] } }
services:
${names.map((name) => `  ${name}: { ${services[name]?.service} }`).join('\n')}
routes:
${names.map((name) => `  ${name}: { match: { paths: [/${name}] }, service: ${name} }`).join('\n')}
`;
}

async function call(admin: string, name: string, body: Readonly<Record<string, unknown>>): Promise<void> {
  const { status } = await fetch(`${admin}/registry/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(status, 200, name);
}

suite('the gateway runs, answers 503 no_target and says why', () => {
  test('with services that have no target, until they have one', LIMIT, async (t) => {
    await using stack = new AsyncDisposableStack();
    const dns = await DnsServer.start();
    stack.defer(() => dns.close());
    const services = cases(dns.address);
    const files = stack.use(
      new Workspace({ 'portcullis.yaml': config(services), 'broken.yaml': '- url: [', 'empty.yaml': '[]' }),
    );
    const cli = stack.use(new RunningCli(['serve'], files.directory));
    const { url, admin } = await cli.ready();
    for (const [service, { title, calls = [], isSo, error }] of Object.entries(services)) {
      await t.test(title, async () => {
        for (const [name, body] of calls) await call(admin, name, { service, ...body });
        await untilService(admin, service, isSo);
        const response = await fetch(`${url}/${service}`);
        const problem = (await response.json()) as { code: string };
        assert.deepEqual([response.status, problem.code], [503, 'no_target']);
        const line = { service, status: 503, code: 'no_target', error: `${service}: ${error}` };
        await cli.until(() => cli.stdout.includes(`${JSON.stringify(line)}\n`));
      });
    }

    await t.test('which comes to be there, and is asked', async () => {
      const target = stack.use(await RunningTarget.start());
      for (const service of ['unregistered', 'weightless']) {
        await call(admin, 'register', { service, url: target.url });
        await untilService(admin, service, ({ counts }) => counts.usable === 1);
        assert.equal((await fetch(`${url}/${service}`)).status, 200);
      }
    });
  });
});
