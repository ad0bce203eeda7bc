import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { loadConfig } from '../../config/load.ts';
import type { WantedChange } from '../../manager/manager.ts';
import { type Account, LOCAL_ACCOUNT } from '../../rights/account.ts';
import { giveRole } from '../../rights/store/memberships.ts';
import { putServiceAccount } from '../../rights/store/service-accounts.ts';
import { openTestStore, type TestStore } from '../../rights/store/stores.support.ts';
import { putUser } from '../../rights/store/users.ts';
import { COLLECTIONS, type Collection } from '../../store/entity.ts';
import { callerOf } from '../access.ts';
import { problem } from '../answer.ts';
import { AdminAuthentication } from '../authentication/authentication.ts';
import { entitiesIn } from '../authentication/identify.ts';
import { authenticationSchema } from '../authentication/schema.ts';
import type { Endpoint } from '../endpoint.ts';
import { ENDPOINTS } from '../endpoints.ts';
import { type Received, type Sent, startApi, type TestApi } from './api.support.ts';
import { apiEndpoints } from './endpoints.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';

/** Who asks: nobody, somebody without a role, those with a role in acme, those with one everywhere. */
const CALLERS = [
  'anonymous',
  'stranger',
  'viewer',
  'developer',
  'admin',
  'owner',
  '*viewer',
  '*developer',
  '*admin',
  '*owner',
] as const;

/** Answers in the order of the callers. */
type Row = string;

interface Case {
  readonly sent: Omit<Sent, 'method'>;
  readonly row: Row;
}

const OK = '200';
/** Whoever may not see that a thing is there; who may not do that. */
const HIDDEN = '404 entity_unknown';
const FORBIDDEN = '403 forbidden';
const ANONYMOUS = '401 unauthenticated';

const row = (...answers: readonly string[]): Row => answers.join(' | ');
const many = (times: number, answer: string): string[] => Array.from({ length: times }, () => answer);

/** The first of the callers with that role, in acme and everywhere, and those after it, are allowed. */
type Least = 'viewer' | 'developer' | 'admin' | 'owner';
const RANK: Readonly<Record<Least, number>> = { viewer: 0, developer: 1, admin: 2, owner: 3 };
const from = (least: Least, otherwise: string, allowed: string): string[] => [
  ...many(RANK[least], otherwise),
  ...many(4 - RANK[least], allowed),
];

const everybody = (answer: string): Row => row(...many(10, answer));
const known = (answer: string): Row => row(ANONYMOUS, ...many(9, answer));
/** About the gateway as a whole: a role in one organization is none here. */
const gateway = (least: Least, answer = OK): Row =>
  row(ANONYMOUS, ...many(5, FORBIDDEN), ...from(least, FORBIDDEN, answer));

/** The least role that changes something in a collection. */
const CHANGE: Readonly<Record<Collection, Least>> = {
  organizations: 'owner',
  certificates: 'admin',
  lists: 'developer',
  providers: 'admin',
  sessions: 'admin',
  plans: 'developer',
  consumers: 'developer',
  services: 'developer',
  functions: 'developer',
  routes: 'developer',
  apis: 'developer',
  policies: 'admin',
};

const VALUES: Readonly<Record<'own' | 'foreign' | 'shared', Readonly<Record<string, unknown>>>> = {
  own: { organization: 'acme' },
  foreign: { organization: 'globex' },
  shared: {},
};
type Whose = keyof typeof VALUES;

