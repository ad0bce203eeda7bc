import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { AdminAuthentication } from '../../src/control/admin/authentication/authentication.ts';
import type { GatewayControl } from '../../src/control/admin/endpoint.ts';
import { redact } from '../../src/control/admin/redact.ts';
import { startApi, type TestApi } from '../../src/control/admin/v1/api.support.ts';
import { explainRequest } from '../../src/control/explain/explain-request.ts';
import { NO_STORE, RightsStore } from '../../src/control/rights/store/rights-store.ts';
import { systemTimers } from '../../src/lib/timers.ts';
import { Registry } from '../../src/upstream/discovery/registry/registry.ts';
import { TestAuthority } from '../support/certificates.ts';
import { startManager, type TestManager } from '../support/manager.ts';
import { Logins, USERS } from './admin-logins.ts';
import { type AdminDocument, type AdminFuzz, adminRequests } from './admin-requests.ts';

/** More by `FUZZ_RUNS=100000 npm test`. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 800);
/** Requests between which what was deleted is put there again. */
const RESTORE_AFTER = 500;

/** In every secret, and in nothing else. */
const MARK = 'S3cr3tM4rk';
const secret = (name: string) => `${MARK}-${name}-0123456789abcdef`;

const { cert, key } = await (await TestAuthority.make()).issue('a.example', ['a.example']);
/** Of the private key. */
const KEY_MARK = key.split('\n')[1] ?? '';

const ENTITIES = {
  organizations: { acme: { title: 'Acme', pathPrefix: '/acme' } },
  certificates: { web: { cert, key } },
  lists: { a: { addresses: ['10.0.0.0/8'] } },
  providers: {
    idp: { issuer: 'http://127.0.0.1:1', clientId: 'c', clientSecret: secret('client') },
  },
  plans: { gold: { limits: ['10/s'], quotas: [{ limit: 10, per: 'day' }] } },
  consumers: {
    alice: {
      plan: 'gold',
      basic: { password: secret('password') },
      apiKeys: [
        { id: 'a', key: secret('key-a') },
        { id: 'b', key: secret('key-b') },
      ],
      signatureKeys: [{ id: 's', algorithm: 'hmac-sha256', secret: secret('hmac') }],
    },
  },
  services: {
    orders: { url: 'http://127.0.0.1:1', sticky: { cookie: 'sticky', secret: secret('sticky') } },
    runtime: { url: 'http://127.0.0.1:1' },
  },
  functions: { a: { service: 'runtime' } },
  routes: {
    a: {
      match: { paths: ['/orders/*'], headers: { authorization: secret('match') } },
      policies: [
        { headers: { request: { set: { 'x-api-key': secret('route'), 'x-env': 'env:FUZZ_SECRET' } } } },
      ],
      service: 'orders',
    },
    b: { match: { paths: ['/b'] }, respond: { body: 'hello' } },
  },
  apis: { hello: { paths: ['/hello'], methods: ['GET'], function: 'a', authentication: 'public' } },
  policies: { a: { headers: { response: { set: { 'x-token': secret('global') } } } } },
};
const FILE = {
  services: {
    filed: { url: 'http://127.0.0.1:1', sticky: { cookie: 'sticky', secret: secret('filed-sticky') } },
  },
  consumers: { filed: { apiKeys: [{ id: 'f', key: secret('filed') }] } },
};

/** Of the admin port. */
const MAX_HEAD_BYTES = 16 * 1024;

interface Answered {
  readonly status: number;
  readonly text: string;
}

