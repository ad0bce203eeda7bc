import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TEST_CLIENT, type TestProviderOptions } from '../support/identity-provider.ts';
import {
  backFrom,
  codeOf,
  grantsOf,
  LoginPlay,
  type LoginPlayOptions,
  SCRIPT,
  SESSION,
  whoIs,
} from '../support/login-play.ts';
import { UserAgent } from '../support/user-agent.ts';

const NAMELESS = { isNameless: true } as const;

/** Where the gateway has the provider send the browser back to, as its path. */
async function addressAt(play: LoginPlay, agent: UserAgent, page: string): Promise<string> {
  const { headers } = await agent.request(`${play.url}/auth/${page}`);
  const address = new URL(headers.get('location') ?? '').searchParams.get('redirect_uri') ?? '';
  assert.equal(new URL(address).origin, play.url);
  return new URL(address).pathname;
}

describe('A provider sends browsers back to', () => {
  const cases: readonly (readonly [
    title: string,
    options: LoginPlayOptions,
    expected: readonly [first: string, second: string],
  ])[] = [
    [
      'the address of all where its answers say whose they are',
      { providers: { first: {}, second: {} } },
      ['/auth/callback', '/auth/callback'],
    ],
    [
      'an address of its own where they do not, unless it is the first of the login',
      { providers: { first: NAMELESS, second: NAMELESS } },
      ['/auth/callback', '/auth/callback/second'],
    ],
    [
      'the address of all where it is the one that was chosen to stay there',
      { providers: { first: NAMELESS, second: NAMELESS }, session: { sharedCallback: 'second' } },
      ['/auth/callback/first', '/auth/callback'],
    ],
  ];
  for (const [title, { session, ...options }, expected] of cases)
    it(title, async () => {
      await using play = await LoginPlay.start({
        ...options,
        session: { login: ['first'], connect: ['second'], ...session },
      });
      const agent = new UserAgent();
      const first = await addressAt(play, agent, 'login');
      const page = await agent.signIn(`${play.url}/auth/login?redirect=/here`, 'alice');
      assert.equal(page.url, `${play.url}/here`);
      assert.deepEqual([first, await addressAt(play, agent, 'connect/second')], expected);
      assert.equal(
        (await agent.signIn(`${play.url}/auth/connect/second?redirect=/there`, 'alice')).url,
        `${play.url}/there`,
      );
      assert.deepEqual(grantsOf(await whoIs(play, agent)), { first: true, second: true });
    });
});

/**
 * RFC 9700 section 4.4.1: the user begins a login at the provider of an attacker, which sends the browser on to an honest one, with the gateway as
 * the client and the state of its own login; the honest one's code comes back as the attacker's.
 */
describe('The code of an honest provider is not given to another, to whose login it was brought', () => {
  const cases: readonly (readonly [
    title: string,
    options: {
      readonly attacker: TestProviderOptions;
      readonly honest: TestProviderOptions;
      readonly sharedCallback?: string;
    },
    address: string,
  ])[] = [
    ['where it has an address of its own', { attacker: NAMELESS, honest: NAMELESS }, '/auth/callback/honest'],
    [
      'where the other has one',
      { attacker: NAMELESS, honest: NAMELESS, sharedCallback: 'honest' },
      '/auth/callback',
    ],
    [
      'where the other promises to say whose its answers are',
      { attacker: {}, honest: NAMELESS, sharedCallback: 'honest' },
      '/auth/callback',
    ],
    ['where it says whose its answers are', { attacker: NAMELESS, honest: {} }, '/auth/callback'],
  ];
  for (const [title, { attacker, honest, ...session }, address] of cases)
    it(title, async () => {
      await using play = await LoginPlay.start({
        providers: { attacker, honest },
        session: { login: ['attacker'], connect: ['honest'], ...session },
      });
      const victim = new UserAgent();
      const begun = await victim.request(`${play.url}/auth/login`);
      const asked = new URL(begun.headers.get('location') ?? '').searchParams;
      const query = new URLSearchParams({
        client_id: TEST_CLIENT.id,
        response_type: 'code',
        scope: 'openid',
        redirect_uri: play.url + address,
        state: asked.get('state') ?? '',
        code_challenge: asked.get('code_challenge') ?? '',
        code_challenge_method: 'S256',
      });
      const back = await backFrom(victim, `${play.provider('honest').issuer}/auth?${query.toString()}`);
      assert.ok(back.searchParams.has('code'));
      const answer = await victim.request(back.href, { fields: SCRIPT });
      assert.deepEqual([answer.status, codeOf(answer)], [403, 'login_refused']);
      assert.equal(victim.cookie(play.url, SESSION), undefined);
      assert.deepEqual(
        play.provider('attacker').requests.filter((path) => path === '/token'),
        [],
      );
      // The state is spent.
      const again = await victim.request(back.href, { fields: SCRIPT });
      assert.deepEqual([again.status, codeOf(again)], [400, 'login_invalid']);
    });
});