/** What each kind of endpoint of a collection answers, for an object of one’s own organization, of another, and of none. */
function entityCases(collection: Collection, method: string, suffix: string): Case[] {
  const change = CHANGE[collection];
  const path = `/v1/${collection}`;
  const isPolicy = collection === 'policies';
  const whose = (
    isPolicy ? ['shared'] : collection === 'organizations' ? ['own', 'foreign'] : ['own', 'foreign', 'shared']
  ) as readonly Whose[];
  const nameOf = (each: Whose) =>
    collection === 'organizations' ? (each === 'own' ? 'acme' : 'globex') : each;
  if (suffix === '' && method === 'GET')
    return [{ sent: { path }, row: row(ANONYMOUS, FORBIDDEN, ...many(8, OK)) }];
  if (suffix === '' && method === 'POST')
    return whose.map((each) => ({
      sent: { path: `${path}?dry-run`, body: { name: 'new', ...valueOf(collection, each) } },
      row: row(
        ANONYMOUS,
        FORBIDDEN,
        // An organization is made by owners of the gateway.
        ...(each === 'own' && collection !== 'organizations'
          ? from(change, FORBIDDEN, OK)
          : many(4, FORBIDDEN)),
        ...from(change, FORBIDDEN, OK),
      ),
    }));
  return whose.map((each): Case => {
    const one = `${path}/${nameOf(each)}${suffix.slice('/{name}'.length)}`;
    const isRead = method === 'GET';
    if (isRead)
      return {
        sent: { path: one },
        row: row(ANONYMOUS, FORBIDDEN, ...many(4, each === 'foreign' ? HIDDEN : OK), ...many(4, OK)),
      };
    const unseen = method === 'PUT' ? '409 entity_exists' : HIDDEN;
    const isDeletedOrganization = method === 'DELETE' && collection === 'organizations';
    const inAcme = {
      own: isDeletedOrganization ? many(4, FORBIDDEN) : from(change, FORBIDDEN, OK),
      foreign: from(change, FORBIDDEN, unseen),
      shared: many(4, FORBIDDEN),
    };
    return {
      sent: {
        path: `${one}?dry-run`,
        ...(method === 'DELETE' ? {} : { body: { ...valueOf(collection, each), title: 'changed' } }),
      },
      row: row(ANONYMOUS, FORBIDDEN, ...inAcme[each], ...from(change, FORBIDDEN, OK)),
    };
  });
}

function valueOf(collection: Collection, whose: Whose): Readonly<Record<string, unknown>> {
  if (collection === 'organizations') return {};
  return collection === 'routes' ? { ...VALUES[whose], match: { hosts: ['new.test'] } } : VALUES[whose];
}

const ADMINS_OF_ALL = row(ANONYMOUS, ...many(7, FORBIDDEN), OK, OK);
const UNKNOWN = '404 account_unknown';

/** Service accounts: admins of the organization that one belongs to. `unseen` is what those get who may not know of it. */
function serviceAccounts(
  path: (name: string) => string,
  sent: Omit<Sent, 'path' | 'method'>,
  answer: string,
  unseen: string,
): Case[] {
  return [
    {
      sent: { ...sent, path: path('ci-acme') },
      row: row(ANONYMOUS, unseen, ...from('admin', FORBIDDEN, answer), ...from('admin', FORBIDDEN, answer)),
    },
    {
      sent: { ...sent, path: path('ci-globex') },
      row: row(ANONYMOUS, ...many(5, unseen), ...from('admin', FORBIDDEN, answer)),
    },
    { sent: { ...sent, path: path('ci-shared') }, row: gateway('admin', answer) },
  ];
}

const serviceTokens = '/v1/service-accounts/{name}/tokens';
const token = { name: 'matrix' };
const ORGANIZATION_OF: Readonly<Record<string, string | undefined>> = {
  'ci-acme': 'acme',
  'ci-globex': 'globex',
  'ci-shared': undefined,
};

