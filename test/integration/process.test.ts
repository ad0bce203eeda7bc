import assert from 'node:assert/strict';
import { on } from 'node:events';
import { existsSync, readFileSync, renameSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import { RunningCli, Workspace } from '../support/cli.ts';
import { HeldService } from '../support/held-service.ts';
import { send } from '../support/send.ts';

/** Resolves when the file is there with a text that will do. */
async function fileThat(path: string, holds: (text: string) => boolean): Promise<void> {
  // Watched before the first look, so that no change is between the two.
  const watcher = watch(dirname(path));
  const changes = on(watcher, 'change');
  while (!existsSync(path) || !holds(readFileSync(path, 'utf8'))) await changes.next();
  watcher.close();
}

/** Faults that only a policy in the worker can make. */
const FAULTS = `
import { definePolicy, z } from 'portcullis/policy';
export const policy = definePolicy({
  name: 'faults',
  stage: 'admission',
  schema: z.strictObject({}),
  create: () => ({
    onRequest(exchange) {
      if (exchange.request.path === '/exit') process.exit(3);
      if (exchange.request.path === '/throw') setImmediate(() => { throw new Error('thrown where nobody catches it'); });
      if (exchange.request.path === '/memory') {
        let hoard;
        for (;;) hoard = { hoard };
      }
    },
  }),
});
`;

interface Parts {
  readonly workers?: number;
  readonly drainTimeout?: string;
  readonly routes: string;
  readonly rest?: string;
}

function config({ workers = 1, drainTimeout = '30s', routes, rest = '' }: Parts): string {
  return `
listeners:
  http: { address: 127.0.0.1, port: 0 }
admin: { port: 0 }
runtime: { workers: ${workers}, drainTimeout: ${drainTimeout} }
observability: { accessLog: { enabled: false } }
${rest}
routes:
${routes}
`;
}

const says = (body: string): string => `  say: { match: { paths: [/say] }, respond: { body: ${body} } }\n`;
const FAULTY = `${says('hello')}  fault: { match: { paths: ['/*'] }, policies: [{ ./faults.ts: {} }], respond: {} }\n`;

const LIMIT = { timeout: 60_000 };

describe('a worker that dies', () => {
  const DEATHS: readonly [title: string, path: string, reason: RegExp, env: Record<string, string>][] = [
    ['because its thread ends', '/exit', /^exited with code 3$/, {}],
    ['of an error that nobody caught', '/throw', /thrown where nobody catches it/, {}],
    [
      'because it has no memory left',
      '/memory',
      /^out of memory$/,
      { NODE_OPTIONS: '--max-old-space-size=64 --max-semi-space-size=1' },
    ],
  ];
  for (const [title, path, reason, env] of DEATHS) {
    it(`${title} is replaced, and counted`, LIMIT, async () => {
      using files = new Workspace({ 'portcullis.yaml': config({ routes: FAULTY }), 'faults.ts': FAULTS });
      await using cli = new RunningCli(['serve'], files.directory, env);
      const { url, admin } = await cli.ready();
      const [died] = await Promise.all([
        cli.logged('worker 0 died and is replaced at once'),
        send(url + path).catch(() => {}),
      ]);
      assert.match(String(died['reason']), reason);
      await cli.logged('worker 0 serves again');
      assert.deepEqual(await send(`${url}/say`), { status: 200, body: 'hello' });
      const { body } = await send(`${admin}/metrics`);
      assert.match(body, /^portcullis_worker_restarts_total 1$/m);
      assert.match(body, /^portcullis_workers_serving 1$/m);
    });
  }
});

describe('SIGTERM', () => {
  const HELD = `  held: { match: { paths: [/held] }, service: held }\n`;

  it(
    'lets a request finish, tells meanwhile that the gateway is not ready, and ends with 0',
    LIMIT,
    async () => {
      await using service = await HeldService.start();
      const rest = `services: { held: { url: '${service.url}' } }`;
      using files = new Workspace({ 'portcullis.yaml': config({ workers: 2, routes: HELD, rest }) });
      await using cli = new RunningCli(['serve'], files.directory);
      const { url, admin } = await cli.ready();
      assert.equal((await send(`${admin}/readyz`)).status, 200);
      const answer = send(`${url}/held`);
      await service.asked();
      cli.signal('SIGTERM');
      await cli.logged('draining: requests have 30 s to finish');
      assert.deepEqual(await send(`${admin}/readyz`), { status: 503, body: 'not ready\n' });
      service.release('late, but there');
      assert.deepEqual(await answer, { status: 200, body: 'late, but there' });
      assert.deepEqual(await cli.exited, { code: 0, signal: null });
      assert.equal(cli.log.at(-1)?.message, 'stopped');
      await assert.rejects(send(`${url}/held`), { code: 'ECONNREFUSED' });
    },
  );

  it('given twice ends at once', LIMIT, async () => {
    await using service = await HeldService.start();
    const rest = `services: { held: { url: '${service.url}' } }`;
    using files = new Workspace({ 'portcullis.yaml': config({ routes: HELD, rest }) });
    await using cli = new RunningCli(['serve'], files.directory);
    const { url } = await cli.ready();
    const cut = assert.rejects(send(`${url}/held`));
    await service.asked();
    cli.signal('SIGTERM');
    await cli.logged(/^draining/);
    cli.signal('SIGTERM');
    assert.deepEqual(await cli.exited, { code: 143, signal: null });
    await cut;
  });

  it(
    'is followed by runtime.drainDelay, in which connections are taken and /readyz says 503',
    LIMIT,
    async () => {
      using files = new Workspace({
        'portcullis.yaml': config({ routes: says('still here') }).replace(
          'runtime: {',
          'runtime: { drainDelay: 1h,',
        ),
      });
      await using cli = new RunningCli(['serve'], files.directory);
      const { url, admin } = await cli.ready();
      cli.signal('SIGTERM');
      await cli.logged('draining: connections are taken for 3600 s more');
      assert.deepEqual(await send(`${admin}/readyz`), { status: 503, body: 'not ready\n' });
      assert.deepEqual(await send(`${url}/say`), { status: 200, body: 'still here' });
      cli.signal('SIGTERM');
      assert.deepEqual(await cli.exited, { code: 143, signal: null });
    },
  );

  it('drains once runtime.drainDelay is over', LIMIT, async () => {
    using files = new Workspace({
      'portcullis.yaml': config({ routes: says('hello') }).replace(
        'runtime: {',
        'runtime: { drainDelay: 10ms,',
      ),
    });
    await using cli = new RunningCli(['serve'], files.directory);
    await cli.ready();
    cli.signal('SIGTERM');
    assert.deepEqual(await cli.exited, { code: 0, signal: null });
    assert.deepEqual(
      cli.log.slice(-4).map(({ message }) => message),
      [
        'SIGTERM',
        'draining: connections are taken for 0.01 s more',
        'draining: requests have 30 s to finish',
        'stopped',
      ],
    );
  });

  it('cuts what is not done within runtime.drainTimeout', LIMIT, async () => {
    await using service = await HeldService.start();
    const rest = `services: { held: { url: '${service.url}' } }`;
    using files = new Workspace({ 'portcullis.yaml': config({ drainTimeout: '100ms', routes: HELD, rest }) });
    await using cli = new RunningCli(['serve'], files.directory);
    const { url } = await cli.ready();
    const cut = assert.rejects(send(`${url}/held`));
    await service.asked();
    cli.signal('SIGINT');
    assert.deepEqual(await cli.exited, { code: 0, signal: null });
    await cut;
  });
});

describe('a start', () => {
  it('is refused with every error of the configuration', LIMIT, async () => {
    using files = new Workspace({
      'portcullis.yaml': 'listenrs: {}\nroutes:\n  a: { match: {}, service: nope }\n',
    });
    await using cli = new RunningCli(['serve'], files.directory);
    assert.deepEqual(await cli.exited, { code: 1, signal: null });
    assert.deepEqual(
      cli.log.map(({ level, message }) => [level, message.replace(/: .*/, '')]),
      [
        ['error', 'portcullis.yaml:1:1'],
        ['error', 'portcullis.yaml:3:28'],
      ],
    );
  });

  it('is refused when a port is taken, and leaves nothing running', LIMIT, async () => {
    await using service = await HeldService.start();
    const port = new URL(service.url).port;
    const taken = config({ workers: 2, routes: says('hello') }).replace('port: 0', `port: ${port}`);
    using files = new Workspace({ 'portcullis.yaml': taken });
    await using cli = new RunningCli(['serve'], files.directory);
    assert.deepEqual(await cli.exited, { code: 1, signal: null });
    assert.match(
      cli.log.at(-1)?.message ?? '',
      /^the gateway cannot start: listener http cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
    );
  });
});

describe('a reload', () => {
  it('follows a change of the file in every worker, and tells what changed', LIMIT, async () => {
    using files = new Workspace({ 'portcullis.yaml': config({ workers: 2, routes: says('one') }) });
    await using cli = new RunningCli(['serve'], files.directory);
    const { url } = await cli.ready();
    files.write(
      'portcullis.yaml',
      config({ workers: 2, routes: `${says('two')}  more: { match: { paths: [/more] }, respond: {} }\n` }),
    );
    await cli.logged('reload (file change): routes: 1 added, 1 changed');
    for (let connection = 0; connection < 20; connection++) {
      assert.deepEqual(await send(`${url}/say`), { status: 200, body: 'two' });
    }
  });

  it('of a bad file leaves the old configuration running, and says why', LIMIT, async () => {
    using files = new Workspace({ 'portcullis.yaml': config({ routes: says('one') }) });
    await using cli = new RunningCli(['serve'], files.directory);
    const { url, admin } = await cli.ready();
    files.write('portcullis.yaml', config({ routes: says('two').replace('respond', 'respnd') }));
    await cli.logged('reload (file change) refused: the configuration before stays in force');
    assert.match(cli.log.at(-2)?.message ?? '', /^portcullis\.yaml:9:\d+: .*did you mean "respond"\?$/);
    assert.deepEqual(await send(`${url}/say`), { status: 200, body: 'one' });
    assert.equal((await send(`${admin}/readyz`)).status, 200);
    const refused = await send(`${admin}/reload`, { method: 'POST' });
    assert.equal(refused.status, 422);
    const { code, errors } = JSON.parse(refused.body) as {
      code: string;
      errors: { line: number; suggestion?: string }[];
    };
    assert.equal(code, 'configuration_refused');
    assert.ok(errors.some(({ line, suggestion }) => line === 9 && suggestion === 'respond'));
    const { body } = await send(`${admin}/metrics`);
    assert.match(body, /^portcullis_config_reloads_total\{result="failure"\} 2$/m);
    assert.match(body, /^portcullis_config_last_reload_successful 0$/m);
  });

  it('whose listener cannot be opened changes nothing at all', LIMIT, async () => {
    await using service = await HeldService.start();
    using files = new Workspace({ 'portcullis.yaml': config({ workers: 2, routes: says('one') }) });
    await using cli = new RunningCli(['serve'], files.directory);
    const { url, admin } = await cli.ready();
    const port = new URL(service.url).port;
    const listeners = `listeners:\n  more: { address: 127.0.0.1, port: ${port} }`;
    files.write(
      'portcullis.yaml',
      config({ workers: 2, routes: says('two') }).replace('listeners:', listeners),
    );
    await cli.logged('reload (file change) refused: the configuration before stays in force');
    for (let connection = 0; connection < 20; connection++) {
      assert.deepEqual(await send(`${url}/say`), { status: 200, body: 'one' });
    }
    assert.equal((await send(`${admin}/readyz`)).status, 200);
  });

  it('of a policy that throws when it is loaded leaves the old one running', LIMIT, async () => {
    const routes = `  say: { match: { paths: [/say] }, policies: [{ ./mine.ts: {} }], respond: {} }\n`;
    const mine = (text: string) => `
import { definePolicy, z } from 'portcullis/policy';
${text}
export const policy = definePolicy({
  name: 'mine',
  stage: 'transform',
  schema: z.strictObject({}),
  create: () => ({ onRequest: () => ({ status: 200, body: 'mine' }) }),
});
`;
    using files = new Workspace({ 'portcullis.yaml': config({ routes }), 'mine.ts': mine('') });
    await using cli = new RunningCli(['serve'], files.directory);
    const { url } = await cli.ready();
    files.write('mine.ts', mine("throw new Error('half written');"));
    await cli.logged('reload (file change) refused: the configuration before stays in force');
    assert.match(cli.log.at(-2)?.message ?? '', /the policy \.\/mine\.ts cannot be loaded: half written/);
    assert.deepEqual(await send(`${url}/say`), { status: 200, body: 'mine' });
  });

  it('follows SIGHUP', LIMIT, async () => {
    using files = new Workspace({ 'portcullis.yaml': config({ routes: says('one') }) });
    await using cli = new RunningCli(['serve'], files.directory);
    await cli.ready();
    cli.signal('SIGHUP');
    await cli.logged('reload (SIGHUP): nothing changed');
  });

  it('that changes what cannot change while the gateway runs says so', LIMIT, async () => {
    using files = new Workspace({ 'portcullis.yaml': config({ routes: says('one') }) });
    await using cli = new RunningCli(['serve'], files.directory);
    await cli.ready();
    files.write('portcullis.yaml', config({ workers: 2, routes: says('one') }));
    await cli.logged('runtime.workers changed: that takes effect when the gateway is started anew');
  });
});

describe('SIGUSR2', () => {
  it('opens the access log anew after it was moved', LIMIT, async () => {
    using files = new Workspace();
    const log = files.path('access.log');
    const accessLog = `accessLog: { destination: ${log}, fields: [path] }`;
    files.write(
      'portcullis.yaml',
      config({ routes: says('hello') }).replace('accessLog: { enabled: false }', accessLog),
    );
    await using cli = new RunningCli(['serve'], files.directory);
    const { url } = await cli.ready();
    await send(`${url}/before`);
    await fileThat(log, (text) => text !== '');
    renameSync(log, `${log}.1`);
    cli.signal('SIGUSR2');
    await fileThat(log, () => true);
    await send(`${url}/after`);
    cli.signal('SIGTERM');
    await cli.exited;
    assert.equal(readFileSync(`${log}.1`, 'utf8'), '{"path":"/before"}\n');
    assert.equal(readFileSync(log, 'utf8'), '{"path":"/after"}\n');
  });
});

describe('portcullis dev', () => {
  it('waits for a configuration with errors to be repaired', LIMIT, async () => {
    const good = config({ routes: says('one') });
    using files = new Workspace({ 'portcullis.yaml': good.replace('respond', 'respnd') });
    await using cli = new RunningCli(['dev'], files.directory);
    await cli.until(() => cli.stderr.includes('waiting for a change of the configuration'));
    assert.match(cli.stderr, /did you mean "respond"\?/);
    files.write('portcullis.yaml', good);
    await cli.until(() => cli.stderr.includes(' ready '));
  });

  it('ends on a signal while it waits', LIMIT, async () => {
    using files = new Workspace({ 'portcullis.yaml': 'routes: []' });
    await using cli = new RunningCli(['dev'], files.directory);
    await cli.until(() => cli.stderr.includes('waiting for a change of the configuration'));
    cli.signal('SIGINT');
    assert.deepEqual(await cli.exited, { code: 0, signal: null });
  });

  it('tells the nearest routes when no route takes a request', LIMIT, async () => {
    const routes = `${says('one')}  users: { match: { paths: ['/users/{id}'], headers: { x-key: secret } }, respond: {} }\n`;
    using files = new Workspace({ 'portcullis.yaml': config({ routes }) });
    await using cli = new RunningCli(['dev'], files.directory);
    const url = await cli.until(() => /listener\.http=(\S+)/.exec(cli.stderr)?.[1]?.replaceAll('"', ''));
    assert.equal((await send(`${url}/users/7`)).status, 404);
    const lines = await cli.until(() => {
      const found = cli.stdout.split('\n');
      return found.length > 3 && found;
    });
    assert.match(lines[0] ?? '', /^\S+ GET {2}http:\/\/127\.0\.0\.1\/users\/7 404 \S+ms route_not_found/);
    assert.match(lines[1] ?? '', /^ {4}users \(line 10\): .*x-key/);
    assert.match(lines[2] ?? '', /^ {4}say \(line 9\): the path is \/users\/7, the route is for \/say$/);
  });
});
