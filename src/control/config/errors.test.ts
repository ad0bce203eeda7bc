import { describe } from 'node:test';
import { builtinPolicies } from '../../policies/registry.ts';
import { checkErrors } from './errors.support.ts';

describe('Errors of a configuration in YAML', () => {
  checkErrors([
    {
      title: 'tell an unknown key and what was meant',
      files: {
        'c.yaml': `listeners:
  http: { prot: 8080 }
routes:
  a:
    match: { pahts: [/x] }
    respond: {}
`,
      },
      errors: `c.yaml:2:11: listeners.http.prot: unknown key "prot"; did you mean "port"?
   2 |   http: { prot: 8080 }
     |           ^^^^
c.yaml:5:14: routes.a.match.pahts: unknown key "pahts"; did you mean "paths"?
   5 |     match: { pahts: [/x] }
     |              ^^^^^
`,
    },
    {
      title: 'list the known keys when none is near',
      files: {
        'c.yaml': `runtime: { zzz: 1 }
`,
      },
      errors: `c.yaml:1:12: runtime.zzz: unknown key "zzz"; known here: workers, registryFile, drainDelay, drainTimeout
   1 | runtime: { zzz: 1 }
     |            ^^^
`,
    },
    {
      title: 'tell a misspelt outcome once',
      files: {
        'c.yaml': `services: { users: { url: "http://h:1" } }
routes:
  a: { match: {}, sevice: users }
`,
      },
      errors: `c.yaml:3:19: routes.a.sevice: unknown key "sevice"; did you mean "service"?
   3 |   a: { match: {}, sevice: users }
     |                   ^^^^^^
`,
    },
    {
      title: 'tell a service and a certificate that are not there',
      files: {
        'c.yaml': `listeners:
  tls: { port: 8443, protocol: https, tls: { certificates: [mian] } }
certificates:
  main: { cert: file:none.pem, key: env:NO_KEY }
services:
  users: { url: http://h:1 }
routes:
  a: { match: { paths: [/a] }, service: usrs }
  b: { match: { paths: [/b] }, split: [{ service: users, weight: 1 }, { service: other, weight: 2 }] }
`,
      },
      errors: `c.yaml:2:61: listeners.tls.tls.certificates[0]: there is no certificate "mian"; did you mean "main"?
   2 |   tls: { port: 8443, protocol: https, tls: { certificates: [mian] } }
     |                                                             ^^^^
c.yaml:4:17: certificates.main.cert: the file <dir>/none.pem does not exist
   4 |   main: { cert: file:none.pem, key: env:NO_KEY }
     |                 ^^^^^^^^^^^^^
c.yaml:4:37: certificates.main.key: the environment variable NO_KEY is not set
   4 |   main: { cert: file:none.pem, key: env:NO_KEY }
     |                                     ^^^^^^^^^^
c.yaml:8:41: routes.a.service: there is no service "usrs"; did you mean "users"?
   8 |   a: { match: { paths: [/a] }, service: usrs }
     |                                         ^^^^
c.yaml:9:82: routes.b.split[1].service: there is no service "other"; there are: users
   9 |   b: { match: { paths: [/b] }, split: [{ service: users, weight: 1 }, { service: other, weight: 2 }] }
     |                                                                                  ^^^^^
`,
    },
    {
      title: 'tell a value that is none of a few',
      files: {
        'c.yaml': `services:
  a: { url: http://h:1, host: preserv }
listeners:
  http: { port: 80, protocol: htps }
routes:
  r: { match: {}, redirect: { status: 300 } }
`,
      },
      errors: `c.yaml:4:31: listeners.http.protocol: is not http or https; did you mean "https"?
   4 |   http: { port: 80, protocol: htps }
     |                               ^^^^
c.yaml:6:39: routes.r.redirect.status: is not one of 301, 302, 303, 307, 308
   6 |   r: { match: {}, redirect: { status: 300 } }
     |                                       ^^^
`,
    },
    {
      title: 'tell values of another type',
      files: {
        'c.yaml': `listeners:
  http: { port: "8080" }
runtime:
  workers: 1.5
  drainTimeout: 30
admin:
  enabled: 1
routes:
  - a
services:
`,
      },
      errors: `c.yaml:2:17: listeners.http.port: expected a number, found a text; write it without quotes
   2 |   http: { port: "8080" }
     |                 ^^^^^^
c.yaml:4:12: runtime.workers: is not a whole number
   4 |   workers: 1.5
     |            ^^^
c.yaml:5:17: runtime.drainTimeout: is not a duration: write a number and a unit, such as 250ms, 30s, 5m or 1h
   5 |   drainTimeout: 30
     |                 ^^
c.yaml:7:12: admin.enabled: expected true or false, found a number
   7 |   enabled: 1
     |            ^
c.yaml:8:1: routes: expected a map, found a list
   8 | routes:
     | ^^^^^^
c.yaml:10:1: services: is empty: expected a map
  10 | services:
     | ^^^^^^^^
`,
    },
    {
      title: 'tell values beyond their bounds',
      files: {
        'c.yaml': `listeners:
  http: { port: 70000, limits: { fields: 0 } }
routes:
  a: { match: { paths: [] }, respond: { status: 99 } }
`,
      },
      errors: `c.yaml:2:17: listeners.http.port: is too large: at most 65535
   2 |   http: { port: 70000, limits: { fields: 0 } }
     |                 ^^^^^
c.yaml:2:42: listeners.http.limits.fields: is too small: at least 1
   2 |   http: { port: 70000, limits: { fields: 0 } }
     |                                          ^
c.yaml:4:17: routes.a.match.paths: must not be empty
   4 |   a: { match: { paths: [] }, respond: { status: 99 } }
     |                 ^^^^^
c.yaml:4:49: routes.a.respond.status: is too small: at least 200
   4 |   a: { match: { paths: [] }, respond: { status: 99 } }
     |                                                 ^^
`,
    },
    {
      title: 'tell durations, sizes, hosts and paths that are none',
      files: {
        'c.yaml': `listeners:
  http: { port: 80, timeouts: { head: 5 sec }, limits: { head: 1k } }
routes:
  a: { match: { hosts: [Example.com], paths: [x] }, respond: {}, timeout: 5 }
`,
      },
      errors: `c.yaml:2:39: listeners.http.timeouts.head: is not a duration: write a number and a unit, such as 250ms, 30s, 5m or 1h
   2 |   http: { port: 80, timeouts: { head: 5 sec }, limits: { head: 1k } }
     |                                       ^^^^^
c.yaml:2:64: listeners.http.limits.head: is not a size: write a whole number and a unit, such as 512b, 64kb or 1mb
   2 |   http: { port: 80, timeouts: { head: 5 sec }, limits: { head: 1k } }
     |                                                                ^^
c.yaml:4:25: routes.a.match.hosts[0]: is not a host: write api.example.com or *.example.com, in small letters and without a port
   4 |   a: { match: { hosts: [Example.com], paths: [x] }, respond: {}, timeout: 5 }
     |                         ^^^^^^^^^^^
c.yaml:4:47: routes.a.match.paths[0]: is not a path: it begins with / and has no query
   4 |   a: { match: { hosts: [Example.com], paths: [x] }, respond: {}, timeout: 5 }
     |                                               ^
c.yaml:4:75: routes.a.timeout: is not a duration: write a number and a unit, such as 250ms, 30s, 5m or 1h
   4 |   a: { match: { hosts: [Example.com], paths: [x] }, respond: {}, timeout: 5 }
     |                                                                           ^
`,
    },
    {
      title: 'tell a name that is none',
      files: {
        'c.yaml': `services:
  a b: { url: "http://h:1" }
  404: { url: "http://h:2" }
`,
      },
      errors: `c.yaml:2:3: services["a b"]: is not a name: write up to 100 letters, digits, ".", "_" and "-", not digits alone
   2 |   a b: { url: "http://h:1" }
     |   ^^^
c.yaml:3:3: services.404: is not a name: write up to 100 letters, digits, ".", "_" and "-", not digits alone
   3 |   404: { url: "http://h:2" }
     |   ^^^
`,
    },
    {
      title: 'tell which branch of an alternative is wrong',
      files: {
        'c.yaml': `routes:
  a: { match: { headers: { x: { presen: true }, y: 5, z: {} } }, respond: {} }
`,
      },
      errors: `c.yaml:2:33: routes.a.match.headers.x.presen: unknown key "presen"; did you mean "present"?
   2 |   a: { match: { headers: { x: { presen: true }, y: 5, z: {} } }, respond: {} }
     |                                 ^^^^^^
c.yaml:2:52: routes.a.match.headers.y: expected a text or a map, found a number
   2 |   a: { match: { headers: { x: { presen: true }, y: 5, z: {} } }, respond: {} }
     |                                                    ^
c.yaml:2:55: routes.a.match.headers.z.present: is missing: expected true or false
   2 |   a: { match: { headers: { x: { presen: true }, y: 5, z: {} } }, respond: {} }
     |                                                       ^
`,
    },
    {
      title: 'tell a route without and with two outcomes',
      files: {
        'c.yaml': `services: { s: { url: "http://h:1" } }
routes:
  none: { match: { paths: [/a] } }
  two:
    match: { paths: [/b] }
    service: s
    redirect: { path: /c }
`,
      },
      errors: `c.yaml:3:3: routes.none: needs one of service, split, respond, redirect, login
   3 |   none: { match: { paths: [/a] } }
     |   ^^^^
c.yaml:7:5: routes.two.redirect: the route has service already: one of service, split, respond, redirect, login is allowed
   7 |     redirect: { path: /c }
     |     ^^^^^^^^
`,
    },
    {
      title: 'tell a service without and with two addresses, and a bad one',
      files: {
        'c.yaml': `services:
  none: {}
  two: { url: http://h:1, targets: [{ url: http://h:2 }] }
  port: { url: http://h:99999 }
  path: { targets: [{ url: http://h:1/x }] }
`,
      },
      errors: `c.yaml:2:3: services.none: needs one of url, targets and discovery
   2 |   none: {}
     |   ^^^^
c.yaml:3:27: services.two.targets: has both url and targets: write the url as one of the targets
   3 |   two: { url: http://h:1, targets: [{ url: http://h:2 }] }
     |                           ^^^^^^^
c.yaml:4:16: services.port.url: is not a valid address: look at the host and the port
   4 |   port: { url: http://h:99999 }
     |                ^^^^^^^^^^^^^^
c.yaml:5:28: services.path.targets[0].url: is not the address of a service: write http://host:port or https://host:port, without a path
   5 |   path: { targets: [{ url: http://h:1/x }] }
     |                            ^^^^^^^^^^^^
`,
    },
    {
      title: 'tell retries that cannot be',
      files: {
        'c.yaml': `services:
  a: { url: http://h:1, retry: { attempts: 1, on: [conect, 200], methods: some } }
  b: { url: http://h:1, retry: { perTry: 2, backOff: { base: 1s }, bodyLimit: 1 } }
  c: { url: http://h:1, retry: { perTry: 2s, backOff: { max: 10ms } }, hedge: {} }
  d: { url: http://h:1, retry: { on: [], methods: ["GET "] }, hedge: { after: 0s } }
routes:
  r: { match: {}, service: a }
`,
      },
      errors: `c.yaml:2:44: services.a.retry.attempts: is too small: at least 2
   2 |   a: { url: http://h:1, retry: { attempts: 1, on: [conect, 200], methods: some } }
     |                                            ^
c.yaml:2:52: services.a.retry.on[0]: is not one of connect, reset, timeout, gateway-error, 5xx; did you mean "connect"?
   2 |   a: { url: http://h:1, retry: { attempts: 1, on: [conect, 200], methods: some } }
     |                                                    ^^^^^^
c.yaml:2:60: services.a.retry.on[1]: is too small: at least 400
   2 |   a: { url: http://h:1, retry: { attempts: 1, on: [conect, 200], methods: some } }
     |                                                            ^^^
c.yaml:2:75: services.a.retry.methods: is not idempotent or all
   2 |   a: { url: http://h:1, retry: { attempts: 1, on: [conect, 200], methods: some } }
     |                                                                           ^^^^
c.yaml:3:42: services.b.retry.perTry: is not a duration: write a number and a unit, such as 250ms, 30s, 5m or 1h
   3 |   b: { url: http://h:1, retry: { perTry: 2, backOff: { base: 1s }, bodyLimit: 1 } }
     |                                          ^
c.yaml:3:62: services.b.retry.backOff.base: the wait would begin with up to 1s and end with up to 250ms: base is at most max
   3 |   b: { url: http://h:1, retry: { perTry: 2, backOff: { base: 1s }, bodyLimit: 1 } }
     |                                                              ^^
c.yaml:3:79: services.b.retry.bodyLimit: is not a size: write a whole number and a unit, such as 512b, 64kb or 1mb
   3 |   b: { url: http://h:1, retry: { perTry: 2, backOff: { base: 1s }, bodyLimit: 1 } }
     |                                                                               ^
c.yaml:4:34: services.c.retry.perTry: ends an attempt that nothing follows: write timeout in \`on\` too
   4 |   c: { url: http://h:1, retry: { perTry: 2s, backOff: { max: 10ms } }, hedge: {} }
     |                                  ^^^^^^
c.yaml:4:62: services.c.retry.backOff.max: the wait would begin with up to 25ms and end with up to 10ms: base is at most max
   4 |   c: { url: http://h:1, retry: { perTry: 2s, backOff: { max: 10ms } }, hedge: {} }
     |                                                              ^^^^
c.yaml:4:72: services.c.hedge.after: is missing: expected a text
   4 |   c: { url: http://h:1, retry: { perTry: 2s, backOff: { max: 10ms } }, hedge: {} }
     |                                                                        ^^^^^
c.yaml:5:34: services.d.retry.on: must not be empty
   5 |   d: { url: http://h:1, retry: { on: [], methods: ["GET "] }, hedge: { after: 0s } }
     |                                  ^^
c.yaml:5:52: services.d.retry.methods[0]: is not a method
   5 |   d: { url: http://h:1, retry: { on: [], methods: ["GET "] }, hedge: { after: 0s } }
     |                                                    ^^^^^^
c.yaml:5:79: services.d.hedge.after: must be longer than 0s: leave hedge out to have none
   5 |   d: { url: http://h:1, retry: { on: [], methods: ["GET "] }, hedge: { after: 0s } }
     |                                                                               ^^
`,
    },
    {
      title: 'tell weights that add up to nothing',
      files: {
        'c.yaml': `services:
  a: { targets: [{ url: http://h:1, weight: 0 }] }
routes:
  r: { match: {}, split: [{ service: a, weight: 0 }] }
`,
      },
      errors: `c.yaml:2:8: services.a.targets: every target has weight 0: no request could be sent
   2 |   a: { targets: [{ url: http://h:1, weight: 0 }] }
     |        ^^^^^^^
c.yaml:4:19: routes.r.split: no service has a weight above 0
   4 |   r: { match: {}, split: [{ service: a, weight: 0 }] }
     |                   ^^^^^
`,
    },
    {
      title: 'tell what cannot go with a split or a mirror',
      files: {
        'c.yaml': `services:
  a: { url: http://h:1 }
  b: { url: http://h:2 }
routes:
  by: { match: { paths: [/1] }, service: a, splitBy: { address: true } }
  none: { match: { paths: [/2] }, split: [{ service: a, weight: 1 }], splitBy: {} }
  two: { match: { paths: [/3] }, split: [{ service: a, weight: 1 }], splitBy: { header: x-a, address: true } }
  no: { match: { paths: [/4] }, split: [{ service: a, weight: 1 }], splitBy: { address: false } }
  name: { match: { paths: [/5] }, split: [{ service: a, weight: 1 }], splitBy: { cookie: { name: a b, maxAge: 30 } } }
  which: { match: { paths: [/6] }, split: [{ service: a, weight: 1 }], splitOverride: { header: X-A } }
  other: { match: { paths: [/7] }, split: [{ service: a, weight: 1 }], splitOverride: { cookie: c, values: { x: b } } }
  lost: { match: { paths: [/8] }, service: a, mirror: { service: c } }
  share: { match: { paths: [/9] }, service: a, mirror: { service: b, percent: 101 } }
  bounds: { match: { paths: [/10] }, service: a, mirror: { service: b, percent: -1, concurrency: 0, buffer: 1gb } }
  word: { match: { paths: [/11] }, service: a, mirror: { servise: b } }
  idle: { match: { paths: [/12] }, respond: {}, mirror: { service: b } }
`,
      },
      errors: `c.yaml:5:45: routes.by.splitBy: is for a route with split
   5 |   by: { match: { paths: [/1] }, service: a, splitBy: { address: true } }
     |                                             ^^^^^^^
c.yaml:6:71: routes.none.splitBy: needs one of cookie, header, address
   6 |   none: { match: { paths: [/2] }, split: [{ service: a, weight: 1 }], splitBy: {} }
     |                                                                       ^^^^^^^
c.yaml:7:103: routes.two.splitBy.address: is one too many: it has header already
   7 |   two: { match: { paths: [/3] }, split: [{ service: a, weight: 1 }], splitBy: { header: x-a, address: true } }
     |                                                                                                       ^^^^
c.yaml:8:89: routes.no.splitBy.address: is not true
   8 |   no: { match: { paths: [/4] }, split: [{ service: a, weight: 1 }], splitBy: { address: false } }
     |                                                                                         ^^^^^
c.yaml:9:98: routes.name.splitBy.cookie.name: is not the name of a cookie
   9 |   name: { match: { paths: [/5] }, split: [{ service: a, weight: 1 }], splitBy: { cookie: { name: a b, maxAge: 30 } } }
     |                                                                                                  ^^^
c.yaml:9:111: routes.name.splitBy.cookie.maxAge: is not a duration: write a number and a unit, such as 250ms, 30s, 5m or 1h
   9 |   name: { match: { paths: [/5] }, split: [{ service: a, weight: 1 }], splitBy: { cookie: { name: a b, maxAge: 30 } } }
     |                                                                                                               ^^
c.yaml:10:97: routes.which.splitOverride.header: is not a field name in small letters
  10 |   which: { match: { paths: [/6] }, split: [{ service: a, weight: 1 }], splitOverride: { header: X-A } }
     |                                                                                                 ^^^
c.yaml:11:113: routes.other.splitOverride.values.x: there is no service of the split "b"; did you mean "a"?
  11 |   other: { match: { paths: [/7] }, split: [{ service: a, weight: 1 }], splitOverride: { cookie: c, values: { x: b } } }
     |                                                                                                                 ^
c.yaml:12:66: routes.lost.mirror.service: there is no service "c"; did you mean "a"?
  12 |   lost: { match: { paths: [/8] }, service: a, mirror: { service: c } }
     |                                                                  ^
c.yaml:13:79: routes.share.mirror.percent: is too large: at most 100
  13 |   share: { match: { paths: [/9] }, service: a, mirror: { service: b, percent: 101 } }
     |                                                                               ^^^
c.yaml:14:81: routes.bounds.mirror.percent: is too small: at least 0
  14 |   bounds: { match: { paths: [/10] }, service: a, mirror: { service: b, percent: -1, concurrency: 0, buffer: 1gb } }
     |                                                                                 ^^
c.yaml:14:98: routes.bounds.mirror.concurrency: is too small: at least 1
  14 |   bounds: { match: { paths: [/10] }, service: a, mirror: { service: b, percent: -1, concurrency: 0, buffer: 1gb } }
     |                                                                                                  ^
c.yaml:14:109: routes.bounds.mirror.buffer: is not between 1kb and 16mb
  14 |   bounds: { match: { paths: [/10] }, service: a, mirror: { service: b, percent: -1, concurrency: 0, buffer: 1gb } }
     |                                                                                                             ^^^
c.yaml:15:58: routes.word.mirror.servise: unknown key "servise"; did you mean "service"?
  15 |   word: { match: { paths: [/11] }, service: a, mirror: { servise: b } }
     |                                                          ^^^^^^^
c.yaml:16:49: routes.idle.mirror: is for a route with service or split: nothing is sent that could be copied
  16 |   idle: { match: { paths: [/12] }, respond: {}, mirror: { service: b } }
     |                                                 ^^^^^^
`,
    },
    {
      title: 'tell listeners that cannot be',
      files: {
        'c.yaml': `listeners:
  one: { port: 80 }
  two: { port: 80 }
  bare: { port: 81, protocol: https }
  odd: { port: 82, tls: { certificates: [x] } }
  trusting: { port: 9900, forwarding: { trust: [10.0.0.0/8, 10.0.0.0/33, nonsense] } }
`,
      },
      errors: `c.yaml:3:16: listeners.two.port: the listener one has the address 0.0.0.0 and port 80 already
   3 |   two: { port: 80 }
     |                ^^
c.yaml:4:3: listeners.bare.tls: is missing: a listener with protocol https needs tls.certificates
   4 |   bare: { port: 81, protocol: https }
     |   ^^^^
c.yaml:5:20: listeners.odd.tls: is for protocol https only; this listener would speak plain HTTP
   5 |   odd: { port: 82, tls: { certificates: [x] } }
     |                    ^^^
c.yaml:5:42: listeners.odd.tls.certificates[0]: there is no certificate "x"
   5 |   odd: { port: 82, tls: { certificates: [x] } }
     |                                          ^
c.yaml:6:21: listeners.trusting.port: the admin port and the listener trusting both take port 9900
   6 |   trusting: { port: 9900, forwarding: { trust: [10.0.0.0/8, 10.0.0.0/33, nonsense] } }
     |                     ^^^^
c.yaml:6:61: listeners.trusting.forwarding.trust[1]: is not an address or a range: the prefix length must be a whole number from 0 to 32
   6 |   trusting: { port: 9900, forwarding: { trust: [10.0.0.0/8, 10.0.0.0/33, nonsense] } }
     |                                                             ^^^^^^^^^^^
c.yaml:6:74: listeners.trusting.forwarding.trust[2]: is not an address or a range: "nonsense" is not an IPv4 or IPv6 address
   6 |   trusting: { port: 9900, forwarding: { trust: [10.0.0.0/8, 10.0.0.0/33, nonsense] } }
     |                                                                          ^^^^^^^^
`,
    },
    {
      title: 'tell that there is no listener at all',
      files: {
        'c.yaml': `listeners: {}
`,
      },
      errors: `c.yaml:1:1: listeners: must have at least one listener
   1 | listeners: {}
     | ^^^^^^^^^
`,
    },
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

describe('Errors of a configuration in JSON', () => {
  checkErrors([
    {
      title: 'tell line and column too',
      files: {
        'c.json': `{
  "listeners": { "http": { "port": "80" } },
  "routes": {
    "a": { "match": { "paths": ["x", "/y"] }, "sevice": "b" }
  }
}
`,
      },
      errors: `c.json:2:36: listeners.http.port: expected a number, found a text; write it without quotes
   2 |   "listeners": { "http": { "port": "80" } },
     |                                    ^^^^
c.json:4:33: routes.a.match.paths[0]: is not a path: it begins with / and has no query
   4 |     "a": { "match": { "paths": ["x", "/y"] }, "sevice": "b" }
     |                                 ^^^
c.json:4:47: routes.a.sevice: unknown key "sevice"; did you mean "service"?
   4 |     "a": { "match": { "paths": ["x", "/y"] }, "sevice": "b" }
     |                                               ^^^^^^^^
`,
    },
    {
      title: 'tell a syntax error',
      files: {
        'c.json': `{
  "admin": {},
  "routes": {},
}
`,
      },
      errors: `c.json:3:15: no comma before }
   3 |   "routes": {},
     |               ^
`,
    },
    {
      title: 'tell a missing comma',
      files: {
        'c.json': `{
  "admin": {}
  "routes": {}
}
`,
      },
      errors: `c.json:3:3: expected , or }
   3 |   "routes": {}
     |   ^
`,
    },
    {
      title: 'tell a comment',
      files: {
        'c.json': `{
  // no
  "admin": {}
}
`,
      },
      errors: `c.json:2:3: JSON has no comments
   2 |   // no
     |   ^
`,
    },
    {
      title: 'tell an end that comes too early',
      files: { 'c.json': `{ "admin": {` },
      errors: `c.json:1:13: the file ends too early: } is missing
   1 | { "admin": {
     |             ^
`,
    },
    {
      title: 'tell single quotes',
      files: { 'c.json': `{ 'admin': {} }` },
      errors: `c.json:1:3: expected a key in double quotes
   1 | { 'admin': {} }
     |   ^
`,
    },
    {
      title: 'tell a repeated key',
      files: {
        'c.json': `{
  "admin": {},
  "adm\\u0069n": {}
}
`,
      },
      errors: `c.json:3:3: the key "admin" is there twice
   3 |   "adm\\u0069n": {}
     |   ^
`,
    },
    {
      title: 'keep __proto__ out',
      files: {
        'c.json': `{ "routes": { "__proto__": {} } }
`,
      },
      errors: `c.json:1:15: this name is not allowed
   1 | { "routes": { "__proto__": {} } }
     |               ^
`,
    },
    {
      title: 'tell what is nested too deep',
      files: {
        'c.json': `[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]`,
      },
      errors: `c.json:1:65: is nested deeper than 64 levels
   1 | [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
     |                                         ^
`,
    },
    {
      title: 'tell an empty file',
      files: { 'c.json': `` },
      errors: `c.json:1:1: the file ends too early: a value is missing
   1 |
     | ^
`,
    },
    {
      title: 'cut a long line around the fault',
      files: {
        'c.json': `{"services":{"a":{"url":"http://a.example.com:80"},"b":{"url":"http://b.example.com:80"},"c":{"url":"http://c.example.com:80"},"d":{"url":"http://d.example.com:80","hots":1},"e":{"url":"http://e.example.com:80"},"f":{"url":"http://f.example.com:80"}}}`,
      },
      errors: `c.json:1:165: services.d.hots: unknown key "hots"; did you mean "host"?
   1 | "},"d":{"url":"http://d.example.com:80","hots":1},"e":{"url":"http://e.example.com:80"},"f":{"url":"http://f.example.com
     |                                         ^^^^^^
`,
    },
  ]);
});

describe('Errors of a configuration in TypeScript', () => {
  checkErrors([
    {
      title: 'point through defineConfig, constants, spreads and imports',
      files: {
        'c.ts': `import { defineConfig } from 'portcullis';
import { routes } from './routes.ts';
const port: number = 70_000;
const base = { url: 'http://h:1' };
const services = { users: { ...base, hots: 'x' } };

export default defineConfig({
  listeners: { http: { port } },
  services,
  routes: { ...routes, local: { match: {}, service: services.users ? 'usrs' : '' } },
  'admin': { prot: 1 } as object,
});
`,
        'routes.ts': `export type Name = string;
export const routes = {
  users: { match: { paths: ['/users/*', 'bad'] }, service: 'user' as Name },
};
`,
      },
      errors: `c.ts:5:38: services.users.hots: unknown key "hots"; did you mean "host"?
   5 | const services = { users: { ...base, hots: 'x' } };
     |                                      ^^^^
c.ts:8:24: listeners.http.port: is too large: at most 65535
   8 |   listeners: { http: { port } },
     |                        ^^^^
c.ts:10:53: routes.local.service: there is no service "usrs"; did you mean "users"?
  10 |   routes: { ...routes, local: { match: {}, service: services.users ? 'usrs' : '' } },
     |                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
c.ts:11:14: admin.prot: unknown key "prot"; did you mean "port"?
  11 |   'admin': { prot: 1 } as object,
     |              ^^^^
routes.ts:3:41: routes.users.match.paths[1]: is not a path: it begins with / and has no query
   3 |   users: { match: { paths: ['/users/*', 'bad'] }, service: 'user' as Name },
     |                                         ^^^^^
routes.ts:3:60: routes.users.service: there is no service "user"; did you mean "users"?
   3 |   users: { match: { paths: ['/users/*', 'bad'] }, service: 'user' as Name },
     |                                                            ^^^^^^
`,
    },
    {
      title: 'take `export const config` as well',
      files: {
        'c.mjs': `export const config = { admin: { port: 'x' } };
`,
      },
      errors: `c.mjs:1:40: admin.port: expected a number, found a text
   1 | export const config = { admin: { port: 'x' } };
     |                                        ^^^
`,
    },
    {
      title: 'stand for what is computed at the nearest expression',
      files: {
        'c.js': `const routes = Object.fromEntries(['a', 'b'].map((name) => [name, { match: {}, respond: { status: 1 } }]));
export default { routes };
`,
      },
      errors: `c.js:2:18: routes.a.respond.status: is too small: at least 200
   2 | export default { routes };
     |                  ^^^^^^
c.js:2:18: routes.b.respond.status: is too small: at least 200
   2 | export default { routes };
     |                  ^^^^^^
`,
    },
    {
      title: 'tell what is no plain data',
      files: {
        'c.mts': `export default {
  routes: new Map(),
  services: { a: { url: () => 1 } },
  admin: Promise.resolve({}),
};
`,
      },
      errors: `c.mts:2:11: routes: is a Map: a configuration holds plain data only
   2 |   routes: new Map(),
     |           ^^^^^^^^^
c.mts:3:25: services.a.url: is a function: a configuration holds plain data only
   3 |   services: { a: { url: () => 1 } },
     |                         ^^^^^^^
c.mts:4:10: admin: is a promise: a configuration holds plain data only
   4 |   admin: Promise.resolve({}),
     |          ^^^^^^^^^^^^^^^^^^^
`,
    },
    {
      title: 'tell what holds itself',
      files: {
        'c.mjs': `const a = {};
a.a = a;
export default a;
`,
      },
      errors: `c.mjs:3:16: a.a.a.a.a.a.a.a: is nested deeper than 64 levels, or holds itself
   3 | export default a;
     |                ^
`,
    },
    {
      title: 'tell a syntax error',
      files: {
        'c.ts': `const a = 1;
export default { a b };
`,
      },
      errors: `c.ts:2:20: Unexpected token \`ident\`. Expected ... , *,  (, [, :, , ?, =, an identifier, public, protected, private, readonly, <.
   2 | export default { a b };
     |                    ^
`,
    },
    {
      title: 'tell a syntax error in JavaScript',
      files: {
        'c.mjs': `const a = 1;
export default { a b };
`,
      },
      errors: `c.mjs:2:20: Unexpected identifier 'b'
   2 | export default { a b };
     |                    ^
`,
    },
    {
      title: 'tell a syntax error in a file that it imports',
      files: {
        'c.ts': `import x from './x.ts';
export default x;
`,
        'x.ts': `export default {
`,
      },
      errors: `x.ts:1:1: Unexpected token \`<eof>\`. Expected identifier, string literal, numeric literal or [ for the computed key
   1 | export default {
     | ^
`,
    },
    {
      title: 'tell TypeScript that needs a build',
      files: {
        'c.ts': `enum A { B }
export default {};
`,
      },
      errors: `c.ts:1:1: TypeScript enum is not supported in strip-only mode
   1 | enum A { B }
     | ^
`,
    },
    {
      title: 'tell an error that is thrown',
      files: {
        'c.ts': `function fail(): never {
  throw new Error('no way');
}
export default fail();
`,
      },
      errors: `c.ts:2:9: no way
   2 |   throw new Error('no way');
     |         ^
`,
    },
    {
      title: 'tell an import that is not there',
      files: {
        'c.ts': `import x from './gone.ts';
export default x;
`,
      },
      errors: `c.ts:1:18: Cannot find module '<dir>/gone.ts' imported from <dir>/c.ts
   1 | import x from './gone.ts';
     |                  ^
`,
    },
    {
      title: 'tell a missing export',
      files: {
        'c.ts': `export const cofnig = {};
`,
      },
      errors: `c.ts:1:1: exports no configuration: write export default defineConfig({ ... })
   1 | export const cofnig = {};
     | ^
`,
    },
    {
      title: 'tell a module that ends the process',
      files: {
        'c.ts': `process.exit(3);
`,
      },
      errors: `c.ts:1:1: ended before it exported a configuration: by process.exit, or by waiting for what never comes
   1 | process.exit(3);
     | ^
`,
    },
    {
      title: 'tell a module that waits for ever',
      files: {
        'c.ts': `await new Promise(() => {});
export default {};
`,
      },
      errors: `c.ts:1:1: ended before it exported a configuration: by process.exit, or by waiting for what never comes
   1 | await new Promise(() => {});
     | ^
`,
    },
  ]);
});

describe('Errors of the file itself', () => {
  checkErrors([
    {
      title: 'tell that its kind is not known',
      files: {
        'c.toml': `a = 1
`,
      },
      errors: `c.toml:1:1: a configuration ends in .yaml, .yml, .json, .ts, .mts, .js or .mjs
`,
    },
    {
      title: 'tell that it is not UTF-8',
      files: { 'c.yaml': Buffer.from([0xff]) },
      errors: `c.yaml:1:1: the configuration is not UTF-8 text
`,
    },
  ]);
});