/** Every endpoint that is not of a collection. */
const OTHERS: Readonly<Record<string, readonly Case[]>> = {
  'GET /': [{ sent: { path: '/' }, row: everybody(OK) }],
  'GET /healthz': [{ sent: { path: '/healthz' }, row: everybody(OK) }],
  'GET /readyz': [{ sent: { path: '/readyz' }, row: everybody(OK) }],
  'GET /metrics': [{ sent: { path: '/metrics' }, row: gateway('viewer') }],
  'GET /version': [{ sent: { path: '/version' }, row: known(OK) }],
  'GET /config': [{ sent: { path: '/config' }, row: gateway('admin') }],
  'POST /reload': [{ sent: { path: '/reload' }, row: gateway('admin') }],
  'GET /explain': [{ sent: { path: '/explain?url=http://a/' }, row: gateway('viewer') }],
  'POST /explain': [{ sent: { path: '/explain', body: { url: 'http://a/' } }, row: gateway('viewer') }],
  'GET /services': [{ sent: { path: '/services' }, row: gateway('viewer') }],
  'GET /login': [{ sent: { path: '/login' }, row: everybody(OK) }],
  'POST /login': [{ sent: { path: '/login' }, row: everybody('403 cross_site_request') }],
  'GET /login/provider': [{ sent: { path: '/login/provider' }, row: everybody('404 not_found') }],
  'GET /login/callback': [{ sent: { path: '/login/callback' }, row: everybody('404 not_found') }],
  'POST /logout': [{ sent: { path: '/logout' }, row: everybody('303') }],
  'GET /certificates/acme': [{ sent: { path: '/certificates/acme' }, row: gateway('viewer') }],
  'GET /registry': [{ sent: { path: '/registry' }, row: gateway('viewer') }],
  ...Object.fromEntries(
    ['register', 'heartbeat', 'state', 'deregister'].map((what) => [
      `POST /registry/${what}`,
      [{ sent: { path: `/registry/${what}`, body: {} }, row: gateway('developer') }],
    ]),
  ),
  'GET /quotas': [{ sent: { path: '/quotas' }, row: gateway('viewer') }],
  'POST /quotas/reset': [{ sent: { path: '/quotas/reset', body: {} }, row: gateway('admin') }],
  'GET /v1/openapi.json': [{ sent: { path: '/v1/openapi.json' }, row: everybody(OK) }],
  'GET /docs': [{ sent: { path: '/docs' }, row: everybody(OK) }],
  'GET /docs/{file}': [{ sent: { path: '/docs/start.js' }, row: everybody(OK) }],
  'POST /v1/apply': sentConfigurations('/v1/apply?dry-run'),
  'POST /v1/outcomes': sentConfigurations('/v1/outcomes'),
  'POST /v1/file/check': [{ sent: { path: '/v1/file/check', body: {} }, row: gateway('admin') }],
  'POST /v1/file/outcomes': [{ sent: { path: '/v1/file/outcomes', body: {} }, row: gateway('admin') }],
  'GET /v1/outcomes': [{ sent: { path: '/v1/outcomes?from=1&to=1' }, row: gateway('admin') }],
  'GET /v1/export': [{ sent: { path: '/v1/export' }, row: row(ANONYMOUS, FORBIDDEN, ...many(8, OK)) }],
  'GET /v1/revisions': [{ sent: { path: '/v1/revisions' }, row: gateway('viewer') }],
  'GET /v1/revisions/{number}': [{ sent: { path: '/v1/revisions/1' }, row: gateway('viewer') }],
  'GET /v1/diff': [{ sent: { path: '/v1/diff?from=0&to=1' }, row: gateway('viewer') }],
  'POST /v1/revisions/{number}/rollback': [
    { sent: { path: '/v1/revisions/1/rollback?dry-run' }, row: gateway('admin') },
  ],
  'GET /v1/status': [{ sent: { path: '/v1/status' }, row: gateway('viewer') }],
  'GET /v1/nodes': [{ sent: { path: '/v1/nodes' }, row: gateway('viewer') }],
  'GET /v1/whoami': [{ sent: { path: '/v1/whoami' }, row: known(OK) }],
  'PUT /v1/whoami/password': [
    { sent: { path: '/v1/whoami/password', body: {} }, row: known('422 body_invalid') },
  ],
  'GET /v1/tokens': [{ sent: { path: '/v1/tokens' }, row: known(OK) }],
  'POST /v1/tokens': [{ sent: { path: '/v1/tokens', body: token }, row: known('201') }],
  'DELETE /v1/tokens/{id}': [{ sent: { path: '/v1/tokens/t_another' }, row: known(UNKNOWN) }],
  'GET /v1/users': [{ sent: { path: '/v1/users' }, row: ADMINS_OF_ALL }],
  'GET /v1/users/{name}': [{ sent: { path: '/v1/users/ulla' }, row: ADMINS_OF_ALL }],
  'PUT /v1/users/{name}': [{ sent: { path: '/v1/users/ulla', body: {} }, row: ADMINS_OF_ALL }],
  'DELETE /v1/users/{name}': [
    { sent: { path: '/v1/users/ghost' }, row: ADMINS_OF_ALL.replaceAll('200', UNKNOWN) },
  ],
  'GET /v1/service-accounts': [{ sent: { path: '/v1/service-accounts' }, row: known(OK) }],
  'GET /v1/service-accounts/{name}': serviceAccounts(
    (name) => `/v1/service-accounts/${name}`,
    {},
    OK,
    UNKNOWN,
  ),
  'PUT /v1/service-accounts/{name}': ['ci-acme', 'ci-globex', 'ci-shared'].flatMap((name, index) => {
    const cases = serviceAccounts(
      (each) => `/v1/service-accounts/${each}`,
      { body: ORGANIZATION_OF[name] === undefined ? {} : { organization: ORGANIZATION_OF[name] } },
      OK,
      '409 name_taken',
    );
    return cases.slice(index, index + 1);
  }),
  'DELETE /v1/service-accounts/{name}': serviceAccounts(
    (name) => `/v1/service-accounts/${name}`,
    {},
    '204',
    UNKNOWN,
  ),
  [`GET ${serviceTokens}`]: serviceAccounts((name) => `/v1/service-accounts/${name}/tokens`, {}, OK, UNKNOWN),
  [`POST ${serviceTokens}`]: serviceAccounts(
    (name) => `/v1/service-accounts/${name}/tokens`,
    { body: token },
    '201',
    UNKNOWN,
  ),
  [`DELETE ${serviceTokens}/{id}`]: serviceAccounts(
    (name) => `/v1/service-accounts/${name}/tokens/t_no`,
    {},
    UNKNOWN,
    UNKNOWN,
  ),
  'POST /v1/consumers/{name}/credentials': credentials('?dry-run', { body: { apiKey: { id: 'new' } } }, OK),
  'DELETE /v1/consumers/{name}/credentials/{kind}/{id}': credentials('/api-keys/none', {}, HIDDEN),
  'GET /v1/memberships': [{ sent: { path: '/v1/memberships' }, row: known(OK) }],
  'PUT /v1/memberships/{organization}/{account}': memberships({ body: { role: 'viewer' } }, OK, 'ulla'),
  'DELETE /v1/memberships/{organization}/{account}': memberships({}, UNKNOWN, 'ghost'),
  'GET /v1/audit': [{ sent: { path: '/v1/audit' }, row: auditors(OK) }],
  'GET /v1/audit/export': [{ sent: { path: '/v1/audit/export' }, row: auditors(OK) }],
  'GET /v1/audit/verify': [{ sent: { path: '/v1/audit/verify' }, row: gateway('admin') }],
};

