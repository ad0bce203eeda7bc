import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

describe('Errors of values in a configuration', () => {
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
      errors: `c.yaml:1:12: runtime.zzz: unknown key "zzz"; known here: workers, registryFile, drainDelay, drainTimeout, sessionTickets
   1 | runtime: { zzz: 1 }
     |            ^^^
`,
    },
    {
      title: 'hide the password in a URL that stands in the same line',
      files: {
        'c.yaml': `services: { users: { url: "http://joe:s3cr:t@h@127.0.0.1:1", prot: 1 } }
`,
      },
      errors: `c.yaml:1:27: services.users.url: has a user name or a password in it: write http://host:port, and send Authorization by the policy headers
   1 | services: { users: { url: "http://************@127.0.0.1:1", prot: 1 } }
     |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
c.yaml:1:62: services.users.prot: unknown key "prot"
   1 | services: { users: { url: "http://************@127.0.0.1:1", prot: 1 } }
     |                                                              ^^^^
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
  ]);
});
