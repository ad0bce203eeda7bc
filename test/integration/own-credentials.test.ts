import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LoginPlay } from '../support/login-play.ts';
import { TokenBackend } from '../support/token-backend.ts';
import { UserAgent } from '../support/user-agent.ts';

const SECRET = 'A'.repeat(43);
const PERSONAL = `pcp_${SECRET}`;
const DEVICE = `v1.${SECRET}`;
const basic = (password: string): string => `Basic ${Buffer.from(`git:${password}`).toString('base64')}`;

/** What a client sends to a route that knows nothing of sessions, and what of it the service gets. */
const CASES: readonly (readonly [
  what: string,
  sent: Record<string, string>,
  got: readonly [cookie: string | undefined, authorization: string | undefined],
])[] = [
  ['a personal access token', { authorization: `Bearer ${PERSONAL}` }, [undefined, undefined]],
  ['one in small letters', { authorization: `bearer  ${PERSONAL}` }, [undefined, undefined]],
  ['one as the password of Basic', { authorization: basic(PERSONAL) }, [undefined, undefined]],
  ['what merely begins as one', { authorization: 'Bearer pcp_short' }, [undefined, undefined]],
  ['the token of a device', { authorization: `Bearer ${DEVICE}` }, [undefined, undefined]],
  ['the token of a device as a password', { authorization: basic(DEVICE) }, [undefined, undefined]],
  ['a token of somebody else', { authorization: 'Bearer eyJhbGciOi' }, [undefined, 'Bearer eyJhbGciOi']],
  ['a password', { authorization: basic('secret') }, [undefined, basic('secret')]],
  ['another scheme', { authorization: 'Digest pcp_x' }, [undefined, 'Digest pcp_x']],
  [
    'cookies of sessions, over TLS and over http',
    { cookie: `a=1; __Host-portcullis=${DEVICE}; http-portcullis=${DEVICE}; b=2` },
    ['a=1; b=2', undefined],
  ],
  [
    'cookies of logins under way',
    { cookie: `__Host-portcullis-flow-abcdefgh=${DEVICE}; http-portcullis-flow-x=${DEVICE}` },
    [undefined, undefined],
  ],
  [
    'a cookie of a visitor from when they had names',
    { cookie: 'http-portcullis-visitor=v1.x' },
    [undefined, undefined],
  ],
  [
    'cookies of the admin port of the same host',
    { cookie: `__Host-portcullis-admin=${SECRET}; c=3; http-portcullis-admin-flow=${SECRET}` },
    ['c=3', undefined],
  ],
  [
    'cookies that only look alike',
    { cookie: '__Host-portcullis2=1; portcullis=2' },
    ['__Host-portcullis2=1; portcullis=2', undefined],
  ],
];

describe('What a service behind a route without policies is sent of', () => {
  let backend: TokenBackend;
  let play: LoginPlay;

  before(async () => {
    backend = await TokenBackend.start();
    play = await LoginPlay.start({
      providers: { first: {} },
      session: { tokens: {}, devices: true },
      config: {
        services: { backend: { url: backend.url } },
        routes: { open: { match: { paths: ['/open'] }, service: 'backend' } },
      },
    });
  });

  after(async () => {
    await play[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  });

  for (const [what, sent, [cookie, authorization]] of CASES)
    it(what, async () => {
      const answer = await new UserAgent().request(`${play.url}/open`, { fields: sent });
      assert.equal(answer.status, 200);
      const received = backend.received.at(-1);
      assert.deepEqual([received?.cookie, received?.authorization], [cookie, authorization]);
    });
});

it('A service gets Authorization as it came where the gateway makes no tokens', async () => {
  await using backend = await TokenBackend.start();
  await using play = await LoginPlay.start({
    providers: { first: {} },
    config: {
      services: { backend: { url: backend.url } },
      routes: { open: { match: { paths: ['/open'] }, service: 'backend' } },
    },
  });
  await new UserAgent().request(`${play.url}/open`, { fields: { authorization: `Bearer ${PERSONAL}` } });
  assert.equal(backend.received[0]?.authorization, `Bearer ${PERSONAL}`);
});
