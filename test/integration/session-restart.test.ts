import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { IdentityNodes } from '../support/identity-nodes.ts';
import { SESSION } from '../support/login-play.ts';
import { secretsIn } from '../support/secret-search.ts';
import { ask, checkTokens, NAMES, secretsOf, signIn } from '../support/three-providers.ts';
import { UserAgent } from '../support/user-agent.ts';

const LIMIT = { timeout: 60_000 };
/** So that each worker is asked: each request has a connection of its own. */
const TIMES = 12;

suite('a session of a single node, kept in memory', () => {
  test('outlives a restart by a file that has no token in it', LIMIT, async () => {
    await using nodes = await IdentityNodes.start({ providers: NAMES, state: {} });
    const before = await nodes.node();
    const agent = await signIn(before);
    for (const name of NAMES) assert.equal((await ask(agent, before, `/${name}/api`)).status, 200);
    const user = await ask(agent, before, '/auth/user');
    before.cli.signal('SIGTERM');
    assert.deepEqual(await before.cli.exited, { code: 0, signal: null });

    const kept = readdirSync(nodes.files.directory).filter((name) => name.startsWith('portcullis-records'));
    assert.ok(kept.includes('portcullis-records.db'));
    const octets = kept.map((name) => readFileSync(nodes.files.path(name)));
    assert.ok(Buffer.concat(octets).length > 1000);
    assert.deepEqual(
      secretsIn(Buffer.concat(octets), secretsOf(nodes, agent.cookie(before.url, SESSION) ?? '')),
      [],
    );

    const after = await nodes.node();
    assert.equal((await ask(agent, after, '/auth/user')).body, user.body);
    for (const name of NAMES)
      for (let i = 0; i < TIMES; i++) assert.equal((await ask(agent, after, `/${name}/api`)).status, 200);
    await checkTokens(nodes);
    assert.equal((await ask(new UserAgent(), after, '/keycloak/api')).status, 401);
  });
});
