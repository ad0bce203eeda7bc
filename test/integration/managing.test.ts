import assert from 'node:assert/strict';
import { it } from 'node:test';
import { runIn } from '../../src/main/commands/run.support.ts';
import { RunningCli, Workspace } from '../support/cli.ts';
import {
  allowedMs,
  answersOf,
  byAdminApi,
  byCommandLine,
  isOfLife,
  LiveTraffic,
  liveThrough,
  median,
  textOfTook,
} from '../support/live-changes.ts';
import { NamedTarget } from '../support/named-target.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';

const CONFIG =
  'listeners: { http: { address: 127.0.0.1, port: 0 } }\nadmin: { port: 0 }\nruntime: { workers: 2 }\n';
/** Of so many lives of an API the median is a measure. */
const LIVES = 5;

it('an API that is made, changed, switched off, rolled back and deleted from the command line is so for requests at once', async () => {
  await using upstream = await RecordingUpstream.start();
  using workspace = new Workspace({
    'portcullis.yaml': CONFIG,
    'people.yaml': `url: ${upstream.url}\n`,
  });
  await using gateway = new RunningCli(['serve'], workspace.directory);
  const node = await gateway.ready();
  const run = async (line: string): Promise<string> => {
    const env = { PORTCULLIS_ADMIN: node.admin };
    const { code, out, err } = await runIn(workspace.directory, line.split(' '), { env });
    assert.equal(code, 0, `${line}\n${err}`);
    return out;
  };
  const answers = async (path: string): Promise<string> =>
    (await answersOf(node, path)).replace(/^200 .*/s, '200 served');

  assert.equal(await answers('/people/7'), '404 route_not_found');
  await run('create api people people --path /people/* --auth public');
  assert.equal(await answers('/people/7'), '503 api_without_target');
  await run('create service people -f people.yaml');
  await run('edit api people --service people');
  assert.equal(await answers('/people/7'), '200 served');
  await run('edit api people --path /persons/*');
  assert.deepEqual(
    [await answers('/people/7'), await answers('/persons/7')],
    ['404 route_not_found', '200 served'],
  );
  await run('edit api people --disable');
  assert.equal(await answers('/persons/7'), '404 route_disabled');
  assert.match(await run('rollback 3 --yes'), /Rolled back as revision 6\.\n$/);
  assert.equal(await answers('/people/7'), '200 served');
  assert.match(await run('status people'), /^people is ready\n/);
  await run('delete api people');
  assert.equal(await answers('/people/7'), '404 route_not_found');
});

it('on one node every create, update, disable and delete, by admin API and command line, is in force within 200 ms, and no request fails', async (t) => {
  await using a = await NamedTarget.start('a');
  await using b = await NamedTarget.start('b');
  using workspace = new Workspace({
    'portcullis.yaml': `${CONFIG}services: { a: { url: '${a.url}' }, b: { url: '${b.url}' } }
routes: { steady: { match: { paths: [/steady] }, service: a } }\n`,
  });
  await using gateway = new RunningCli(['serve'], workspace.directory);
  const node = await gateway.ready();
  for (const [name, way] of [
    ['admin API', byAdminApi(node.admin)],
    ['command line', byCommandLine(node.admin, workspace.directory)],
  ] as const) {
    const steady = new LiveTraffic([node], '/steady', (answer) => answer === '200 a');
    const changed = new LiveTraffic([node], '/live', isOfLife);
    let lived: Awaited<ReturnType<typeof liveThrough>>;
    try {
      lived = await liveThrough(way, node, [], LIVES);
    } finally {
      await steady[Symbol.asyncDispose]();
      await changed[Symbol.asyncDispose]();
    }
    t.diagnostic(`${name}: ${textOfTook(lived)}; ${steady.asked + changed.asked} requests`);
    assert.deepEqual([...steady.failed, ...changed.failed], []);
    assert.ok(steady.asked > 10 && changed.asked > 10);
    for (const { deed, here } of lived.took)
      assert.ok(
        median(here) < allowedMs(200, lived.fixed),
        `${deed} by ${name}: ${here.join()} beside ${lived.fixed.join()}`,
      );
  }
});
