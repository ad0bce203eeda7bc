import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

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
