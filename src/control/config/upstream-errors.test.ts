import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

describe('Errors of the services of a configuration', () => {
  checkErrors([
    {
      title: 'tell where a service runs when that is said not at all, or more than once',
      files: {
        'c.yaml': `services:
  none: { limits: {} }
  url: { url: "http://a:1", discovery: { registry: {} } }
  targets: { targets: [{ url: "http://a:1" }], discovery: { registry: {} } }
  all: { url: "http://a:1", targets: [{ url: "http://a:1" }], discovery: { registry: {} } }
`,
      },
      errors: `c.yaml:2:3: services.none: needs one of url, targets and discovery
   2 |   none: { limits: {} }
     |   ^^^^
c.yaml:3:29: services.url.discovery: has both url and discovery: where the service runs is said once
   3 |   url: { url: "http://a:1", discovery: { registry: {} } }
     |                             ^^^^^^^^^
c.yaml:4:48: services.targets.discovery: has both targets and discovery: where the service runs is said once
   4 |   targets: { targets: [{ url: "http://a:1" }], discovery: { registry: {} } }
     |                                                ^^^^^^^^^
c.yaml:5:29: services.all.targets: has both url and targets: write the url as one of the targets
   5 |   all: { url: "http://a:1", targets: [{ url: "http://a:1" }], discovery: { registry: {} } }
     |                             ^^^^^^^
c.yaml:5:63: services.all.discovery: has both url and discovery: where the service runs is said once
   5 |   all: { url: "http://a:1", targets: [{ url: "http://a:1" }], discovery: { registry: {} } }
     |                                                               ^^^^^^^^^
`,
    },
    {
      title: 'tell a target that is there twice, however it is written',
      files: {
        'c.yaml': `services:
  orders: { targets: [{ url: "http://a", weight: 3 }, { url: "https://a" }, { url: "http://A:80/" }] }
`,
      },
      errors: `c.yaml:2:84: services.orders.targets[2].url: is the same target as targets[0]: write it once, with the weight of both
   2 |   orders: { targets: [{ url: "http://a", weight: 3 }, { url: "https://a" }, { url: "http://A:80/" }] }
     |                                                                                    ^^^^^^^^^^^^^^
`,
    },
    {
      title: 'tell a source of targets that is none, or not the only one',
      files: {
        'c.yaml': `services:
  none: { discovery: {} }
  two: { discovery: { registry: {}, file: { path: a.yaml } } }
  misspelt: { discovery: { consule: { service: a } } }
  noPort: { discovery: { dns: { name: orders.internal } } }
  badName: { discovery: { dns: { name: "orders internal", port: 80 } } }
`,
      },
      errors: `c.yaml:2:11: services.none.discovery: says no source: give one of dns, file, registry, consul, kubernetes
   2 |   none: { discovery: {} }
     |           ^^^^^^^^^
c.yaml:3:23: services.two.discovery.registry: has more than one source, file and registry: give one
   3 |   two: { discovery: { registry: {}, file: { path: a.yaml } } }
     |                       ^^^^^^^^
c.yaml:4:15: services.misspelt.discovery: says no source: give one of dns, file, registry, consul, kubernetes
   4 |   misspelt: { discovery: { consule: { service: a } } }
     |               ^^^^^^^^^
c.yaml:4:28: services.misspelt.discovery.consule: unknown key "consule"; did you mean "consul"?
   4 |   misspelt: { discovery: { consule: { service: a } } }
     |                            ^^^^^^^
c.yaml:5:26: services.noPort.discovery.dns.port: is missing: A and AAAA records bring no port
   5 |   noPort: { discovery: { dns: { name: orders.internal } } }
     |                          ^^^
c.yaml:6:40: services.badName.discovery.dns.name: is not a name that DNS knows: write orders.internal, or _http._tcp.orders.internal for SRV
   6 |   badName: { discovery: { dns: { name: "orders internal", port: 80 } } }
     |                                        ^^^^^^^^^^^^^^^^^
`,
    },
    {
      title: 'tell weights that add up to nothing',
      files: {
        'c.yaml': `services:
  a: { targets: [{ url: "http://a:1", weight: 0 }, { url: "http://b:1", weight: 0 }] }
`,
      },
      errors: `c.yaml:2:8: services.a.targets: every target has weight 0: no request could be sent
   2 |   a: { targets: [{ url: "http://a:1", weight: 0 }, { url: "http://b:1", weight: 0 }] }
     |        ^^^^^^^
`,
    },
    {
      title: 'tell an algorithm that is none, and a key that is missing or of no use',
      files: {
        'c.yaml': `services:
  a: { url: "http://a:1", balance: { algorithm: least-request } }
  b: { url: "http://a:1", balance: { algorithm: magic } }
  c: { url: "http://a:1", balance: { algorithm: hash } }
  d: { url: "http://a:1", balance: { hash: { header: x-user } } }
  e: { url: "http://a:1", balance: { algorithm: hash, hash: { header: x-user, address: true } } }
`,
      },
      errors: `c.yaml:2:49: services.a.balance.algorithm: is not one of round-robin, random, least-requests, peak-ewma, hash; did you mean "least-requests"?
   2 |   a: { url: "http://a:1", balance: { algorithm: least-request } }
     |                                                 ^^^^^^^^^^^^^
c.yaml:3:49: services.b.balance.algorithm: is not one of round-robin, random, least-requests, peak-ewma, hash
   3 |   b: { url: "http://a:1", balance: { algorithm: magic } }
     |                                                 ^^^^^
c.yaml:4:27: services.c.balance.hash: algorithm hash needs a key: header, cookie, param or address
   4 |   c: { url: "http://a:1", balance: { algorithm: hash } }
     |                           ^^^^^^^
c.yaml:5:38: services.d.balance.hash: has no effect with algorithm round-robin: leave it out, or choose hash
   5 |   d: { url: "http://a:1", balance: { hash: { header: x-user } } }
     |                                      ^^^^
c.yaml:6:55: services.e.balance.hash: takes exactly one of header, cookie, param and address
   6 |   e: { url: "http://a:1", balance: { algorithm: hash, hash: { header: x-user, address: true } } }
     |                                                       ^^^^
`,
    },
    {
      title: 'tell checks that cannot be made',
      files: {
        'c.yaml': `services:
  a: { url: "http://a:1", health: { active: { path: healthz } } }
  b: { url: "http://a:1", health: { active: { type: udp } } }
  c: { url: "http://a:1", health: { active: { interval: 10ms, status: [2yy] } } }
  d: { url: "http://a:1", health: { active: { type: tcp, path: / } } }
`,
      },
      errors: `c.yaml:2:53: services.a.health.active.path: is not a path to ask for: it begins with /, such as /healthz, and has no spaces and no #
   2 |   a: { url: "http://a:1", health: { active: { path: healthz } } }
     |                                                     ^^^^^^^
c.yaml:3:53: services.b.health.active.type: is not http or tcp
   3 |   b: { url: "http://a:1", health: { active: { type: udp } } }
     |                                                     ^^^
c.yaml:4:57: services.c.health.active.interval: is too short: at least 100ms
   4 |   c: { url: "http://a:1", health: { active: { interval: 10ms, status: [2yy] } } }
     |                                                         ^^^^
c.yaml:4:72: services.c.health.active.status[0]: is not a status from 200 to 599, a class or a range: write 200, 2xx or 200-299
   4 |   c: { url: "http://a:1", health: { active: { interval: 10ms, status: [2yy] } } }
     |                                                                        ^^^
c.yaml:5:58: services.d.health.active.path: the key "path" does not go with what else is written here
   5 |   d: { url: "http://a:1", health: { active: { type: tcp, path: / } } }
     |                                                          ^^^^
`,
    },
    {
      title:
        'tell a breaker that would never close, and an outlier detection that would never return a target',
      files: {
        'c.yaml': `services:
  a: { url: "http://a:1", breaker: { openFor: 10s, maxOpenFor: 5s, scope: all } }
  b: { url: "http://a:1", breaker: { errorRatio: 0, slowAfter: 0s } }
  c: { url: "http://a:1", health: { passive: { interval: 0s, baseEjection: 10m } } }
  d: { url: "http://a:1", limits: { requests: -1, adaptive: { min: 20, max: 10 } } }
`,
      },
      errors: `c.yaml:2:75: services.a.breaker.scope: is not one of service, target, both
   2 |   a: { url: "http://a:1", breaker: { openFor: 10s, maxOpenFor: 5s, scope: all } }
     |                                                                           ^^^
c.yaml:3:50: services.b.breaker.errorRatio: is too small: more than 0
   3 |   b: { url: "http://a:1", breaker: { errorRatio: 0, slowAfter: 0s } }
     |                                                  ^
c.yaml:3:64: services.b.breaker.slowAfter: is 0: leave it out where no answer is slow
   3 |   b: { url: "http://a:1", breaker: { errorRatio: 0, slowAfter: 0s } }
     |                                                                ^^
c.yaml:4:37: services.c.health.passive.maxEjection: is below baseEjection; it is 300s where it is not given
   4 |   c: { url: "http://a:1", health: { passive: { interval: 0s, baseEjection: 10m } } }
     |                                     ^^^^^^^
c.yaml:4:58: services.c.health.passive.interval: is 0: nothing would ever return
   4 |   c: { url: "http://a:1", health: { passive: { interval: 0s, baseEjection: 10m } } }
     |                                                          ^^
c.yaml:5:47: services.d.limits.requests: is too small: at least 0
   5 |   d: { url: "http://a:1", limits: { requests: -1, adaptive: { min: 20, max: 10 } } }
     |                                               ^^
c.yaml:5:77: services.d.limits.adaptive.max: is below min
   5 |   d: { url: "http://a:1", limits: { requests: -1, adaptive: { min: 20, max: 10 } } }
     |                                                                             ^^
`,
    },
    {
      title: 'tell a fallback that is not there, is the service itself, or is two things',
      files: {
        'c.yaml': `services:
  orders: { url: "http://a:1", fallback: { service: ordrs } }
  loop: { url: "http://a:1", fallback: { service: loop } }
  both: { url: "http://a:1", fallback: { service: orders, respond: {} } }
  none: { url: "http://a:1", fallback: {} }
  status: { url: "http://a:1", fallback: { respond: { status: 100 } } }
`,
      },
      errors: `c.yaml:2:53: services.orders.fallback.service: there is no service "ordrs"; did you mean "orders"?
   2 |   orders: { url: "http://a:1", fallback: { service: ordrs } }
     |                                                     ^^^^^
c.yaml:3:51: services.loop.fallback.service: is the service itself: name another one
   3 |   loop: { url: "http://a:1", fallback: { service: loop } }
     |                                                   ^^^^
c.yaml:4:30: services.both.fallback: takes exactly one of respond and service
   4 |   both: { url: "http://a:1", fallback: { service: orders, respond: {} } }
     |                              ^^^^^^^^
c.yaml:5:30: services.none.fallback: takes exactly one of respond and service
   5 |   none: { url: "http://a:1", fallback: {} }
     |                              ^^^^^^^^
c.yaml:6:63: services.status.fallback.respond.status: is too small: at least 200
   6 |   status: { url: "http://a:1", fallback: { respond: { status: 100 } } }
     |                                                               ^^^
`,
    },
    {
      title: 'warn of a key that no route to the service captures',
      files: {
        'c.yaml': `services:
  a: { url: "http://a:1", balance: { algorithm: hash, hash: { param: user } } }
  b: { url: "http://a:1", balance: { algorithm: hash, hash: { param: user } } }
  c: { url: "http://a:1", balance: { algorithm: hash, hash: { param: user } } }
  d: { url: "http://a:1", fallback: { service: c } }
routes:
  a: { match: { paths: ["/a/{usr}"] }, service: a }
  b: { match: { paths: ["/b", "/b/{user}"] }, split: [{ service: b, weight: 1 }] }
  c: { match: { paths: ["/c/{user}/*"] }, service: d }
`,
      },
      errors: `c.yaml:2:70: warning: services.a.balance.hash.param: no route to this service captures {user}: its requests go to any target
   2 |   a: { url: "http://a:1", balance: { algorithm: hash, hash: { param: user } } }
     |                                                                      ^^^^
`,
    },
    {
      title: 'tell secrets that lead nowhere, are too short, or cannot be sent, and never show them',
      files: {
        'c.yaml': `services:
  a: { url: "http://a:1", sticky: { cookie: at, secret: "env:NONE" } }
  b: { url: "http://a:1", sticky: { cookie: at, secret: "env:SHORT" } }
  c: { url: "http://a:1", sticky: { cookie: at, secret: hunter2 } }
  d: { discovery: { consul: { service: d, token: "file:none.txt" } } }
  e: { discovery: { kubernetes: { service: e, namespace: e, port: 1, token: "env:LINES", ca: ca.pem } } }
  f: { url: "http://a:1", health: { active: { headers: { authorization: "env:LINES" }, path: x } } }
`,
      },
      errors: `c.yaml:2:57: services.a.sticky.secret: the environment variable NONE is not set
   2 |   a: { url: "http://a:1", sticky: { cookie: at, secret: "env:NONE" } }
     |                                                         ^^^^^^^^^^
c.yaml:3:57: services.b.sticky.secret: is too short to sign with: at least 16 characters
   3 |   b: { url: "http://a:1", sticky: { cookie: at, secret: "env:SHORT" } }
     |                                                         ^^^^^^^^^^^
c.yaml:4:57: services.c.sticky.secret: is too short to sign with: at least 16 characters
   4 |   c: { url: "http://a:1", sticky: { cookie: at, secret: ******* } }
     |                                                         ^^^^^^^
c.yaml:5:50: services.d.discovery.consul.token: the file <dir>/none.txt does not exist
   5 |   d: { discovery: { consul: { service: d, token: "file:none.txt" } } }
     |                                                  ^^^^^^^^^^^^^^^
c.yaml:6:77: services.e.discovery.kubernetes.token: holds characters that a header field cannot carry, such as a line end
   6 |   e: { discovery: { kubernetes: { service: e, namespace: e, port: 1, token: "env:LINES", ca: ca.pem } } }
     |                                                                             ^^^^^^^^^^^
c.yaml:6:94: services.e.discovery.kubernetes.ca: is not PEM: write file:path, env:NAME or the PEM text; did you mean "file:ca.pem"?
   6 |   e: { discovery: { kubernetes: { service: e, namespace: e, port: 1, token: "env:LINES", ca: ca.pem } } }
     |                                                                                              ^^^^^^
c.yaml:7:73: services.f.health.active.headers.authorization: holds characters that a header field cannot carry, such as a line end
   7 |   f: { url: "http://a:1", health: { active: { headers: { authorization: "env:LINES" }, path: x } } }
     |                                                                         ^^^^^^^^^^^
c.yaml:7:94: services.f.health.active.path: is not a path to ask for: it begins with /, such as /healthz, and has no spaces and no #
   7 |   f: { url: "http://a:1", health: { active: { headers: { authorization: "env:LINES" }, path: x } } }
     |                                                                                              ^
`,
    },
  ]);
});