function sentConfigurations(path: string): Case[] {
  return (['own', 'foreign', 'shared'] as const).map((whose) => ({
    sent: { path, body: { services: { new: VALUES[whose] } } },
    row: row(
      ANONYMOUS,
      FORBIDDEN,
      ...(whose === 'own' ? from('developer', FORBIDDEN, OK) : many(4, FORBIDDEN)),
      ...from('developer', FORBIDDEN, OK),
    ),
  }));
}

/** As a change of the consumer. */
function credentials(suffix: string, sent: Omit<Sent, 'path' | 'method'>, answer: string): Case[] {
  const inAcme = {
    own: from(CHANGE.consumers, FORBIDDEN, answer),
    foreign: from(CHANGE.consumers, FORBIDDEN, HIDDEN),
    shared: many(4, FORBIDDEN),
  };
  return (['own', 'foreign', 'shared'] as const).map((whose) => ({
    sent: { ...sent, path: `/v1/consumers/${whose}/credentials${suffix}` },
    row: row(ANONYMOUS, FORBIDDEN, ...inAcme[whose], ...from(CHANGE.consumers, FORBIDDEN, answer)),
  }));
}

function memberships(sent: Omit<Sent, 'path' | 'method'>, answer: string, account: string): Case[] {
  return [
    {
      sent: { ...sent, path: `/v1/memberships/acme/${account}` },
      row: row(ANONYMOUS, UNKNOWN, ...from('admin', FORBIDDEN, answer), ...from('admin', FORBIDDEN, answer)),
    },
    {
      sent: { ...sent, path: `/v1/memberships/globex/${account}` },
      row: row(ANONYMOUS, ...many(5, UNKNOWN), ...from('admin', FORBIDDEN, answer)),
    },
    { sent: { ...sent, path: `/v1/memberships/*/${account}` }, row: gateway('admin', answer) },
  ];
}

function auditors(answer: string): Row {
  return row(ANONYMOUS, FORBIDDEN, ...from('admin', FORBIDDEN, answer), ...from('admin', FORBIDDEN, answer));
}

function casesOf({ method, path, collection }: Endpoint): readonly Case[] {
  const cases = OTHERS[`${method} ${path}`];
  if (cases !== undefined) return cases;
  const [, , first = '', ...rest] = path.split('/');
  const own = COLLECTIONS.find((each) => each === first);
  assert.ok(own !== undefined && own === collection, `${method} ${path} has no row in the matrix`);
  return entityCases(own, method, rest.length === 0 ? '' : `/${rest.join('/')}`);
}

const TARGET = {
  service: 'orders',
  url: 'http://127.0.0.1:1',
  weight: 1,
  ttlMs: 30_000,
  state: 'active',
  expiresInMs: 1,
};
const EXPLANATION = {
  request: { method: 'GET', url: 'http://a/' },
  policies: [],
  outcome: { kind: 'not_found' },
  others: [],
};

