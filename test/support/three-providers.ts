import assert from 'node:assert/strict';
import type { IdentityNodes, Node } from './identity-nodes.ts';
import type { TestProvider } from './identity-provider.ts';
import { SCRIPT } from './login-play.ts';
import { type PageAnswer, UserAgent } from './user-agent.ts';

/** Providers, in the order of a login, each with a service of the same name. */
export const NAMES = ['keycloak', 'gitlab', 'jupyter'] as const;

/** What nobody may learn from a copy of the store: all that the providers gave, the secret of the cookie, and who the user is. */
export function secretsOf(nodes: IdentityNodes, cookie: string): Record<string, string> {
  const secrets: Record<string, string> = {
    'the cookie': cookie.replace(/^v1\./, ''),
    'the address of the user': 'alice@example.com',
  };
  for (const name of NAMES)
    for (const [at, answer] of nodes.provider(name).tokenAnswers.entries())
      for (const kind of ['access_token', 'refresh_token', 'id_token'])
        secrets[`${kind} ${at} of ${name}`] = String(answer[kind]);
  assert.ok(Object.values(secrets).every((secret) => secret.length > 15 && secret !== 'undefined'));
  return secrets;
}

export function ask(agent: UserAgent, { url }: Node, path: string): Promise<PageAnswer> {
  return agent.request(url + path, { fields: SCRIPT });
}

async function subjectOf(provider: TestProvider, authorization: string | undefined): Promise<string> {
  const answer = await fetch(`${provider.issuer}/me`, { headers: { authorization: authorization ?? '' } });
  if (answer.status !== 200) return String(answer.status);
  return ((await answer.json()) as { sub: string }).sub;
}

/** Each service was sent a token of its own provider, which says whose it is, and which the others do not know. */
export async function checkTokens(nodes: IdentityNodes): Promise<void> {
  const tokens = NAMES.map((name) => nodes.backend(name).authorizations);
  assert.deepEqual(
    tokens.map(({ length }) => length),
    [1, 1, 1],
  );
  assert.equal(new Set(tokens.flat()).size, 3);
  for (const [at, [token]] of tokens.entries()) {
    assert.match(token ?? '', /^Bearer /);
    const subjects = await Promise.all(NAMES.map((name) => subjectOf(nodes.provider(name), token)));
    assert.deepEqual(
      subjects,
      NAMES.map((_, other) => (other === at ? 'alice' : '401')),
    );
  }
}

export async function signIn(node: Node): Promise<UserAgent> {
  const agent = new UserAgent();
  const page = await agent.signIn(`${node.url}/auth/login?redirect=/keycloak/projects`, 'alice');
  assert.deepEqual([page.url, page.status, page.body], [`${node.url}/keycloak/projects`, 200, 'served']);
  return agent;
}
