import assert from 'node:assert/strict';
import { it } from 'node:test';
import { main } from '../../src/main/cli.ts';
import { RunningCli, Workspace } from '../support/cli.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';
import { send } from '../support/send.ts';

it('an API that is made, changed, switched off, rolled back and deleted from the command line is so for requests at once', async (t) => {
  await using upstream = await RecordingUpstream.start();
  using workspace = new Workspace({
    'portcullis.yaml':
      'listeners: { http: { address: 127.0.0.1, port: 0 } }\nadmin: { port: 0 }\nruntime: { workers: 2 }\n',
    'people.yaml': `url: ${upstream.url}\n`,
  });
  await using gateway = new RunningCli(['serve'], workspace.directory);
  const { url, admin } = await gateway.ready();
  const run = async (line: string): Promise<string> => {
    let out = '';
    let err = '';
    const started = performance.now();
    const code = await main(line.split(' '), {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      cwd: workspace.directory,
      env: { PORTCULLIS_ADMIN: admin },
      terminal: false,
      errTerminal: false,
      color: false,
      secret: async () => undefined,
    });
    assert.equal(code, 0, `${line}\n${err}`);
    t.diagnostic(`${line}: ${Math.round(performance.now() - started)} ms`);
    return out;
  };
  /** Asked on several connections, so that both workers answer. */
  const answers = async (path: string): Promise<string> => {
    const all = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const { status, body } = await send(url + path);
        const { code } = status === 200 ? {} : (JSON.parse(body) as { code?: string });
        return `${status} ${code ?? 'served'}`;
      }),
    );
    return [...new Set(all)].join(', ');
  };

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
