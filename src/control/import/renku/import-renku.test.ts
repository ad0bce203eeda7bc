import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainRequest } from '../../explain/explain-request.ts';
import { type Imported, imported } from '../import.support.ts';

const VARIABLES = new Map(
  Object.entries({
    GITLAB_URL: 'https://gitlab.example.com',
    GITLAB_CLIENT_ID: 'gateway',
    KEYCLOAK_URL: 'https://id.example.com/',
    OIDC_CLIENT_ID: 'gateway',
    RENKU_ENDPOINT: 'http://renku.internal:9000',
    JUPYTERHUB_URL: 'https://hub.example.com',
    JUPYTERHUB_CLIENT_ID: 'gateway',
  }),
);

/** Endpoints in an order: each an expression, where its requests go, and its `auth`. */
function renku(
  endpoints: readonly (readonly [regex: string, endpoint: string, auth?: string, processor?: string])[],
  variables = VARIABLES,
): Promise<Imported> {
  const entries = endpoints.map(([regex, endpoint, auth, processor = 'app.processors.ServiceGeneric']) => [
    regex,
    { endpoint, processor, ...(auth !== undefined && { auth: `app.auth.${auth}` }) },
  ]);
  return imported(JSON.stringify(Object.fromEntries(entries), undefined, 1), {
    variables,
    file: 'endpoints.json',
  });
}

async function goes({ config }: Imported, path: string): Promise<string> {
  const result = await explainRequest(config, { method: 'GET', url: path, headers: [] });
  assert.ok(result.ok);
  const { outcome } = result.explanation;
  return outcome.kind === 'service' ? `${outcome.services[0]?.name} ${outcome.upstreamPath}` : outcome.kind;
}

describe('An endpoint of Renku', () => {
  it('takes what its expression begins with, and puts the rest behind its address', async () => {
    const made = await renku([['repositories/', '{RENKU_ENDPOINT}/service/storage/repo/']]);
    assert.equal(
      await goes(made, '/api/repositories/7/files?q=1'),
      'renku.internal /service/storage/repo/7/files?q=1',
    );
    assert.equal(await goes(made, '/repositories/7'), 'not_found');
    assert.deepEqual(made.report, []);
  });

  it('may name the whole path, with captures', async () => {
    const made = await renku([['^/api/projects/(?P<id>[^/]+)/?(.*)$', '{GITLAB_URL}/api/v4/projects']]);
    assert.deepEqual(made.written['routes'], {
      'api-projects-id': {
        match: { paths: ['/api/projects/{id}/*'] },
        policies: [],
        service: 'gitlab.example.com',
        rewrite: { path: '/api/v4/projects/*' },
      },
    });
    assert.deepEqual(made.report, []);
  });

  it('that stands first goes first where another one would', async () => {
    const made = await renku([
      ['/api/projects/', 'http://first:80/'],
      ['/api/projects/(?P<id>[^/]+)/files$', 'http://second:80/files'],
      ['/api/other/', 'http://third:80/'],
    ]);
    assert.equal(await goes(made, '/api/projects/7/files'), 'first /7/files');
    const priorities = Object.values(made.config.dataPlane.routes).map(({ priority }) => priority);
    assert.deepEqual(priorities, [1, 0, 0]);
  });

  it('needs no priority where the rules have the same order', async () => {
    const made = await renku([
      ['/api/projects/', 'http://first:80/'],
      ['/api/', 'http://second:80/'],
    ]);
    assert.equal(await goes(made, '/api/projects/7'), 'first /7');
    assert.equal(await goes(made, '/api/x'), 'second /x');
    assert.ok(Object.values(made.config.dataPlane.routes).every(({ priority }) => priority === 0));
  });

  it('with an expression that paths cannot say is left out', async () => {
    const made = await renku([['/api/(?!admin).*', 'http://a:80/']]);
    assert.deepEqual(made.config.dataPlane.routes, {});
    assert.match(made.report.join(), /^lost 2:\d+ .*the expression cannot be said/);
  });

  it('whose address is not known leads nowhere, which is told', async () => {
    const made = await renku([['/api/', '{RENKU_ENDPOINT}/x/']], new Map());
    assert.deepEqual(made.written['services'], {
      renku: { url: 'http://renku-endpoint.invalid:80', host: 'target' },
    });
    assert.match(made.report.join(), /nothing says what \{RENKU_ENDPOINT\} is/);
  });

  it('with a processor that translates is told of', async () => {
    const made = await renku([['/api/', 'http://a:80/', undefined, 'app.processors.GitlabProjects']]);
    assert.match(made.report.join(), /what GitlabProjects does to requests and answers is not carried over/);
  });

  it('may stand in a list', async () => {
    const made = await imported(
      JSON.stringify({ endpoints: [{ regex: '/api/a/', endpoint: 'http://a:80/b/' }] }),
      { kind: 'renku' },
    );
    assert.equal(await goes(made, '/api/a/x'), 'a /b/x');
  });
});

describe('The credentials of an endpoint of Renku', () => {
  it('are those that a user has of the backend, after one login', async () => {
    const made = await renku([
      ['/api/gitlab/', '{GITLAB_URL}/api/v4/', 'GitlabUserToken'],
      ['/api/jupyter/', '{JUPYTERHUB_URL}/hub/', 'JupyterhubUserToken'],
      ['/api/storage/', '{RENKU_ENDPOINT}/', 'KeycloakAccessToken'],
    ]);
    const policies = Object.values(made.written['routes'] ?? {}).map(
      (route) => (route as { readonly policies?: unknown }).policies,
    );
    assert.deepEqual(policies, [
      undefined,
      [{ session: { name: 'renku', providers: ['gitlab'] } }, { inject: { provider: 'gitlab' } }],
      [
        { session: { name: 'renku', providers: ['jupyterhub'] } },
        { inject: { provider: 'jupyterhub', as: 'token' } },
      ],
      [{ session: { name: 'renku' } }, { inject: { provider: 'keycloak' } }],
    ]);
    assert.deepEqual(made.written['sessions'], {
      renku: { login: ['keycloak'], connect: ['gitlab', 'jupyterhub'] },
    });
    const issuers = Object.entries(made.config.dataPlane.identity?.providers ?? {}).map(
      ([name, provider]) => [name, 'issuer' in provider ? provider.issuer : undefined],
    );
    assert.deepEqual(issuers, [
      ['keycloak', 'https://id.example.com/auth/realms/Renku'],
      ['gitlab', 'https://gitlab.example.com'],
      ['jupyterhub', undefined],
    ]);
    assert.deepEqual(
      made.result.secrets.map(({ name }) => name),
      ['OIDC_CLIENT_SECRET', 'GITLAB_CLIENT_SECRET', 'JUPYTERHUB_CLIENT_SECRET'],
    );
    assert.deepEqual(made.report, []);
  });

  it('that are not known, or are those of an administrator, leave it closed', async () => {
    for (const auth of ['GitlabSudoToken', 'OurToken']) {
      const made = await renku([['/api/', 'http://a:80/', auth]]);
      assert.deepEqual(
        Object.values(made.config.dataPlane.routes).map(({ policies }) => policies),
        [[{ name: 'authorize', options: { default: 'deny' } }]],
      );
      assert.match(made.report.join(), /nobody is let in/);
    }
  });
});
