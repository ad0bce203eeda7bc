import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { suite, test } from 'node:test';
import { TestExchange } from '../../../test/support/exchange.ts';
import { OpaServer, type Rule } from '../../../test/support/opa-server.ts';
import { principal } from '../../../test/support/principal.ts';
import { AwaitedWork } from '../../policy/awaited-work.ts';
import type { Answer } from '../../policy/contract.ts';
import { type Principal, VISITOR } from '../../policy/principal.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';
import type { Decision } from './decision.ts';
import { DecisionCache } from './decision-cache.ts';

interface Input {
  readonly method: string;
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly principal: { readonly groups: readonly string[] } | null;
}

/** As a Rego rule would be: staff may do everything, others may read what is public. */
const allow: Rule = ({ principal: caller, path, method }: Input) =>
  caller?.groups.includes('staff') === true || (path[0] === 'public' && method === 'GET');

class Stage implements AsyncDisposable {
  readonly warnings: string[] = [];
  readonly events: string[] = [];
  readonly opa: OpaServer;
  #policies: Awaited<ReturnType<typeof compilePolicies>> | undefined;

  constructor(opa: OpaServer) {
    this.opa = opa;
  }

  static async with(rules: Readonly<Record<string, Rule>>, options: object = {}): Promise<Stage> {
    const stage = new Stage(await OpaServer.start(rules));
    await stage.use(options);
    return stage;
  }

