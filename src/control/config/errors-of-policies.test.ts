import { describe } from 'node:test';
import { builtinPolicies } from '../../policies/registry.ts';
import { checkErrors } from './errors.support.ts';

describe('Errors of policies, secrets and routes that tie', () => {
  checkErrors([
    {
      title: 'tell policies that are not there or not one',
      files: {
        'c.yaml': `policies:
  - headrs: {}
  - cors: { origins: ["*"] }
    headers: {}
  - {}
  - cors
  - ./missing.ts: {}
  - zzz: {}
`,
      },
      errors: `c.yaml:2:5: policies[0].headrs: there is no policy "headrs"; did you mean "headers"?
   2 |   - headrs: {}
     |     ^^^^^^
c.yaml:4:5: policies[1].headers: an entry names one policy, and this one names cors already
   4 |     headers: {}
     |     ^^^^^^^
c.yaml:5:5: policies[2]: is empty: write the name of a policy and its options
   5 |   - {}
     |     ^^
c.yaml:6:5: policies[3]: expected a map, found a text
   6 |   - cors
     |     ^^^^
c.yaml:7:5: policies[4]["./missing.ts"]: the policy's file <dir>/missing.ts does not exist
   7 |   - ./missing.ts: {}
     |     ^^^^^^^^^^^^
c.yaml:8:5: policies[5].zzz: there is no policy "zzz"; there are: ${[...builtinPolicies.keys()].join(', ')}; a file of your own begins with ./
   8 |   - zzz: {}
     |     ^^^
`,
    },
    {
      title: 'tell options of policies',
      files: {
        'c.yaml': `routes:
  a:
    match: {}
    respond: {}
    policies:
      - cors: { orgins: ["*"] }
      - request-size: { max: 1 }
`,
      },
      errors: `c.yaml:6:17: routes.a.policies[0].cors.orgins: unknown key "orgins"; did you mean "origins"?
   6 |       - cors: { orgins: ["*"] }
     |                 ^^^^^^
c.yaml:7:30: routes.a.policies[1].request-size.max: is not a size: write a whole number and a unit, such as 512b, 64kb or 1mb
   7 |       - request-size: { max: 1 }
     |                              ^
`,
    },
    {
      title: 'tell what is wrong with a policy of your own',
      files: {
        'c.yaml': `policies:
  - ./policy.ts: { limit: many }
  - ./throws.ts:
  - ./empty.ts: {}
`,
        'policy.ts': `import { definePolicy, z } from 'portcullis/policy';
export const policy = definePolicy({ name: 'p', stage: 'transform', schema: z.strictObject({ limit: z.int() }), create: () => ({}) });
`,
        'throws.ts': `import { definePolicy, z } from 'portcullis/policy';
export const policy = definePolicy({ name: 'p', stage: 'transform', schema: z.strictObject({}), create() { throw new Error('not today'); } });
`,
        'empty.ts': `export {};
`,
      },
      errors: `c.yaml:2:27: policies[0]["./policy.ts"].limit: expected a number, found a text
   2 |   - ./policy.ts: { limit: many }
     |                           ^^^^
c.yaml:3:5: policies[1]["./throws.ts"]: the policy ./throws.ts cannot be made: not today
   3 |   - ./throws.ts:
     |     ^^^^^^^^^^^
c.yaml:4:5: policies[2]["./empty.ts"]: the policy ./empty.ts has no export named policy: write export const policy = definePolicy({ ... })
   4 |   - ./empty.ts: {}
     |     ^^^^^^^^^^
`,
    },
    {
      title: 'tell secrets that are not there, and never a value',
      files: {
        'c.yaml': `observability:
  tracing:
    headers: { a: env:NOPE, b: env:EMPTY, c: file:none, d: "env:NO PE", e: env:LINES, f: 5 }
policies:
  - headers: { request: { set: { x: env:GONE } } }
`,
      },
      errors: `c.yaml:3:19: observability.tracing.headers.a: the environment variable NOPE is not set
   3 |     headers: { a: env:NOPE, b: env:EMPTY, c: file:none, d: "env:NO PE", e: env:LINES, f: * }
     |                   ^^^^^^^^
c.yaml:3:32: observability.tracing.headers.b: the environment variable EMPTY is empty
   3 |     headers: { a: env:NOPE, b: env:EMPTY, c: file:none, d: "env:NO PE", e: env:LINES, f: * }
     |                                ^^^^^^^^^
c.yaml:3:46: observability.tracing.headers.c: the file <dir>/none does not exist
   3 |     headers: { a: env:NOPE, b: env:EMPTY, c: file:none, d: "env:NO PE", e: env:LINES, f: * }
     |                                              ^^^^^^^^^
c.yaml:3:60: observability.tracing.headers.d: what follows env: is not the name of an environment variable
   3 |     headers: { a: env:NOPE, b: env:EMPTY, c: file:none, d: "env:NO PE", e: env:LINES, f: * }
     |                                                            ^^^^^^^^^^^
c.yaml:3:76: observability.tracing.headers.e: holds characters that a header field cannot carry, such as a line end
   3 |     headers: { a: env:NOPE, b: env:EMPTY, c: file:none, d: "env:NO PE", e: env:LINES, f: * }
     |                                                                            ^^^^^^^^^
c.yaml:3:90: observability.tracing.headers.f: expected a text, found a number
   3 |     headers: { a: env:NOPE, b: env:EMPTY, c: file:none, d: "env:NO PE", e: env:LINES, f: * }
     |                                                                                          ^
c.yaml:5:37: policies[0].headers.request.set.x: the environment variable GONE is not set
   5 |   - headers: { request: { set: { x: env:GONE } } }
     |                                     ^^^^^^^^
`,
    },
    {
      title: 'tell fields that are never logged',
      files: {
        'c.yaml': `observability: { accessLog: { headers: [x-a, Authorization], fields: [tme] } }
`,
      },
      errors: `c.yaml:1:46: observability.accessLog.headers[1]: "Authorization" carries secrets and is never logged
   1 | observability: { accessLog: { headers: [x-a, Authorization], fields: [tme] } }
     |                                              ^^^^^^^^^^^^^
c.yaml:1:71: observability.accessLog.fields[0]: is not one of time, id, client, consumer, protocol, scheme, method, host, path, query, status, code, route, service, target, durationMs, upstreamMs, requestBytes, responseBytes, attempts, userAgent, referer, traceId, error, listener, worker; did you mean "time"?
   1 | observability: { accessLog: { headers: [x-a, Authorization], fields: [tme] } }
     |                                                                       ^^^
`,
    },
    {
      title: 'tell routes that tie and routes that can never match',
      files: {
        'c.yaml': `routes:
  a: { match: { paths: [/x] }, respond: {} }
  b: { match: { paths: [/x] }, respond: {} }
`,
      },
      errors: `c.yaml:3:8: routes.b.match: ties with a: both match, and nothing says which goes first. Give one of them a priority
   3 |   b: { match: { paths: [/x] }, respond: {} }
     |        ^^^^^
     = routes.a is in line 2
     = a request that shows it: GET https://example.com/x
`,
    },
    {
      title: 'warn of a route that can never match',
      files: {
        'c.yaml': `routes:
  high: { match: { paths: [/*] }, priority: 1, respond: {} }
  low: { match: { paths: [/x] }, respond: {} }
`,
      },
      errors: `c.yaml:3:10: warning: routes.low.match: can never match: high takes every request that it could, by the rule of priority
   3 |   low: { match: { paths: [/x] }, respond: {} }
     |          ^^^^^
     = routes.high is in line 2
     = a request that shows it: GET https://example.com/x
`,
    },
  ]);
});
