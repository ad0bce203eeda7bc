import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { PortcullisConfigInput } from '../../src/control/config/schema.ts';
import { startGateway } from '../../src/testing.ts';
import { get } from '../conformance/case.ts';
import type { Answer } from '../support/answers.ts';
import { RawClient } from '../support/raw-client.ts';
import { answer, type Script, ScriptedUpstream } from '../support/scripted-upstream.ts';

const saying =
  (name: string, fields: Readonly<Record<string, string>> = {}): Script =>
  async (connection) => {
    for (;;) {
      await connection.head();
      await connection.send(answer(200, name, fields));
    }
  };

describe('A split over real services', () => {
  let stable: ScriptedUpstream;
  let canary: ScriptedUpstream;
  before(async () => {
    stable = await ScriptedUpstream.start(saying('stable'));
    canary = await ScriptedUpstream.start(saying('canary', { 'Set-Cookie': 'own=1' }));
  });
  after(async () => {
    await stable.close();
    await canary.close();
  });

  type Route = NonNullable<PortcullisConfigInput['routes']>[string];

  function config(
    weights: readonly [stable: number, canary: number],
    options: Partial<Route>,
  ): PortcullisConfigInput {
    return {
      listeners: { main: { port: 0 } },
      services: { stable: { url: stable.url }, canary: { url: canary.url } },
      routes: {
        main: {
          match: {},
          split: [
            { service: 'stable', weight: weights[0] },
            { service: 'canary', weight: weights[1] },
          ],
          ...options,
        },
      },
    };
  }

  async function ask(client: RawClient, ...fieldLines: string[]): Promise<Answer> {
    await client.send(get(fieldLines));
    return client.answer();
  }

  const setCookies = (got: Answer): string[] =>
    got.fields.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value);

  it('gives a client without a cookie one, and keeps it where that cookie says', async () => {
    await using gateway = await startGateway(config([50, 50], { splitBy: { cookie: { name: 'canary' } } }));
    using client = await RawClient.connect({ port: gateway.port() });
    const services = new Set<string>();
    for (let i = 0; i < 32; i++) {
      const first = await ask(client);
      const service = first.body.toString();
      const [cookie = ''] = setCookies(first).slice(-1);
      assert.match(cookie, /^canary=[0-9a-f-]{36}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/);
      assert.deepEqual(setCookies(first).slice(0, -1), service === 'canary' ? ['own=1'] : []);
      services.add(service);
      const again = await ask(client, `Cookie: a=b; ${cookie.split(';', 1)[0]}`);
      assert.deepEqual(
        [again.body.toString(), setCookies(again).length],
        [service, service === 'canary' ? 1 : 0],
      );
    }
    assert.deepEqual([...services].sort(), ['canary', 'stable']);
  });

  it('sets a cookie of the browser’s session where maxAge is 0s, also on an answer made here', async () => {
    const splitBy = { cookie: { name: 'canary', maxAge: '0s' } };
    const down = config([1, 0], { splitBy });
    const services = { ...down.services, stable: { url: 'http://127.0.0.1:9' } };
    await using gateway = await startGateway({ ...down, services });
    using client = await RawClient.connect({ port: gateway.port() });
    const refused = await ask(client);
    assert.equal(refused.status, 502);
    assert.match(refused.get('set-cookie') ?? '', /^canary=[0-9a-f-]{36}; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  it('sets a cookie for https alone where the client came by https', async () => {
    const plain = config([1, 0], { splitBy: { cookie: { name: 'canary' } } });
    const main = { port: 0, forwarding: { trust: ['127.0.0.0/8'] } };
    await using gateway = await startGateway({ ...plain, listeners: { main } });
    using client = await RawClient.connect({ port: gateway.port() });
    const [cookie] = setCookies(await ask(client, 'X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: https'));
    assert.match(cookie ?? '', /; Secure$/);
  });

  it('leaves a cookie alone that the service sets itself', async () => {
    const splitBy = { cookie: { name: 'session', set: false } };
    await using gateway = await startGateway(config([1, 0], { splitBy }));
    using client = await RawClient.connect({ port: gateway.port() });
    assert.equal((await ask(client)).get('set-cookie'), undefined);
  });

  it('keeps every client at the canary while its weight grows by reloads', async () => {
    const splitBy = { header: 'x-user' };
    await using gateway = await startGateway(config([100, 0], { splitBy }));
    using client = await RawClient.connect({ port: gateway.port() });
    const users = Array.from({ length: 40 }, (_, i) => `user-${i}`);
    let moved = new Set<string>();
    for (const weight of [0, 10, 30, 60, 100]) {
      await gateway.reload(config([100 - weight, weight], { splitBy }));
      const now = new Set<string>();
      for (const user of users)
        if ((await ask(client, `X-User: ${user}`)).body.toString() === 'canary') now.add(user);
      assert.deepEqual(
        [...moved].filter((user) => !now.has(user)),
        [],
        `at ${weight}`,
      );
      moved = now;
    }
    assert.equal(moved.size, users.length);
  });

  it('keeps a client by its address', async () => {
    await using gateway = await startGateway(config([50, 50], { splitBy: { address: true } }));
    const services = new Set<string>();
    for (let host = 1; host <= 16; host++) {
      using client = await RawClient.connect({ port: gateway.port(), from: `127.0.0.${host}` });
      const [first, second] = [await ask(client), await ask(client)];
      assert.equal(second.body.toString(), first.body.toString());
      services.add(first.body.toString());
    }
    assert.deepEqual([...services].sort(), ['canary', 'stable']);
  });

  it('lets a header choose a service of the split, also one with weight 0, and no other', async () => {
    const splitBy = { cookie: { name: 'canary' } };
    await using gateway = await startGateway(
      config([1, 0], { splitBy, splitOverride: { header: 'x-canary' } }),
    );
    using client = await RawClient.connect({ port: gateway.port() });
    const chosen = await ask(client, 'X-Canary: canary');
    assert.deepEqual([chosen.body.toString(), setCookies(chosen)], ['canary', ['own=1']]);
    assert.equal((await ask(client, 'X-Canary: elsewhere')).body.toString(), 'stable');
    assert.equal((await ask(client)).body.toString(), 'stable');
  });
});
