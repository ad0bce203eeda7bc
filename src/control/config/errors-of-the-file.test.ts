import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

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