for (const { title, isOpen, statuses: expected } of [
  {
    title: 'while it asks nobody who they are',
    isOpen: true,
    statuses: [200, 201, 204, 400, 404, 405, 412, 422],
  },
  {
    title: 'by nobody and by users of every role',
    isOpen: false,
    statuses: [200, 400, 401, 403, 404, 405, 422],
  },
])
  describe(`The admin port, asked at random and with ill will ${title}`, () => {
    /** Told nowhere. */
    const marks = [MARK, KEY_MARK];
    let logins: Logins | undefined;
    let stored: TestManager;
    let api: TestApi;
    let arbitrary: fc.Arbitrary<AdminFuzz>;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const registry = new Registry([], {
      timers: systemTimers,
      storage: { write: () => Promise.resolve(undefined) },
      saveFailed: () => {},
    });

    before(async () => {
      stored = await startManager({ config: JSON.stringify(FILE), env: { FUZZ_SECRET: secret('env') } });
      // Users are there before their organization is.
      const store = new RightsStore(stored.source.connection ?? NO_STORE, Date.now, () => true);
      logins = isOpen ? undefined : new Logins(store, marks);
      const gateway = behind(stored, registry, store, logins?.authentication);
      const { manager } = stored;
      api = await startApi(
        manager,
        logins && ((incoming, place) => logins?.identify(manager, incoming, place) ?? assert.fail()),
        gateway,
      );
      const { body } = await api.send({ path: '/v1/openapi.json' });
      arbitrary = adminRequests(body as AdminDocument, isOpen ? ENTITIES : { ...ENTITIES, users: USERS });
      await restore();
    });
    after(async () => {
      agent.destroy();
      await api?.[Symbol.asyncDispose]();
      await stored?.close();
      await registry.close();
    });

    async function restore(): Promise<void> {
      await logins?.restore();
      const headers: Record<string, string> =
        logins === undefined ? {} : { authorization: `Bearer ${logins.ofOwner}` };
      const sent = { method: 'POST', path: '/v1/apply?prune', headers, body: EVERYTHING };
      const { status, text } = await api.send(sent);
      assert.equal(status, 200, text);
      // An organization that is made anew begins with nobody.
      await logins?.restore();
    }

    it(`answers ${RUNS} requests without failing and without telling a secret`, {
      timeout: 3_600_000,
    }, async () => {
      const statuses = new Map<number, number>();
      let count = 0;
      await fc.assert(
        fc.asyncProperty(arbitrary, async (asked) => {
          if (++count % RESTORE_AFTER === 0) await restore();
          if (count % 10_000 === 0) console.log(`${count} of ${RUNS} requests`);
          const { status, text } = await send(api.port, agent, logins?.withCaller(asked, count) ?? asked);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          assert.ok(status < 500, `${status} ${text}`);
          if (!isToldTo(asked)) for (const mark of marks) assert.ok(!text.includes(mark), 'a secret is told');
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
      assert.deepEqual(api.logged, []);
      // What is refused for its looks alone proves little.
      for (const status of expected) assert.ok(statuses.has(status), `no answer was ${status}`);
      if (RUNS > 800) console.log(JSON.stringify(Object.fromEntries(statuses)));
    });
  });

/** Who may have the secrets is asked elsewhere: here an owner may ask for them by chance. */
function isToldTo({ path }: AdminFuzz): boolean {
  return path.startsWith('/v1/export?') && path.includes('with-secrets');
}

/** What is put back: in every collection, so that all else goes. */
const EVERYTHING = { sessions: {}, ...ENTITIES };

/** As the gateway has it, but that nothing is put into force. */
function behind(
  { reloader }: TestManager,
  registry: Registry,
  store: RightsStore,
  authentication: AdminAuthentication | undefined,
): Partial<GatewayControl> {
  return {
    rights: { store, authentication, external: undefined },
    reload: () => reloader.reload('admin'),
    config: () => {
      const { dataPlane, admin, runtime, state, secrets } = reloader.current;
      return redact({ ...dataPlane, lists: {}, admin, runtime, state }, secrets);
    },
    explain: (question) => explainRequest(reloader.current, question, {}),
    registry,
    quotas: {
      list: async () => ({ ok: true, quotas: [] }),
      reset: async () => ({ ok: false, code: 'quota_unknown', message: 'there is none' }),
    },
  };
}

function send(port: number, agent: Agent, { method, path, headers, body }: AdminFuzz): Promise<Answered> {
  return new Promise((resolve, reject) => {
    // Without it, node:http sends the body of a GET or DELETE as what no server can tell from a next request.
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const framed = { ...headers, ...length };
    const sent = request({ host: '127.0.0.1', port, agent, method, path, headers: framed }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          text: `${JSON.stringify(response.rawHeaders)}${Buffer.concat(pieces).toString()}`,
        }),
      );
    });
    sent.on('error', (error) => {
      // Node.js answers 431 and closes at once: what is still on its way of the body may reset the connection before the answer is read.
      if (path.length > MAX_HEAD_BYTES) resolve({ status: 431, text: '' });
      else reject(error);
    });
    sent.end(body);
  });
}
