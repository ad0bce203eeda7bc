import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

describe('Errors of the admin port', () =>
  checkErrors([
    {
      title: 'refuse to let others reach it without authentication and TLS',
      files: { 'c.yaml': `admin: { address: 0.0.0.0 }\n` },
      errors: `c.yaml:1:19: admin.address: 0.0.0.0 is reached by others than this machine, which takes admin.authentication and admin.tls: authentication and tls are missing (admin.probes serves /healthz, /readyz and /metrics alone, without them); did you mean "127.0.0.1"?
   1 | admin: { address: 0.0.0.0 }
     |                   ^^^^^^^
`,
    },
    {
      title: 'refuse to let others reach it where authentication is not required',
      files: {
        'c.yaml': `admin:
  address: 10.0.0.7
  authentication: { required: false, bootstrapToken: env:SHORT }
  tls: { certificate: own }
`,
      },
      errors: `c.yaml:2:12: admin.address: 10.0.0.7 is reached by others than this machine, which takes admin.authentication and admin.tls: authentication is missing (admin.probes serves /healthz, /readyz and /metrics alone, without them); did you mean "127.0.0.1"?
   2 |   address: 10.0.0.7
     |            ^^^^^^^^
c.yaml:3:54: admin.authentication.bootstrapToken: is shorter than 32 characters; make one with openssl rand -base64 32
   3 |   authentication: { required: false, bootstrapToken: env:SHORT }
     |                                                      ^^^^^^^^^
c.yaml:4:23: admin.tls.certificate: there is no certificate "own"
   4 |   tls: { certificate: own }
     |                       ^^^
`,
    },
    {
      title: 'find what is not there and what is taken',
      files: {
        'c.yaml': `listeners: { http: { port: 9901 } }
admin:
  port: 9902
  authentication: { session: staff, roles: [{ value: a, organization: b, role: root }] }
  probes: {}
`,
      },
      errors: `c.yaml:4:30: admin.authentication.session: there is no kind of sessions "staff"
   4 |   authentication: { session: staff, roles: [{ value: a, organization: b, role: root }] }
     |                              ^^^^^
c.yaml:4:80: admin.authentication.roles[0].role: is not one of viewer, developer, admin, owner
   4 |   authentication: { session: staff, roles: [{ value: a, organization: b, role: root }] }
     |                                                                                ^^^^
c.yaml:5:3: admin.probes.port: the port of the probes and the listener http both take port 9901
   5 |   probes: {}
     |   ^^^^^^
`,
    },
    {
      title: 'find the probes on the port of the admin API',
      files: { 'c.yaml': `admin: { port: 9901, probes: {} }\n` },
      errors: `c.yaml:1:22: admin.probes.port: the admin port and the port of the probes are both 9901
   1 | admin: { port: 9901, probes: {} }
     |                      ^^^^^^
`,
    },
  ]));