  async use(options: object): Promise<void> {
    this.#policies?.close();
    const all = { url: this.opa.url, decision: 'gateway/allow', ...options };
    this.#policies = await compilePolicies([{ name: 'opa', options: all }], {
      route: 'orders',
      warn: (message) => this.warnings.push(message),
      policyEvent: (_, event) => this.events.push(event),
    });
  }

  ask(exchange: TestExchange): Promise<Answer | undefined> {
    return Promise.resolve(this.#policies?.onRequest[0]?.hooks.onRequest(exchange)) as Promise<
      Answer | undefined
    >;
  }

  /** What policies are told when the client is gone. */
  leave(exchange: TestExchange): void {
    for (const { hooks } of this.#policies?.onEnd ?? []) hooks.onEnd(exchange);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#policies?.close();
    await this.opa[Symbol.asyncDispose]();
  }
}

const ALICE = principal({ consumer: 'alice', groups: ['staff'], claims: { org: 'x' } });
const BOB = principal({ consumer: 'bob' });

function asked(
  caller: Principal | undefined,
  method = 'GET',
  url = '/orders/7',
  headers: [string, string][] = [],
) {
  return Object.assign(new TestExchange({ method, url, headers, clientAddress: '192.0.2.7' }), {
    principal: caller,
  });
}

suite('the decision of OPA', () => {
  test('holds, and the next request goes over the same connection', async () => {
    await using stage = await Stage.with({ 'gateway/allow': allow });
    for (const [exchange, code] of [
      [asked(ALICE), undefined],
      [asked(BOB), 'forbidden'],
      [asked(undefined), 'unauthenticated'],
      [asked(undefined, 'GET', '/public/a'), undefined],
      [asked(undefined, 'POST', '/public/a'), 'unauthenticated'],
    ] as const)
      assert.equal((await stage.ask(exchange))?.code, code);
    assert.ok(stage.opa.connections < 3, `${stage.opa.connections} connections`);
    assert.deepEqual(stage.events, ['denied', 'denied', 'denied']);
  });

  test('is made of method, segments, query, chosen fields, caller and client', async () => {
    await using stage = await Stage.with(
      { 'gateway/allow': () => true },
      { headers: ['X-Tenant'], token: 'secret' },
    );
    const fields: [string, string][] = [
      ['X-Tenant', 'caf\xc3\xa9'],
      ['x-tenant', 'b'],
      ['Authorization', 'Bearer of-the-client'],
    ];
    await stage.ask(
      asked(ALICE, 'PUT', 'https://api.example.com/a%20b/c%2Fd/?q=1&q=%202&__proto__=x', fields),
    );
    const { expiresAtMs: _, session: __, ...caller } = ALICE;
    assert.deepEqual(stage.opa.inputs, [
      JSON.parse(
        JSON.stringify({
          method: 'PUT',
          scheme: 'https',
          host: 'api.example.com',
          path: ['a b', 'c/d', ''],
          query: { q: ['1', ' 2'], ['__proto__']: ['x'] },
          headers: { 'x-tenant': 'café, b' },
          route: 'route-1',
          client: { address: '192.0.2.7' },
          principal: caller,
        }),
      ),
    ]);
    assert.deepEqual(stage.opa.authorizations, ['Bearer secret']);
  });

  test('may say how a refusal looks', async () => {
    const result = { allow: false, status: 404, reason: 'No such order.', headers: { 'X-Why': 'tenant' } };
    await using stage = await Stage.with({ 'gateway/allow': () => result });
    assert.deepEqual(await stage.ask(asked(BOB)), {
      status: 404,
      code: 'forbidden',
      detail: 'No such order.',
      headers: { 'X-Why': 'tenant' },
    });
  });

  test('is asked for a visitor with a name as for nobody', async () => {
    await using stage = await Stage.with({
      'gateway/allow': ({ principal: caller }: Input) => caller !== null,
    });
    const visitor = principal({ method: VISITOR, consumer: 'anonymous:x' });
    assert.equal((await stage.ask(asked(visitor)))?.code, 'unauthenticated');
  });

  test('that wants other credentials is a 401 with a challenge', async () => {
    await using stage = await Stage.with({ 'gateway/allow': () => ({ allow: false, status: 401 }) });
    for (const [caller, detail] of [
      [BOB, 'The request may not pass.'],
      [undefined, 'The request does not say who sends it.'],
    ] as const)
      assert.deepEqual(await stage.ask(asked(caller)), {
        status: 401,
        code: 'unauthenticated',
        detail,
        headers: { 'WWW-Authenticate': 'Bearer realm="portcullis"' },
      });
  });

  test('of 403 for somebody whom nobody knows does not say that he is known', async () => {
    await using stage = await Stage.with({ 'gateway/allow': () => ({ allow: false, status: 403 }) });
    const answer = await stage.ask(asked(undefined));
    assert.deepEqual([answer?.status, answer?.detail], [403, 'The request may not pass.']);
  });

  test('may set fields for the service, those of the configuration alone', async () => {
    const result = { allow: true, headers: { 'x-role': 'editor', 'X-Other': 'no' } };
    await using stage = await Stage.with({ 'gateway/allow': () => result }, { set: ['X-Role', 'X-Team'] });
    const exchange = asked(ALICE, 'GET', '/', [['X-Team', 'spoofed']]);
    assert.equal(await stage.ask(exchange), undefined);
    assert.deepEqual(exchange.requestLines, ['X-Role: editor']);
  });

  test('is no where the rule is undefined', async () => {
    await using stage = await Stage.with({});
    assert.equal((await stage.ask(asked(ALICE)))?.code, 'forbidden');
  });
});

suite('when OPA cannot be asked', () => {
  const failures: [title: string, fail: (stage: Stage) => Promise<void> | void, cause: RegExp][] = [
    ['since it is not there', (stage) => stage.opa[Symbol.asyncDispose](), /ECONNREFUSED/],
    [
      'since it fails',
      ({ opa }) => void (opa.manner = (_, response) => response.writeHead(500).end('{}')),
      /answered 500/,
    ],
    [
      'since it sends elsewhere',
      ({ opa }) => void (opa.manner = (_, response) => response.writeHead(307, { Location: '/x' }).end()),
      /answered 307/,
    ],
    ['since it is silent', ({ opa }) => void (opa.manner = () => {}), /within 100 ms/],
    [
      'since it stops in the middle',
      ({ opa }) => void (opa.manner = (_, response) => void response.writeHead(200).write('{"result": tr')),
      /within 100 ms/,
    ],
    [
      'since it breaks off',
      ({ opa }) => void (opa.manner = (request) => void request.socket.destroy()),
      /ECONNRESET|hang up/,
    ],
    [
      'since its answer is too long',
      ({ opa }) =>
        void (opa.manner = (_, response) => response.end(`{"result":true,"x":"${'x'.repeat(70_000)}"}`)),
      /more than 65536 bytes/,
    ],
    [
      'since its answer is no JSON',
      ({ opa }) => void (opa.manner = (_, response) => response.end('yes')),
      /it cannot be asked, so the request is refused: its answer is not JSON$/,
    ],
    [
      'since its answer is no decision',
      ({ opa }) => void (opa.manner = (_, response) => response.end('{"result":{"allow":"yes"}}')),
      /its answer is no decision: result/,
    ],
    [
      'since its decision has a field that none can be',
      ({ opa }) =>
        void (opa.manner = (_, response) =>
          response.end('{"result":{"allow":true,"headers":{"a":"b\\r\\nc: d"}}}')),
      /its answer is no decision/,
    ],
  ];
  for (const [title, fail, cause] of failures) {
    test(`${title}: nobody passes, or everybody where it is open`, async () => {
      const timeout = cause.source === 'within 100 ms' ? '100ms' : '10s';
      await using stage = await Stage.with({ 'gateway/allow': allow }, { timeout });
      await fail(stage);
      assert.deepEqual(await stage.ask(asked(ALICE)), {
        status: 503,
        code: 'provider_unavailable',
        detail: 'Whoever decides about this request cannot be asked.',
      });
      assert.equal(stage.warnings.length, 1);
      assert.match(stage.warnings[0] ?? '', cause);
      await stage.use({ timeout, failure: 'open' });
      assert.equal(await stage.ask(asked(BOB)), undefined);
      assert.deepEqual(stage.events, ['failed_closed', 'failed_open']);
    });
  }

  test('it is asked again with the next request', async () => {
    await using stage = await Stage.with({ 'gateway/allow': allow }, { cache: '1m' });
    stage.opa.manner = (_, response) => response.writeHead(500).end();
    assert.equal((await stage.ask(asked(ALICE)))?.status, 503);
    stage.opa.manner = undefined;
    assert.equal(await stage.ask(asked(ALICE)), undefined);
  });
});

suite('a decision that is kept', () => {
  test('holds for requests that are the same to OPA', async () => {
    await using stage = await Stage.with({ 'gateway/allow': allow }, { cache: '1m' });
    const answers = await Promise.all([1, 2, 3].map(() => stage.ask(asked(ALICE))));
    assert.deepEqual(answers, [undefined, undefined, undefined]);
    await stage.ask(asked(ALICE));
    assert.equal(stage.opa.inputs.length, 1);
    assert.equal((await stage.ask(asked(BOB)))?.code, 'forbidden');
    assert.equal((await stage.ask(asked(BOB)))?.code, 'forbidden');
    assert.equal(stage.opa.inputs.length, 2);
  });

  test('is asked for anew when its time is over, and makes room for others', async () => {
    const clock = { ms: 0 };
    const cache = new DecisionCache(1000, () => clock.ms);
    const inputs: string[] = [];
    const ask = (input: string): AwaitedWork<Decision> => {
      inputs.push(input);
      return new AwaitedWork(() => Promise.resolve({ allow: true }));
    };
    const get = async (input: string): Promise<void> => {
      const decision = cache.get(input, ask);
      if (decision instanceof AwaitedWork) await decision.promise;
    };
    await get('a');
    clock.ms = 999;
    assert.deepEqual(cache.get('a', ask), { allow: true });
    clock.ms = 1000;
    await get('a');
    assert.deepEqual(inputs, ['a', 'a']);
    for (let i = 0; i < 2000; i++) await get(String(i));
    await get('a');
    assert.equal(inputs.filter((input) => input === 'a').length, 3);
  });
});

suite('a client that leaves', () => {
  /** Questions that OPA does not answer yet. */
  const held = (stage: Stage): Promise<ServerResponse> => {
    const { promise, resolve } = Promise.withResolvers<ServerResponse>();
    stage.opa.manner = (_request, response) => resolve(response);
    return promise;
  };

  test('has its question taken back, and that is no failure of OPA', async () => {
    await using stage = await Stage.with({});
    const question = held(stage);
    const exchange = asked(ALICE);
    const answer = stage.ask(exchange);
    const response = await question;
    stage.leave(exchange);
    await once(response, 'close');
    await answer;
    assert.deepEqual([stage.warnings, stage.events], [[], []]);
  });

  test('leaves it to whoever asks the same; the last one takes it back, and then it is asked anew', async () => {
    await using stage = await Stage.with({ 'gateway/allow': allow }, { cache: '1m' });
    const question = held(stage);
    const [one, other] = [asked(ALICE), asked(ALICE)];
    const answers = [stage.ask(one), stage.ask(other)];
    const response = await question;
    stage.leave(one);
    assert.equal(response.destroyed, false);
    stage.leave(other);
    await once(response, 'close');
    await Promise.all(answers);
    stage.opa.manner = undefined;
    assert.equal(await stage.ask(asked(ALICE)), undefined);
    assert.equal(stage.opa.inputs.length, 1);
    assert.deepEqual([stage.warnings, stage.events], [[], []]);
  });
});

test('options that would not do are refused', async () => {
  const good = { url: 'http://127.0.0.1:8181', decision: 'a/b' };
  for (const [options, path, message] of [
    [{ ...good, url: 'ftp://a' }, ['url'], 'is not an address of http or https'],
    [{ ...good, url: 'http://u:p@a' }, ['url'], 'has a user, a query or a fragment in it: OPA takes a token'],
    [{ ...good, decision: '../x' }, ['decision'], 'is not a path of names, such as gateway/authz/allow'],
    [{ ...good, timeout: '0s' }, ['timeout'], 'is not above 0s and up to 30s'],
    [
      { ...good, set: ['Authorization'] },
      ['set', 0],
      'Authorization is a field that clients need: no client could send it any more',
    ],
    [
      { ...good, set: ['X-Forwarded-User'] },
      ['set', 0],
      'X-Forwarded-User is of the X-Forwarded family, which only the policy identity-headers sets',
    ],
    [{ ...good, set: ['content-length'] }, ['set', 0], undefined],
  ] as const) {
    const [problem, ...more] = await validatePolicyUse({ name: 'opa', options });
    assert.deepEqual([problem?.path, more], [path, []]);
    if (message !== undefined) assert.equal(problem?.message, message);
  }
});
