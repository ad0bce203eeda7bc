import { describe } from 'node:test';
import { checkErrors, type ErrorCase } from '../config/errors.support.ts';

const AROUND = `services: { pets: { url: http://127.0.0.1:3000 } }
organizations: { acme: {} }
functions: { hello: { service: pets } }
`;

/** A configuration with one API, in line 5. */
const withApi = (title: string, api: string, errors: string): ErrorCase => ({
  title,
  files: { 'portcullis.yaml': `${AROUND}apis:\n  a: { ${api} }\n` },
  errors,
});

describe('An API', () => {
  checkErrors([
    withApi(
      'names a service that there is not',
      'service: pet',
      `portcullis.yaml:5:17: warning: apis.a.service: there is no service "pet": its requests get 503 until there is one; did you mean "pets"?
   5 |   a: { service: pet }
     |                 ^^^
`,
    ),
    withApi(
      'names a function that there is not',
      'function: helo',
      `portcullis.yaml:5:18: warning: apis.a.function: there is no function "helo": its requests get 503 until there is one; did you mean "hello"?
   5 |   a: { function: helo }
     |                  ^^^^
`,
    ),
    withApi(
      'has both',
      'service: pets, function: hello',
      `portcullis.yaml:5:23: apis.a.function: is one too many: the API has a service already
   5 |   a: { service: pets, function: hello }
     |                       ^^^^^^^^
`,
    ),
    withApi(
      'is of an organization that there is not',
      'service: pets, organization: acm',
      `portcullis.yaml:5:37: apis.a.organization: there is no organization "acm"; did you mean "acme"?
   5 |   a: { service: pets, organization: acm }
     |                                     ^^^
`,
    ),
    withApi(
      'has a key that is misspelt',
      'servce: pets',
      `portcullis.yaml:5:8: apis.a.servce: unknown key "servce"; did you mean "service"?
   5 |   a: { servce: pets }
     |        ^^^^^^
`,
    ),
    withApi(
      'has paths of its own beside a document',
      'service: pets, openapi: a.yaml, paths: [/a]',
      `portcullis.yaml:5:17: apis.a.openapi: the file <dir>/a.yaml does not exist
`.replace(':17:', ':32:') +
        `   5 |   a: { service: pets, openapi: a.yaml, paths: [/a] }
     |                                ^^^^^^
portcullis.yaml:5:40: apis.a.paths: is for an API without openapi: the document says it
   5 |   a: { service: pets, openapi: a.yaml, paths: [/a] }
     |                                        ^^^^^
`,
    ),
    withApi(
      'has what is for a document alone',
      'service: pets, basePath: /v1',
      `portcullis.yaml:5:23: apis.a.basePath: is for an API with openapi
   5 |   a: { service: pets, basePath: /v1 }
     |                       ^^^^^^^^
`,
    ),
    withApi(
      'has a path that is none',
      'service: pets, paths: [/a, /b/*/c], organization: acme',
      `portcullis.yaml:5:30: apis.a.paths[1]: /acme/b/*/c: * may only stand at the end, as /*; use {name} for one segment
   5 |   a: { service: pets, paths: [/a, /b/*/c], organization: acme }
     |                                   ^^^^^^
`.replace(':30:', ':35:'),
    ),
    withApi(
      'has an authentication that is misspelt',
      'service: pets, authentication: pubic',
      `portcullis.yaml:5:39: apis.a.authentication: is not one of public, basic, api-key, signature, personal-access-token; did you mean "public"?
   5 |   a: { service: pets, authentication: pubic }
     |                                       ^^^^^
`,
    ),
    withApi(
      'has an authentication whose options are wrong',
      'service: pets, authentication: { basic: { relm: a } }',
      `portcullis.yaml:5:50: apis.a.authentication.basic.relm: unknown key "relm"; did you mean "realm"?
   5 |   a: { service: pets, authentication: { basic: { relm: a } } }
     |                                                  ^^^^
`,
    ),
    withApi(
      'has an authentication that is none',
      'service: pets, authentication: { cors: { enabled: false } }',
      `portcullis.yaml:5:41: apis.a.authentication.cors: is no authentication: write the policy cors among the policies of the API
   5 |   a: { service: pets, authentication: { cors: { enabled: false } } }
     |                                         ^^^^
`,
    ),
    withApi(
      'names a provider that there is not',
      'service: pets, authentication: { oidc: { provider: corp, anyAudience: true } }',
      `portcullis.yaml:5:59: apis.a.authentication.oidc.provider: there is no provider "corp"
   5 |   a: { service: pets, authentication: { oidc: { provider: corp, anyAudience: true } } }
     |                                                           ^^^^
`,
    ),
    withApi(
      'has an option of oidc that is misspelt',
      'service: pets, authentication: { oidc: { provder: corp } }',
      `portcullis.yaml:5:49: apis.a.authentication.oidc.provder: unknown key "provder"; did you mean "provider"?
   5 |   a: { service: pets, authentication: { oidc: { provder: corp } } }
     |                                                 ^^^^^^^
`,
    ),
    withApi(
      'has a limit that is none',
      'service: pets, limits: { rate: 10 }',
      `portcullis.yaml:5:34: apis.a.limits.rate: is not a rate: write a whole number and a time, such as 10/s, 100/min, 1000/h, 5/15min or 10000/d
   5 |   a: { service: pets, limits: { rate: 10 } }
     |                                       ^^
`.replace(':34:', ':39:'),
    ),
    {
      title: 'ties with another',
      files: {
        'portcullis.yaml': `${AROUND}apis:\n  a: { service: pets, paths: ['/p/{id}'], organization: acme }\n  b: { service: pets, paths: [/x, '/p/{name}'], organization: acme }\n`,
      },
      errors: `portcullis.yaml:6:3: apis.b: ties with the API a: both match, and nothing says which goes first. Give one of them a priority
   6 |   b: { service: pets, paths: [/x, '/p/{name}'], organization: acme }
     |   ^
     = apis.a is in line 5
     = a request that shows it: GET https://example.com/acme/p/any
`,
    },
    {
      title: 'has the name of a route',
      files: {
        'portcullis.yaml': `${AROUND}apis:\n  a: { service: pets, paths: [/a] }\nroutes:\n  a: { match: { paths: [/b] }, service: pets }\n`,
      },
      errors: `portcullis.yaml:5:3: apis.a: the name of its route, a, is taken by another route: give one of them another name
   5 |   a: { service: pets, paths: [/a] }
     |   ^
`,
    },
  ]);
});

