import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

describe('Errors of a configuration in YAML', () => {
  checkErrors([
    {
      title: 'tell a syntax error',
      files: {
        'c.yaml': `listeners:
  http: { port: 80
routes: {}
`,
      },
      errors: `c.yaml:3:1: flow map in block collection must be sufficiently indented and end with a }
   3 | routes: {}
     | ^
`,
    },
    {
      title: 'tell of two that are alike at one place once',
      files: {
        'c.yaml': `listeners: { http: { port: 80
routes: {}
`,
      },
      errors: `c.yaml:2:1: flow map in block collection must be sufficiently indented and end with a }
   2 | routes: {}
     | ^
`,
    },
    {
      title: 'tell wrong indentation',
      files: {
        'c.yaml': `listeners:
  http:
    port: 80
   protocol: http
`,
      },
      errors: `c.yaml:4:1: all mapping items must start at the same column
   4 |    protocol: http
     | ^
`,
    },
    {
      title: 'tell a repeated key',
      files: {
        'c.yaml': `admin: {}
routes: {}
admin: {}
`,
      },
      errors: `c.yaml:3:1: the key "admin" is there twice
   3 | admin: {}
     | ^^^^^
`,
    },
    {
      title: 'tell a second document',
      files: {
        'c.yaml': `admin: {}
---
admin: {}
`,
      },
      errors: `c.yaml:2:1: a second document begins here: a configuration is one document
   2 | ---
     | ^^^
`,
    },
    {
      title: 'tell aliases that grow too large',
      files: {
        'c.yaml': `a: &a [x,x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
`,
      },
      errors: `c.yaml:1:1: excessive alias count indicates a resource exhaustion attack
   1 | a: &a [x,x,x,x,x,x,x,x,x,x]
     | ^
`,
    },
    {
      title: 'point into what an alias stands for',
      files: {
        'c.yaml': `services:
  a: &a { url: http://h:1, hots: x }
  b: *a
`,
      },
      errors: `c.yaml:2:28: services.a.hots: unknown key "hots"; did you mean "host"?
   2 |   a: &a { url: http://h:1, hots: x }
     |                            ^^^^
c.yaml:2:28: services.b.hots: unknown key "hots"; did you mean "host"?
   2 |   a: &a { url: http://h:1, hots: x }
     |                            ^^^^
`,
    },
    {
      title: 'tell an unknown tag',
      files: {
        'c.yaml': `admin: !secret x
`,
      },
      errors: `c.yaml:1:8: unresolved tag: !secret
   1 | admin: !secret x
     |        ^^^^^^^
`,
    },
    {
      title: 'tell that a file is empty',
      files: {
        'c.yaml': `# nothing
`,
      },
      errors: `c.yaml:1:1: the configuration is empty
   1 | # nothing
     | ^
`,
    },
    {
      title: 'tell that a file is no map',
      files: {
        'c.yaml': `- a
`,
      },
      errors: `c.yaml:1:1: a configuration is a map: listeners, services, routes and so on
   1 | - a
     | ^^^
`,
    },
    {
      title: 'keep __proto__ out',
      files: {
        'c.yaml': `routes:
  __proto__: { match: {} }
`,
      },
      errors: `c.yaml:2:3: routes.__proto__: this name is not allowed
   2 |   __proto__: { match: {} }
     |   ^^^^^^^^^
`,
    },
    {
      title: 'hide secrets in the lines that they show',
      files: {
        'c.yaml': `certificates: { a: { cert: "x", key: "hunter2", kex: 1 } }
observability: { tracing: { headers: { x-team: "hunter2" }, smaple: 1 } }
policies: [{ headers: { request: { set: { x-api-key: "hunter2" } }, requets: {} } }]
`,
      },
      errors: `c.yaml:1:28: certificates.a.cert: is not PEM: write file:path, env:NAME or the PEM text
   1 | certificates: { a: { cert: "x", key: *********, kex: 1 } }
     |                            ^^^
c.yaml:1:38: certificates.a.key: is not PEM: write file:path, env:NAME or the PEM text
   1 | certificates: { a: { cert: "x", key: *********, kex: 1 } }
     |                                      ^^^^^^^^^
c.yaml:1:49: certificates.a.kex: unknown key "kex"; did you mean "key"?
   1 | certificates: { a: { cert: "x", key: *********, kex: 1 } }
     |                                                 ^^^
c.yaml:2:61: observability.tracing.smaple: unknown key "smaple"; did you mean "sample"?
   2 | observability: { tracing: { headers: { x-team: ********* }, smaple: 1 } }
     |                                                             ^^^^^^
c.yaml:3:69: policies[0].headers.requets: unknown key "requets"; did you mean "request"?
   3 | policies: [{ headers: { request: { set: { x-api-key: ********* } }, requets: {} } }]
     |                                                                     ^^^^^^^
`,
    },
    {
      title: 'hide what looks like a secret in a line that cannot be read',
      files: {
        'c.yaml': `password: hunter2: [
`,
      },
      errors: `c.yaml:1:11: nested mappings are not allowed in compact mappings
   1 | password: **********
     |           ^
c.yaml:2:1: flow sequence in block collection must be sufficiently indented and end with a ]
   2 |
     | ^
`,
    },
  ]);
});
