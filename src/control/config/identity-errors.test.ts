import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

describe('Errors of providers and sessions', () => {
  checkErrors([
    {
      title: 'tell what is wrong with a provider, and where',
      files: {
        'c.yaml': `providers:
  kind: { kind: oauth, issuer: https://id.example.com }
  issuer: { isuer: https://id.example.com, clientId: 7 }
  plain: { issuer: http://id.example.com }
  odd: { kind: oauth2, tokenEndpoint: https://a.example.com/token }
  both: { issuer: https://id.example.com, clientSecret: s, clientKey: { key: k } }
`,
      },
      errors: `c.yaml:2:17: providers.kind.kind: is not oidc, oauth2 or the path of a module of your own, such as ./providers/own.ts; did you mean "oauth2"?
   2 |   kind: { kind: oauth, issuer: https://id.example.com }
     |                 ^^^^^
c.yaml:3:13: providers.issuer.isuer: unknown key "isuer"; did you mean "issuer"?
   3 |   issuer: { isuer: https://id.example.com, clientId: 7 }
     |             ^^^^^
c.yaml:3:54: providers.issuer.clientId: expected a text, found a number
   3 |   issuer: { isuer: https://id.example.com, clientId: 7 }
     |                                                      ^
c.yaml:4:20: providers.plain.issuer: is http, which everybody on the way can read: use https, or say \`insecure: true\`
   4 |   plain: { issuer: http://id.example.com }
     |                    ^^^^^^^^^^^^^^^^^^^^^
c.yaml:5:3: providers.odd.authorizationEndpoint: is missing: expected a text
   5 |   odd: { kind: oauth2, tokenEndpoint: https://a.example.com/token }
     |   ^^^
c.yaml:6:60: providers.both.clientKey: the gateway has clientSecret already to prove who it is: one of the two is allowed
   6 |   both: { issuer: https://id.example.com, clientSecret: *, clientKey: { key: * } }
     |                                                            ^^^^^^^^^
`,
    },
    {
      title: 'tell which parameters of a login are the gateway’s own',
      files: {
        'c.yaml': `providers:
  a: { issuer: https://id.example.com, authorizationParameters: { prompt: login, response_mode: fragment } }
`,
      },
      errors: `c.yaml:2:82: providers.a.authorizationParameters.response_mode: is a parameter that the gateway itself sets
   2 |   a: { issuer: https://id.example.com, authorizationParameters: { prompt: login, response_mode: fragment } }
     |                                                                                  ^^^^^^^^^^^^^
`,
    },
    {
      title: 'tell which kind of sessions a route with a login means',
      files: {
        'c.yaml': `providers:
  keycloak: { issuer: https://id.example.com, clientId: gw }
sessions:
  web: { login: [keycloak] }
routes:
  auth: { match: { paths: [/auth/*] }, login: wbe }
`,
      },
      errors: `c.yaml:6:47: routes.auth.login: there is no kind of sessions "wbe"; did you mean "web"?
   6 |   auth: { match: { paths: [/auth/*] }, login: wbe }
     |                                               ^^^
`,
    },
    {
      title: 'tell what is wrong with sessions, and where',
      files: {
        'c.yaml': `providers:
  keycloak: { issuer: https://id.example.com, clientId: gw }
  tokens: { issuer: https://id.example.com }
  git: { kind: oauth2, clientId: gw, authorizationEndpoint: https://g.example.com/a, tokenEndpoint: https://g.example.com/t }
sessions:
  one: { login: [keyclock], connect: [tokens] }
  two: { login: [git, git], cookie: { name: session } }
  three: { login: [], path: /auth/../x, origins: [https://app.example.com/], idleTimeout: 1ms }
  four: { login: [keycloak], recognise: [cookie, baerer] }
  five: { login: [keycloak], recognise: [bearer], anonymous: true, store: redis, cookie: { name: __Host-portcullis } }
  six: { login: [keycloak], cookie: { name: __Host-six }, sharedCallback: tokens }
`,
      },
      errors: `c.yaml:6:18: sessions.one.login[0]: there is no provider "keyclock"; did you mean "keycloak"?
   6 |   one: { login: [keyclock], connect: [tokens] }
     |                  ^^^^^^^^
c.yaml:6:39: sessions.one.connect[0]: nobody can log in at tokens: it has no clientId
   6 |   one: { login: [keyclock], connect: [tokens] }
     |                                       ^^^^^^
c.yaml:7:18: sessions.two.login[0]: git has no user, so that it cannot say who logged in: put another first
   7 |   two: { login: [git, git], cookie: { name: session } }
     |                  ^^^
c.yaml:7:23: sessions.two.login[1]: names git a second time
   7 |   two: { login: [git, git], cookie: { name: session } }
     |                       ^^^
c.yaml:7:45: sessions.two.cookie.name: is not a name that begins with __Host-, which keeps other hosts of the domain from setting it
   7 |   two: { login: [git, git], cookie: { name: session } }
     |                                             ^^^^^^^
c.yaml:8:3: sessions.three: the sessions one have the cookie __Host-portcullis already: give one of them another cookie.name
   8 |   three: { login: [], path: /auth/../x, origins: [https://app.example.com/], idleTimeout: 1ms }
     |   ^^^^^
c.yaml:8:12: sessions.three.login: must not be empty
   8 |   three: { login: [], path: /auth/../x, origins: [https://app.example.com/], idleTimeout: 1ms }
     |            ^^^^^
c.yaml:8:29: sessions.three.path: has a dot segment
   8 |   three: { login: [], path: /auth/../x, origins: [https://app.example.com/], idleTimeout: 1ms }
     |                             ^^^^^^^^^^
c.yaml:8:51: sessions.three.origins[0]: is not an origin: write https://app.example.com, in small letters and without a path
   8 |   three: { login: [], path: /auth/../x, origins: [https://app.example.com/], idleTimeout: 1ms }
     |                                                   ^^^^^^^^^^^^^^^^^^^^^^^^
c.yaml:8:91: sessions.three.idleTimeout: is shorter than 1s
   8 |   three: { login: [], path: /auth/../x, origins: [https://app.example.com/], idleTimeout: 1ms }
     |                                                                                           ^^^
c.yaml:9:3: sessions.four: the sessions one have the cookie __Host-portcullis already: give one of them another cookie.name
   9 |   four: { login: [keycloak], recognise: [cookie, baerer] }
     |   ^^^^
c.yaml:9:30: sessions.four.recognise: baerer needs keys: without the cookie only they open a session
   9 |   four: { login: [keycloak], recognise: [cookie, baerer] }
     |                              ^^^^^^^^^
c.yaml:9:50: sessions.four.recognise[1]: is not one of cookie, bearer, refresh, basic; did you mean "bearer"?
   9 |   four: { login: [keycloak], recognise: [cookie, baerer] }
     |                                                  ^^^^^^
c.yaml:10:30: sessions.five.recognise: bearer needs keys: without the cookie only they open a session
  10 |   five: { login: [keycloak], recognise: [bearer], anonymous: true, store: redis, cookie: { name: __Host-portcullis } }
     |                              ^^^^^^^^^
c.yaml:10:62: sessions.five.anonymous: needs keys, which the names of visitors are signed with
  10 |   five: { login: [keycloak], recognise: [bearer], anonymous: true, store: redis, cookie: { name: __Host-portcullis } }
     |                                                              ^^^^
c.yaml:10:75: sessions.five.store: needs state.redis, which says where Redis is
  10 |   five: { login: [keycloak], recognise: [bearer], anonymous: true, store: redis, cookie: { name: __Host-portcullis } }
     |                                                                           ^^^^^
c.yaml:10:98: sessions.five.cookie.name: the sessions one have the cookie __Host-portcullis already: give one of them another cookie.name
  10 |   five: { login: [keycloak], recognise: [bearer], anonymous: true, store: redis, cookie: { name: __Host-portcullis } }
     |                                                                                                  ^^^^^^^^^^^^^^^^^
c.yaml:11:75: sessions.six.sharedCallback: there is no provider of these sessions "tokens"; there are: keycloak
  11 |   six: { login: [keycloak], cookie: { name: __Host-six }, sharedCallback: tokens }
     |                                                                           ^^^^^^
`,
    },
    {
      title: 'tell what policies want of sessions and can never have',
      files: {
        'c.yaml': `listeners: { main: { port: 8080 } }
providers:
  company: { issuer: https://id.example.com, clientId: gw }
  forge: { issuer: https://forge.example.com, clientId: gw }
  other: { issuer: https://other.example.com, clientId: gw }
sessions:
  web: { login: [company], connect: [forge] }
  shop: { login: [company], path: /shop/auth, cookie: { name: __Host-shop } }
  ops: { login: [company], cookie: { name: __Host-ops }, tokens: {} }
policies:
  - session: { name: web, required: false }
routes:
  a: { match: { paths: [/a] }, respond: {}, policies: [{ session: { name: web, providers: [other] } }] }
  b: { match: { paths: [/b] }, respond: {}, policies: [{ inject: { provider: forge } }] }
  c: { match: { paths: [/c] }, respond: {}, policies: [{ inject: { provider: other } }] }
  d: { match: { paths: [/d] }, respond: {}, policies: [{ public: {} }, { inject: { provider: forge } }] }
  e: { match: { paths: [/e] }, respond: {}, policies: [{ auth: { any: [{ personal-access-token: { name: web } }, { basic: {} }] } }] }
  f: { match: { paths: [/f] }, respond: {}, policies: [{ session: { name: shop } }] }
  g: { match: { paths: [/g] }, respond: {}, policies: [{ personal-access-token: { name: ops } }] }
  h: { match: { paths: [/h] }, respond: {}, policies: [{ inject: { provider: other, from: client-credentials } }] }
  shop: { match: { paths: [/auth/*, /shop] }, login: shop }
`,
      },
      errors: `c.yaml:13:58: warning: routes.a.policies[0].session: nobody can log in: no route has login: web, and users are sent to /auth/login
  13 |   a: { match: { paths: [/a] }, respond: {}, policies: [{ session: { name: web, providers: [other] } }] }
     |                                                          ^^^^^^^
c.yaml:13:92: warning: routes.a.policies[0].session.providers[0]: other is neither in login nor in connect of the sessions web, so that nobody can have a grant of it
  13 |   a: { match: { paths: [/a] }, respond: {}, policies: [{ session: { name: web, providers: [other] } }] }
     |                                                                                            ^^^^^
c.yaml:15:78: warning: routes.c.policies[0].inject.provider: other is neither in login nor in connect of the sessions web, so that nobody can have a grant of it
  15 |   c: { match: { paths: [/c] }, respond: {}, policies: [{ inject: { provider: other } }] }
     |                                                                              ^^^^^
c.yaml:16:74: warning: routes.d.policies[1].inject: no policy of this route knows sessions, so that there is no grant to send and every request is refused: add session
  16 |   d: { match: { paths: [/d] }, respond: {}, policies: [{ public: {} }, { inject: { provider: forge } }] }
     |                                                                          ^^^^^^
c.yaml:17:105: warning: routes.e.policies[0].auth.any[0].personal-access-token.name: the sessions web make no tokens, so that nobody has one: set tokens there
  17 | { paths: [/e] }, respond: {}, policies: [{ auth: { any: [{ personal-access-token: { name: web } }, { basic: {} }] } }] }
     |                                                                                           ^^^
c.yaml:18:58: warning: routes.f.policies[0].session: nobody can log in: users are sent to /shop/auth/login, which no route with login: shop matches
  18 |   f: { match: { paths: [/f] }, respond: {}, policies: [{ session: { name: shop } }] }
     |                                                          ^^^^^^^
`,
    },
    {
      title: 'tell cookies of sessions that are those of others',
      files: {
        'c.yaml': `providers:
  keycloak: { issuer: https://id.example.com, clientId: gw }
sessions:
  web: { login: [keycloak] }
  ops: { login: [keycloak], cookie: { name: __Host-portcullis-admin } }
  two: { login: [keycloak], cookie: { name: __Host-portcullis-admin-flow } }
  any: { login: [keycloak], cookie: { name: __Host-portcullis-visitor } }
  way: { login: [keycloak], cookie: { name: __Host-portcullis-flow-ab } }
  fit: { login: [keycloak], cookie: { name: __Host-portcullis-visitors } }
`,
      },
      errors: `c.yaml:5:45: sessions.ops.cookie.name: is the cookie of a login at the admin port, which browsers send here too: one would end the other; did you mean "__Host-ops"?
   5 |   ops: { login: [keycloak], cookie: { name: __Host-portcullis-admin } }
     |                                             ^^^^^^^^^^^^^^^^^^^^^^^
c.yaml:6:45: sessions.two.cookie.name: is the cookie of a login at the admin port, which browsers send here too: one would end the other; did you mean "__Host-two"?
   6 |   two: { login: [keycloak], cookie: { name: __Host-portcullis-admin-flow } }
     |                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
c.yaml:7:45: sessions.any.cookie.name: makes __Host-portcullis-visitor a cookie of two kinds of sessions, these and web; did you mean "__Host-any"?
   7 |   any: { login: [keycloak], cookie: { name: __Host-portcullis-visitor } }
     |                                             ^^^^^^^^^^^^^^^^^^^^^^^^^
c.yaml:8:45: sessions.way.cookie.name: makes __Host-portcullis-flow-ab a cookie of two kinds of sessions, these and web; did you mean "__Host-way"?
   8 |   way: { login: [keycloak], cookie: { name: __Host-portcullis-flow-ab } }
     |                                             ^^^^^^^^^^^^^^^^^^^^^^^^^
`,
    },
    {
      title: 'tell a key that is too short, and do not show it',
      files: {
        'c.yaml': `providers:
  keycloak: { issuer: https://id.example.com, clientId: gw }
sessions:
  web: { login: [keycloak], keys: [env:SHORT, written-here] }
`,
      },
      errors: `c.yaml:4:36: sessions.web.keys[0]: is shorter than 32 characters; make one with openssl rand -base64 32
   4 |   web: { login: [keycloak], keys: [env:SHORT, ************] }
     |                                    ^^^^^^^^^
c.yaml:4:47: sessions.web.keys[1]: is shorter than 32 characters; make one with openssl rand -base64 32
   4 |   web: { login: [keycloak], keys: [env:SHORT, ************] }
     |                                               ^^^^^^^^^^^^
`,
    },
    {
      title: 'tell what is wrong with the options of a provider of a module',
      files: {
        'c.yaml': `providers:
  fine: { kind: ./own.ts, realm: a }
  wrong: { kind: ./own.ts, relm: a }
  none: { kind: ./none.ts }
  half: { kind: ./half.ts }
  gone: { kind: ./missing.ts }
`,
        'own.ts': `import { defineProvider, z } from 'portcullis/provider';
export const provider = defineProvider({
  schema: z.strictObject({ realm: z.string() }),
  create: () => ({ authorizationUrl() {}, redeem() {}, refresh() {}, user() {} }),
});`,
        'none.ts': 'export const policy = {};',
        'half.ts': `import { defineProvider, z } from 'portcullis/provider';
export const provider = defineProvider({ schema: z.strictObject({}), create: () => ({ user() {} }) });`,
      },
      errors: `c.yaml:3:28: providers.wrong.relm: unknown key "relm"; did you mean "realm"?
   3 |   wrong: { kind: ./own.ts, relm: a }
     |                            ^^^^
c.yaml:4:17: providers.none.kind: the provider ./none.ts has no export named provider, only policy: write export const provider = defineProvider({ ... })
   4 |   none: { kind: ./none.ts }
     |                 ^^^^^^^^^
c.yaml:5:17: providers.half.kind: the provider ./half.ts is not shaped like a provider: authorizationUrl, redeem, refresh must be there
   5 |   half: { kind: ./half.ts }
     |                 ^^^^^^^^^
c.yaml:6:17: providers.gone.kind: the provider's file <dir>/missing.ts does not exist
   6 |   gone: { kind: ./missing.ts }
     |                 ^^^^^^^^^^^^
`,
    },
  ]);
});