describe('What every endpoint answers to every role', () => {
  let test: TestStore;
  let api: TestApi;
  const accounts = new Map<string, Account>();
  const local = { account: LOCAL_ACCOUNT };

  async function makeServiceAccounts(): Promise<void> {
    for (const [name, organization] of Object.entries(ORGANIZATION_OF))
      assert.ok((await putServiceAccount(test.store, local, name, { organization })).ok);
  }

  before(async () => {
    test = await openTestStore('sqlite');
    const configuration = new FakeConfiguration({}, { check: false });
    // What stands in it is no configuration that could be compared.
    configuration.preview = async () => ({ kind: 'unchanged' });
    const empty = await loadConfig('portcullis.yaml', { text: '{}', env: {} });
    assert.ok(empty.ok);
    configuration.tryFile = async () => ({ before: empty.config, after: empty.config, problems: [] });
    const changes = COLLECTIONS.flatMap((collection): WantedChange[] =>
      collection === 'organizations'
        ? ['acme', 'globex'].map((name) => ({ collection, name, value: {} }))
        : (['own', 'foreign', 'shared'] as const).map((name) => ({ collection, name, value: VALUES[name] })),
    );
    await configuration.change({ author: 'local', changes });
    for (const [index, name] of CALLERS.entries()) {
      const account = `caller-${index}`;
      const made = await putUser(test.store, local, account, {});
      assert.ok(made.ok);
      const role = name.replace('*', '');
      const roles =
        name === 'stranger' || name === 'anonymous'
          ? []
          : [[name.startsWith('*') ? '*' : 'acme', role as Least] as const];
      for (const [organization, given] of roles)
        await giveRole(test.store, local, organization, account, given);
      accounts.set(name, { id: made.result.user.id, name: account, kind: 'user', roles: new Map(roles) });
    }
    await putUser(test.store, local, 'ulla', {});
    for (const organization of ['acme', 'globex', '*'])
      await giveRole(test.store, local, organization, 'ulla', 'viewer');
    await makeServiceAccounts();
    const fine = async () => ({ ok: true, target: TARGET, quotas: [] }) as const;
    api = await startApi(
      configuration,
      async ({ headers }) => {
        const account = accounts.get(String(headers['x-caller']));
        return account === undefined || headers['x-caller'] === 'anonymous'
          ? { ok: false, answer: problem(401, 'unauthenticated', 'Say who you are') }
          : {
              ok: true,
              caller: callerOf(account, '127.0.0.1', entitiesIn({ configuration: () => configuration })),
            };
      },
      {
        reload: async () => ({ kind: 'unchanged' }),
        explain: async () => ({ ok: true, explanation: EXPLANATION }),
        registry: {
          list: () => [TARGET],
          register: fine,
          heartbeat: () => ({ ok: true, target: TARGET }),
          deregister: fine,
          setState: fine,
        },
        quotas: { list: fine, reset: fine },
        rights: {
          store: test.store,
          authentication: new AdminAuthentication(authenticationSchema.parse({}), test.store),
          external: undefined,
        },
      },
    );
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
    await test[Symbol.asyncDispose]();
  });

  const endpoints = [...ENDPOINTS, ...apiEndpoints()];

  it('is said for every endpoint, and for none that is not there', () => {
    for (const endpoint of endpoints) assert.ok(casesOf(endpoint).length > 0);
    const names = new Set(endpoints.map(({ method, path }) => `${method} ${path}`));
    assert.deepEqual(
      Object.keys(OTHERS).filter((name) => !names.has(name)),
      [],
    );
  });

  for (const endpoint of endpoints) {
    const { method, path } = endpoint;
    it(`${method} ${path}`, async () => {
      for (const { sent, row: wanted } of casesOf(endpoint)) {
        const answers: string[] = [];
        for (const caller of CALLERS) {
          if (method === 'DELETE' && path === '/v1/service-accounts/{name}') await makeServiceAccounts();
          answers.push(shown(await api.send({ ...sent, method, headers: { 'x-caller': caller } })));
        }
        assert.equal(answers.join(' | '), wanted, `${method} ${sent.path} for ${CALLERS.join(' | ')}`);
      }
    });
  }
});

function shown({ status, body }: Received): string {
  const code = status >= 400 ? (body as { readonly code?: string } | undefined)?.code : undefined;
  return code === undefined ? String(status) : `${status} ${code}`;
}
