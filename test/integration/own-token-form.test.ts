import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { LoginPlay, SCRIPT } from '../support/login-play.ts';
import { TokenBackend } from '../support/token-backend.ts';
import { UserAgent } from '../support/user-agent.ts';

const policyPutting = (value: string): string => `
import { definePolicy, userTokens, z, type Exchange, type PolicyHooks } from 'portcullis/policy';

class SignedToken implements PolicyHooks {
  readonly #provider: string;
  constructor(provider: string) { this.#provider = provider; }
  async onRequest(exchange: Exchange) {
    const found = await userTokens(exchange)?.token(this.#provider);
    if (found?.kind !== 'known') return { status: 401, code: 'grant_required' };
    exchange.request.fields.set('X-Token', \`${value}\`);
    return undefined;
  }
}

export const policy = definePolicy({
  name: 'signed-token',
  stage: 'transform',
  schema: z.strictObject({ provider: z.string() }),
  create: ({ provider }) => new SignedToken(provider),
});
`;

it('a class of the user gives the token of a provider in a form of its own, and another one after a reload', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-own-form-'));
  try {
    const module = join(folder, 'signed-token.ts');
    await writeFile(module, policyPutting('${found.token}@${exchange.routeName}'));
    await using backend = await TokenBackend.start();
    await using play = await LoginPlay.start({
      config: {
        services: { backend: { url: backend.url } },
        routes: {
          notebooks: {
            match: { paths: ['/notebooks'] },
            service: 'backend',
            policies: [{ session: { name: 'web' } }, { [module]: { provider: 'second' } }],
          },
        },
      },
    });
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    const asked = async (): Promise<string> => {
      const { status, body } = await agent.request(`${play.url}/notebooks`, { fields: SCRIPT });
      assert.equal(status, 200, body);
      return String(backend.received.at(-1)?.['x-token']);
    };
    const [, token = ''] = /^(\S{20,})@notebooks$/.exec(await asked()) ?? [];
    const user = await fetch(`${play.provider('second').issuer}/me`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(((await user.json()) as { sub?: string }).sub, 'alice');
    await writeFile(module, policyPutting('second:${found.token}'));
    await play.reload({});
    assert.equal(await asked(), `second:${token}`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
