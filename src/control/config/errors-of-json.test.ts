import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

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