const of = (title: string, text: string, errors: string): ErrorCase => ({
  title,
  files: { 'portcullis.yaml': text },
  errors,
});

describe('A function', () => {
  checkErrors([
    of(
      'is of a service that there is not',
      'services: { run: { url: http://127.0.0.1:3000 } }\nfunctions: { f: { service: rum } }\napis: { a: { function: f } }\n',
      `portcullis.yaml:2:28: functions.f.service: there is no service "rum"; did you mean "run"?
   2 | functions: { f: { service: rum } }
     |                            ^^^
portcullis.yaml:3:24: warning: apis.a.function: the function "f" cannot be called
   3 | apis: { a: { function: f } }
     |                        ^
`,
    ),
    of(
      'that a policy of a route, of an API or of every route calls is told of no credentials either',
      `services: { run: { url: http://127.0.0.1:3000 } }
policies: [{ function: { name: f, headers: [x-ticket] } }]
routes: { r: { match: { paths: [/r] }, service: run, policies: [{ forward-auth: { url: http://127.0.0.1:4000/, requestHeaders: [X-Ticket], forward: true } }, { function: { name: f, headers: [accept, x-ticket] } }] } }
apis: { a: { service: run, paths: [/a], policies: [{ function: { name: f, headers: [x-key] } }], authentication: { api-key: { header: [x-key], forward: true } } } }
`,
      `portcullis.yaml:2:45: policies[0].function.headers[0]: carries credentials, which a policy takes there and leaves: no function is told of them
   2 | policies: [{ function: { name: f, headers: [x-ticket] } }]
     |                                             ^^^^^^^^
portcullis.yaml:3:200: routes.r.policies[1].function.headers[1]: carries credentials, which a policy takes there and leaves: no function is told of them
   3 | .0.0.1:4000/, requestHeaders: [X-Ticket], forward: true } }, { function: { name: f, headers: [accept, x-ticket] } }] } }
     |                                                                                                       ^^^^^^^^
portcullis.yaml:4:85: apis.a.policies[0].function.headers[0]: carries credentials, which a policy takes there and leaves: no function is told of them
   4 | cies: [{ function: { name: f, headers: [x-key] } }], authentication: { api-key: { header: [x-key], forward: true } } } }
     |                                         ^^^^^
`,
    ),
    of(
      'would be told of credentials that a policy leaves where they are',
      `services: { run: { url: http://127.0.0.1:3000 } }
functions: { f: { service: run, headers: [X-Partner, X-T] } }
policies: [{ jwt: { issuers: [{ issuer: a, secret: a-secret-that-is-long-enough-for-HS256 }], anyAudience: true, from: { header: x-t }, keep: true } }]
apis: { a: { function: f, authentication: [{ api-key: { header: [a, x-partner], forward: true } }] } }
`,
      `portcullis.yaml:2:43: functions.f.headers[0]: carries credentials, which a policy takes there and leaves: no function is told of them
   2 | functions: { f: { service: run, headers: [X-Partner, X-T] } }
     |                                           ^^^^^^^^^
portcullis.yaml:2:54: functions.f.headers[1]: carries credentials, which a policy takes there and leaves: no function is told of them
   2 | functions: { f: { service: run, headers: [X-Partner, X-T] } }
     |                                                      ^^^
`,
    ),
    of(
      'would be told of secrets',
      'services: { run: { url: http://127.0.0.1:3000 } }\nfunctions: { f: { service: run, headers: [X-Acme-Token] } }\n',
      `portcullis.yaml:2:43: functions.f.headers[0]: carries secrets: no function is told of it
   2 | functions: { f: { service: run, headers: [X-Acme-Token] } }
     |                                           ^^^^^^^^^^^^
`,
    ),
  ]);
});

describe('An organization', () => {
  checkErrors([
    of(
      'has the path prefix of another',
      'organizations: { acme: {}, other: { pathPrefix: /acme } }\n',
      `portcullis.yaml:1:18: organizations.acme: another organization has the path prefix /acme, too
   1 | organizations: { acme: {}, other: { pathPrefix: /acme } }
     |                  ^^^^
     = organizations.other is in line 1
portcullis.yaml:1:49: organizations.other.pathPrefix: another organization has the path prefix /acme, too
   1 | organizations: { acme: {}, other: { pathPrefix: /acme } }
     |                                                 ^^^^^
     = organizations.acme is in line 1
`,
    ),
    of(
      'has a path prefix that no path begins with',
      'organizations: { acme: { pathPrefix: /a/../b } }\n',
      `portcullis.yaml:1:38: organizations.acme.pathPrefix: /a/../b: requests are matched in normalised form: write /b
   1 | organizations: { acme: { pathPrefix: /a/../b } }
     |                                      ^^^^^^^
`,
    ),
  ]);
});
