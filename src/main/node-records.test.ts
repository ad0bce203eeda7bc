import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type LoadedConfig, loadConfig } from '../control/config/load.ts';
import { RemoteRecords } from '../state/records/memory/remote-records.ts';
import { NodeRecords } from './node-records.ts';

const SESSIONS = `
providers: { id: { issuer: https://id.example.com, clientId: gateway } }
sessions:
  web: { login: [id], keys: ["a secret of thirty-two letters or more"]`;

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'portcullis-node-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function configOf(text: string): Promise<LoadedConfig> {
  const loaded = await loadConfig('/c.yaml', { text, env: {} });
  if (!loaded.ok) assert.fail(loaded.errors.map(({ message }) => message).join());
  return loaded.config;
}

function startNode(config: LoadedConfig, directory: string) {
  const logged: string[] = [];
  const node = new NodeRecords({
    memory: config.state.memory,
    directory,
    log: (level, message) => logged.push(`${level}: ${message}`),
  });
  return { node, logged };
}

describe('The records of a node', () => {
  it('outlive a restart where there are sessions, for a worker as for another', async (t) => {
    const directory = await place(t);
    const config = await configOf(`${SESSIONS} }`);
    const before = startNode(config, directory);
    before.node.keepFor(config);
    const first = new RemoteRecords(before.node.connect());
    await first.create('session:a', 'value', 60_000);
    before.node.close();
    await first.close();

    const after = startNode(config, directory);
    after.node.keepFor(config);
    after.node.keepFor(config);
    const second = new RemoteRecords(after.node.connect());
    t.after(() => second.close());
    assert.equal((await second.read('session:a'))?.value, 'value');
    after.node.close();
    assert.deepEqual(after.logged, []);
  });

  for (const [title, text, isMade] of [
    ['no sessions', 'routes: {}', false],
    ['sessions', `${SESSIONS} }`, true],
    ['sessions in Redis', `${SESSIONS} }\nstate: { redis: { url: "redis://a" } }`, false],
    [
      'Redis, and sessions that want memory',
      `${SESSIONS}, store: memory }\nstate: { redis: { url: "redis://a" } }`,
      true,
    ],
  ] as const)
    it(`have ${isMade ? 'a' : 'no'} file where there are ${title}`, async (t) => {
      const directory = await place(t);
      const config = await configOf(text);
      const { node } = startNode(config, directory);
      node.keepFor(config);
      node.close();
      assert.equal(existsSync(join(directory, 'portcullis-records.db')), isMade);
    });
});
