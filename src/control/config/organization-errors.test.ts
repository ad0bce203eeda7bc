import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

describe('Errors of what organizations own', () =>
  checkErrors([
    {
      title: 'tell hosts and paths that somebody else has a part of, and nothing about whose they are',
      files: {
        'c.yaml': `organizations: { acme: {}, globex: {} }
services: { one: { url: "http://127.0.0.1:1" } }
routes:
  a: { organization: acme, match: { paths: [/shop/*] }, service: one }
  b: { organization: globex, match: { hosts: [b.test], paths: [/shop/cart] }, service: one }
  all: { match: { paths: [/*] }, service: one }
  broken: { organization: acme, match: { paths: [/shop/*, /a*b] }, service: one }
apis:
  hello: { organization: globex, hosts: ["*.test"], paths: [/shop/x], service: one }
`,
      },
      errors: `c.yaml:4:28: routes.a.match: acme would take requests of somebody else, or lose some to them, who has a part of /shop/* on any host
   4 |   a: { organization: acme, match: { paths: [/shop/*] }, service: one }
     |                            ^^^^^
     = routes.b is in line 5
     = a request that shows it: GET https://b.test/shop/cart
c.yaml:5:30: routes.b.match: globex would take requests of somebody else, or lose some to them, who has a part of /shop/cart on b.test
   5 |   b: { organization: globex, match: { hosts: [b.test], paths: [/shop/cart] }, service: one }
     |                              ^^^^^
     = routes.a is in line 4
     = a request that shows it: GET https://b.test/shop/cart
c.yaml:7:59: routes.broken.match.paths[1]: /a*b: * may only stand at the end, as /*; use {name} for one segment
   7 |   broken: { organization: acme, match: { paths: [/shop/*, /a*b] }, service: one }
     |                                                           ^^^^
c.yaml:9:3: apis.hello: globex would take requests of somebody else, or lose some to them, who has a part of /shop/x on *.test
   9 |   hello: { organization: globex, hosts: ["*.test"], paths: [/shop/x], service: one }
     |   ^^^^^
     = routes.a is in line 4
     = a request that shows it: GET https://any.test/shop/x
`,
    },
    {
      title: 'tell path prefixes that are one, or one below the other, at both organizations',
      files: {
        'c.yaml': `listeners: { http: { port: 8080 } }
organizations:
  acme: {}
  globex: { pathPrefix: /acme/east/side }
  initech: { pathPrefix: /x }
  umbrella: { pathPrefix: /x }
  all: { pathPrefix: / }
  none: { pathPrefix: / }
  acmeeast: {}
`,
      },
      errors: `c.yaml:3:3: organizations.acme: the path prefix of another organization is below /acme
   3 |   acme: {}
     |   ^^^^
     = organizations.globex is in line 4
c.yaml:4:25: organizations.globex.pathPrefix: /acme/east/side is below the path prefix of another organization
   4 |   globex: { pathPrefix: /acme/east/side }
     |                         ^^^^^^^^^^^^^^^
     = organizations.acme is in line 3
c.yaml:5:26: organizations.initech.pathPrefix: another organization has the path prefix /x, too
   5 |   initech: { pathPrefix: /x }
     |                          ^^
     = organizations.umbrella is in line 6
c.yaml:6:27: organizations.umbrella.pathPrefix: another organization has the path prefix /x, too
   6 |   umbrella: { pathPrefix: /x }
     |                           ^^
     = organizations.initech is in line 5
`,
    },
    {
      title: 'tell what belongs to another organization',
      files: {
        'c.yaml': `organizations: { acme: {}, globex: {} }
services: { theirs: { url: "http://127.0.0.1:1", organization: globex } }
routes:
  a: { organization: acme, match: { paths: [/a] }, service: theirs }
apis:
  hello: { organization: acme, paths: [/shop], service: theirs }
`,
      },
      errors: `c.yaml:4:61: routes.a.service: theirs of services belongs to another organization: share it by leaving out its organization, or give acme one of its own
   4 |   a: { organization: acme, match: { paths: [/a] }, service: theirs }
     |                                                             ^^^^^^
c.yaml:6:57: apis.hello.service: theirs of services belongs to another organization: share it by leaving out its organization, or give acme one of its own
   6 |   hello: { organization: acme, paths: [/shop], service: theirs }
     |                                                         ^^^^^^
`,
    },
  ]));
