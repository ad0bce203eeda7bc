import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { startGateway } from '../../src/testing.ts';
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
  ['one behind a tab', { authorization: `Bearer\t${PERSONAL}` }, [undefined, undefined]],
  ['one as the user of Basic', { authorization: `Basic ${btoa(`${PERSONAL}:x`)}` }, [undefined, undefined]],
  [
    'one behind a long user',
    { authorization: `Basic ${btoa(`${'x'.repeat(2000)}:${PERSONAL}`)}` },
    [undefined, undefined],
  ],
  ['one with a scheme of others', { authorization: `token ${PERSONAL}` }, [undefined, undefined]],
  [
    'the token of a device with a scheme of others',
    { authorization: `token ${DEVICE}` },
    [undefined, undefined],
  ],
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

describe('What a service behind a route without policies, and one that is asked who may call, is sent of', () => {
  let backend: TokenBackend;
  let judge: TokenBackend;
  let play: LoginPlay;

  before(async () => {
    backend = await TokenBackend.start();
    judge = await TokenBackend.start();
    play = await LoginPlay.start({
      providers: { first: {} },
      session: { tokens: {}, devices: true },
      config: {
        admin: { authentication: {} },
        services: { backend: { url: backend.url } },
        routes: {
          open: { match: { paths: ['/open'] }, service: 'backend' },
          judged: {
            match: { paths: ['/judged'] },
            service: 'backend',
            policies: [{ 'forward-auth': { url: judge.url } }],
          },
        },
      },
    });
  });

  after(async () => {
    await play[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
    await judge[Symbol.asyncDispose]();
  });

  for (const [what, sent, [cookie, authorization]] of CASES)
    it(what, async () => {
      for (const [path, service] of [
        ['/open', backend],
        ['/judged', judge],
      ] as const) {
        const answer = await new UserAgent().request(play.url + path, { fields: sent });
        assert.equal(answer.status, 200);
        const received = service.received.at(-1);
        assert.deepEqual([received?.cookie, received?.authorization], [cookie, authorization]);
      }
    });
});

/** What a service answers with, and what of it the browser gets. */
const SET: readonly (readonly [what: string, sent: string, got: boolean])[] = [
  ['a cookie of its own', 'theme=dark; Path=/', true],
  ['one that only looks alike', '__Host-portcullis2=1; Path=/; Secure', true],
  ['one whose value looks so', `a=__Host-portcullis=${DEVICE}`, true],
  ['one without a name that is long', 'a; __Host-portcullis=1', true],
  ['that of a session', `__Host-portcullis=${DEVICE}; Path=/; Secure`, false],
  ['that of a session on a developer’s machine', `http-portcullis=${DEVICE}; Path=/`, false],
  ['that of a session, with blanks around it', ` \t__Host-portcullis = ${DEVICE}; Path=/; Secure`, false],
  ['that of a session, behind no name', `=http-portcullis=${DEVICE}`, false],
  ['that of a session, taken away', '__Host-portcullis=; Max-Age=0; Path=/; Secure', false],
  ['that of a login under way', `__Host-portcullis-flow-abcdefgh=${DEVICE}; Path=/; Secure`, false],
  ['that of a visitor', 'http-portcullis-visitor=v1.x', false],
  ['that of the admin port', `__Host-portcullis-admin=${SECRET}; Path=/; Secure`, false],
];

it('A service sets no cookie that is the gateway’s', async () => {
  const service = createServer((_, response) => {
    response.setHeader('Set-Cookie', ['first=1', ...SET.map(([, sent]) => sent), 'last=1']).end();
  }).listen(0, '127.0.0.1');
  await once(service, 'listening');
  await using play = await LoginPlay.start({
    providers: { first: {} },
    config: {
      admin: { authentication: {} },
      services: { backend: { url: `http://127.0.0.1:${(service.address() as AddressInfo).port}` } },
      routes: { open: { match: { paths: ['/open'] }, service: 'backend' } },
    },
  });
  const { headers } = await new UserAgent().request(`${play.url}/open`);
  service.close();
  service.closeAllConnections();
  assert.deepEqual(headers.getSetCookie(), [
    'first=1',
    ...SET.filter(([, , got]) => got).map(([, sent]) => sent),
    'last=1',
  ]);
});

/** What a gateway without sessions sends on, by who can log in at its admin port. */
const ADMIN_COOKIE_CASES: readonly (readonly [what: string, admin: object, got: string | undefined])[] = [
  ['nobody does', {}, 'kept'],
  ['only tokens do', { authentication: { local: false } }, 'kept'],
  ['users do with a password', { authentication: {} }, undefined],
  ['users of another node do', { enabled: false, authentication: {} }, undefined],
];

describe('The cookie of the admin port, in a gateway without sessions,', () => {
  for (const [what, admin, got] of ADMIN_COOKIE_CASES)
    it(`${got === 'kept' ? 'is nobody’s and goes on' : 'does not reach a service'} where ${what}`, async () => {
      await using backend = await TokenBackend.start();
      await using gateway = await startGateway({
        admin,
        listeners: { main: { port: 8080 } },
        services: { backend: { url: backend.url } },
        routes: { open: { match: { paths: ['/open'] }, service: 'backend' } },
      });
      const cookie = `__Host-portcullis-admin=${SECRET}; http-portcullis-admin-flow=${SECRET}`;
      await new UserAgent().request(`${gateway.url}/open`, { fields: { cookie } });
      assert.equal(backend.received[0]?.cookie, got && cookie);
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
