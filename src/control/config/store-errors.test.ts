import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

describe('Errors of the store of a configuration', () => {
  checkErrors([
    {
      title: 'tell two stores',
      files: {
        'c.yaml': `store:
  sqlite: { file: a.db }
  postgres: { url: "mysql://u:sesame@a/b" }
`,
      },
      errors: `c.yaml:3:3: store.postgres: cannot stand beside sqlite: there is one store
   3 |   postgres: { url: ********************** }
     |   ^^^^^^^^
`,
    },
    {
      title: 'tell an address that is none, without showing it',
      files: { 'c.yaml': 'store: { postgres: { url: "mysql://u:sesame@a/b" } }\n' },
      errors: `c.yaml:1:27: store.postgres.url: is not the address of a database: write postgresql://user@host:5432/database
   1 | store: { postgres: { url: ********************** } }
     |                           ^^^^^^^^^^^^^^^^^^^^^^
`,
    },
    {
      title: 'warn of quotas that each of several nodes grants whole',
      files: {
        'c.yaml': `store: { postgres: { url: postgresql://a/b } }
plans:
  gold: { quotas: [{ limit: 10, per: day }] }
  fast: { limits: [10/s] }
`,
      },
      errors: `c.yaml:3:11: warning: plans.gold.quotas: are counted by each node for itself, so that each of those that share store.postgres grants all of them: state.redis counts them together
   3 |   gold: { quotas: [{ limit: 10, per: day }] }
     |           ^^^^^^
`,
    },
    {
      title: 'tell a key that can be guessed, and one that is not there',
      files: { 'c.yaml': 'store: { key: [sesame, env:NO_KEY] }\n' },
      errors: `c.yaml:1:16: store.key[0]: is shorter than 32 characters
   1 | store: { key: ******************** }
     |                ^^^^^^
c.yaml:1:24: store.key[1]: the environment variable NO_KEY is not set
   1 | store: { key: ******************** }
     |                        ^^^^^^^^^^
`,
    },
    {
      title: 'tell bounds and misspelt keys',
      files: { 'c.yaml': 'store: { pool: 5s, revisions: 3, poll: 1ms }\n' },
      errors: `c.yaml:1:10: store.pool: unknown key "pool"; did you mean "poll"?
   1 | store: { pool: 5s, revisions: 3, poll: 1ms }
     |          ^^^^
c.yaml:1:31: store.revisions: is too small: at least 10
   1 | store: { pool: 5s, revisions: 3, poll: 1ms }
     |                               ^
c.yaml:1:40: store.poll: is less than 100ms
   1 | store: { pool: 5s, revisions: 3, poll: 1ms }
     |                                        ^^^
`,
    },
  ]);
});
