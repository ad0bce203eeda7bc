import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { it } from 'node:test';
import { RunningCli, Workspace } from '../support/cli.ts';
import { send } from '../support/send.ts';

/** Has a process tell of every file of code that its main thread loads. */
const TELLING = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  import { isMainThread } from 'node:worker_threads';
  import { writeSync } from 'node:fs';
  if (isMainThread)
    registerHooks({
      load(url, context, next) {
        writeSync(2, JSON.stringify({ level: 'test', message: 'loaded ' + url }) + '\\n');
        return next(url, context);
      },
    });
`)}`;

const LISTENERS =
  'listeners: { http: { address: 127.0.0.1, port: 0 } }\nadmin: { port: 0 }\nruntime: { workers: 1 }\n';

it('the first change of a gateway finds its code loaded, though nothing is opened before it', async (t) => {
  using workspace = new Workspace({ 'portcullis.yaml': LISTENERS });
  await using gateway = new RunningCli(['serve'], workspace.directory, {
    NODE_OPTIONS: `--import=${TELLING}`,
  });
  const { admin } = await gateway.ready();
  const loaded = () => gateway.log.filter(({ level }) => level === 'test').length;
  for (const file of ['/admin/v1/endpoints.ts', '/store/migrate.ts', '/store/sqlite.ts', '/kysely.js'])
    await gateway.until(() => gateway.log.some(({ message }) => message.endsWith(file)));
  // What was asked for may still come.
  for (let before = -1; before !== loaded(); ) {
    before = loaded();
    await send(`${admin}/v1/routes`);
  }
  assert.equal(existsSync(workspace.path('portcullis.db')), false);
  const before = loaded();
  const took: number[] = [];
  for (const name of ['first', 'second', 'third']) {
    const started = performance.now();
    const { status } = await send(`${admin}/v1/routes/${name}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ match: { paths: [`/${name}`] }, respond: { status: 204 } }),
    });
    took.push(Math.round(performance.now() - started));
    assert.equal(status, 201);
  }
  assert.deepEqual(
    gateway.log
      .filter(({ level }) => level === 'test')
      .slice(before)
      .map(({ message }) => message),
    [],
  );
  t.diagnostic(`ms of the first three changes: ${took.join()}`);
});
