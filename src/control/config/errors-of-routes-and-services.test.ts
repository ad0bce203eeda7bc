import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

describe('Errors of routes, services and listeners', () => {
  checkErrors([
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
c.yaml:4:3: warning: listeners.bare: has no certificate: until there is one in \`certificates\`, every handshake is refused
   4 |   bare: { port: 81, protocol: https }
     |   ^^^^
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
  ]);
});
