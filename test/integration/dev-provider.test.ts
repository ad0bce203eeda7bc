import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { RunningCli, Workspace } from '../support/cli.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('portcullis dev --provider', () => {
  it('runs the providers of the configuration, so that a login works without an account', {
    timeout: 90_000,
  }, async () => {
    const [gateway, provider] = [await freePort(), await freePort()];
    const config = {
      listeners: { main: { port: gateway, address: '127.0.0.1' } },
      admin: { enabled: false },
      providers: Object.fromEntries(
        ['company', 'forge'].map((name) => [
          name,
          {
            issuer: `http://localhost:${provider}/${name}`,
            clientId: 'gateway',
            clientSecret: 'one of development',
          },
        ]),
      ),
      sessions: { web: { login: ['company', 'forge'] } },
      routes: {
        login: { match: { paths: ['/auth/*'] }, login: 'web' },
        home: { match: { paths: ['/'] }, respond: { body: 'home' } },
      },
    };
    using files = new Workspace({ 'portcullis.json': JSON.stringify(config) });
    await using cli = new RunningCli(['dev', '--provider', '-c', 'portcullis.json'], files.directory);
    await cli.until(() => ['company', 'forge', 'ready'].every((word) => cli.stderr.includes(word)));
    const agent = new UserAgent();
    const page = await agent.signIn(`http://localhost:${gateway}/auth/login`, 'alice');
    assert.equal(page.body, 'home');
    const { body } = await agent.request(`http://localhost:${gateway}/auth/user`);
    assert.equal((JSON.parse(body) as { subject: string }).subject, 'alice');

    const keys = async (): Promise<number> => {
      const answer = await fetch(`http://localhost:${provider}/company/jwks`);
      return ((await answer.json()) as { keys: unknown[] }).keys.length;
    };
    assert.equal(await keys(), 1);
    assert.equal(
      (await fetch(`http://localhost:${provider}/company/rotate-keys`, { method: 'POST' })).status,
      204,
    );
    assert.equal(await keys(), 2);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
