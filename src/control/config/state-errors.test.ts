import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

describe('Errors of the state of a configuration', () => {
  checkErrors([
    {
      title: 'tell what is wrong with the address of a Redis, and never the address',
      files: {
        'c.yaml': `state:
  redis: { url: "http://u:sesame@a:1", timeout: 0s, connectTimeout: 1, onFailure: opened, prefix: "a b" }
`,
      },
      errors: `c.yaml:2:17: state.redis.url: is not the address of a Redis: write redis://host:port, or rediss://host:port with TLS
   2 |   redis: { url: *********************, timeout: 0s, connectTimeout: 1, onFailure: opened, prefix: "a b" }
     |                 ^^^^^^^^^^^^^^^^^^^^^
c.yaml:2:49: state.redis.timeout: is no time at all
   2 |   redis: { url: *********************, timeout: 0s, connectTimeout: 1, onFailure: opened, prefix: "a b" }
     |                                                 ^^
c.yaml:2:69: state.redis.connectTimeout: is not a duration: write a number and a unit, such as 250ms, 30s, 5m or 1h
   2 |   redis: { url: *********************, timeout: 0s, connectTimeout: 1, onFailure: opened, prefix: "a b" }
     |                                                                     ^
c.yaml:2:83: state.redis.onFailure: is not open or closed; did you mean "open"?
   2 |   redis: { url: *********************, timeout: 0s, connectTimeout: 1, onFailure: opened, prefix: "a b" }
     |                                                                                   ^^^^^^
c.yaml:2:99: state.redis.prefix: is up to 64 letters, digits, "_", ".", ":", "/" and "-"
   2 |   redis: { url: *********************, timeout: 0s, connectTimeout: 1, onFailure: opened, prefix: "a b" }
     |                                                                                                   ^^^^^
`,
    },
    {
      title: 'tell a path that is no database, and a certificate that is not there',
      files: {
        'c.yaml': `state:
  redis: { url: "redis://a/orders", tls: { ca: file:none.pem } }
`,
      },
      errors: `c.yaml:2:17: state.redis.url: ends in the number of a database, such as /0, or in nothing
   2 |   redis: { url: ******************, tls: { ca: file:none.pem } }
     |                 ^^^^^^^^^^^^^^^^^^
c.yaml:2:48: state.redis.tls.ca: the file <dir>/none.pem does not exist
   2 |   redis: { url: ******************, tls: { ca: file:none.pem } }
     |                                                ^^^^^^^^^^^^^
`,
    },
    {
      title: 'tell TLS that would not be used',
      files: {
        'c.yaml': `state:
  redis: { url: env:PLAIN_REDIS, tls: { serverName: a } }
`,
      },
      errors: `c.yaml:2:34: state.redis.tls: is for a url with rediss://; this one would be used without TLS
   2 |   redis: { url: env:PLAIN_REDIS, tls: { serverName: a } }
     |                                  ^^^
`,
    },
    {
      title: 'tell an environment variable that is not there, and a key that is unknown',
      files: {
        'c.yaml': `state:
  redis: { url: env:NOWHERE, time: 5ms }
`,
      },
      errors: `c.yaml:2:17: state.redis.url: the environment variable NOWHERE is not set
   2 |   redis: { url: env:NOWHERE, time: 5ms }
     |                 ^^^^^^^^^^^
c.yaml:2:30: state.redis.time: unknown key "time"; known here: url, sentinels, cluster, prefix, timeout, connectTimeout, recordsTimeout, onFailure, tls
   2 |   redis: { url: env:NOWHERE, time: 5ms }
     |                              ^^^^
`,
    },
    {
      title: 'tell a store that needs a Redis, wherever it is used',
      files: {
        'c.yaml': `policies: [{ rate-limit: { limits: [1/s], store: redis } }]
routes:
  a:
    match: { paths: [/a] }
    respond: {}
    policies: [{ rate-limit: { limits: [1/s], store: hybrid } }]
`,
      },
      errors: `c.yaml:1:50: policies[0].rate-limit.store: redis needs state.redis, which is not there
   1 | policies: [{ rate-limit: { limits: [1/s], store: redis } }]
     |                                                  ^^^^^
c.yaml:6:54: routes.a.policies[0].rate-limit.store: hybrid needs state.redis, which is not there
   6 |     policies: [{ rate-limit: { limits: [1/s], store: hybrid } }]
     |                                                      ^^^^^^
`,
    },
    {
      title: 'tell a Redis that is nowhere',
      files: {
        'c.yaml': `state:
  redis: { prefix: a }
`,
      },
      errors: `c.yaml:2:3: state.redis: needs url, sentinels or cluster
   2 |   redis: { prefix: a }
     |   ^^^^^
`,
    },
    {
      title: 'tell a Redis in two places',
      files: {
        'c.yaml': `state:
  redis: { url: "redis://a", cluster: { nodes: ["redis://a"] } }
`,
      },
      errors: `c.yaml:2:30: state.redis.cluster: cannot stand beside url
   2 |   redis: { url: ***********, cluster: { nodes: [***********] } }
     |                              ^^^^^^^
`,
    },
    {
      title: 'tell addresses that are none, and passwords nowhere',
      files: {
        'c.yaml': `state:
  redis:
    sentinels: { name: mymaster, nodes: ["redis://u:sesame@a:26379/1", "http://u:sesame@a", env:NOWHERE] }
`,
      },
      errors: `c.yaml:3:42: state.redis.sentinels.nodes[0]: ends after the port: only url names a database
   3 |     sentinels: { name: mymaster, nodes: [****************************, *******************, env:NOWHERE] }
     |                                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
c.yaml:3:72: state.redis.sentinels.nodes[1]: is not the address of a Redis: write redis://host:port, or rediss://host:port with TLS
   3 |     sentinels: { name: mymaster, nodes: [****************************, *******************, env:NOWHERE] }
     |                                                                        ^^^^^^^^^^^^^^^^^^^
c.yaml:3:93: state.redis.sentinels.nodes[2]: the environment variable NOWHERE is not set
   3 |     sentinels: { name: mymaster, nodes: [****************************, *******************, env:NOWHERE] }
     |                                                                                             ^^^^^^^^^^^
`,
    },
    {
      title: 'find nothing wrong with limits and quotas in a cluster',
      files: {
        'c.yaml': `state:
  redis: { cluster: { nodes: ["redis://a:1"] } }
policies: [{ rate-limit: { limits: [1/s] } }]
routes:
  a:
    match: { paths: [/a] }
    respond: {}
    policies: [{ rate-limit: { limits: [1/s], store: redis } }, { rate-limit: { limits: [1/s], store: hybrid } }]
plans:
  gold: { quotas: [{ limit: 10, per: day }] }
`,
      },
      errors: '\n',
    },
    {
      title: 'tell a key of the records that can be guessed',
      files: {
        'c.yaml': `state:
  memory: { recordsKey: env:SHORT, records: 5kb }
`,
      },
      errors: `c.yaml:2:25: state.memory.recordsKey: is shorter than 32 characters
   2 |   memory: { recordsKey: env:SHORT, records: 5kb }
     |                         ^^^^^^^^^
c.yaml:2:45: state.memory.records: is less than 1mb
   2 |   memory: { recordsKey: env:SHORT, records: 5kb }
     |                                             ^^^
`,
    },
  ]);
});
