import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkOwnership } from './ownership.ts';

describe('What a configuration says of organizations', () => {
  it('is checked: none uses what is another’s', () => {
    const problems = checkOwnership(
      {
        organizations: { acme: {}, globex: {} },
        services: { a: { organization: 'acme' }, g: { organization: 'globex' }, shared: {} },
        routes: {
          fine: { organization: 'acme', service: 'a', mirror: { service: 'shared' } },
          wrong: { organization: 'acme', service: 'a', split: [{ service: 'g' }] },
          made: { organization: 'acme', service: 'g' },
          global: { service: 'a' },
        },
      },
      new Map([['made', 'api']]),
    );
    assert.deepEqual(problems, [
      {
        path: ['routes', 'wrong', 'split', 0, 'service'],
        message:
          'g of services belongs to another organization: share it by leaving out its organization, or give acme one of its own',
      },
    ]);
  });

  it('is checked: a function is of no organization but that of its route or API', () => {
    const call = (organization?: string) => ({
      function: { name: 'pay', ...(organization === undefined ? {} : { organization }) },
    });
    const problems = checkOwnership(
      {
        organizations: { acme: {}, globex: {} },
        routes: {
          own: { organization: 'acme', policies: [call('acme'), call()] },
          other: { organization: 'acme', policies: [{ cors: {} }, call('globex')] },
          shared: { policies: [call('globex')] },
        },
        apis: { other: { organization: 'acme', policies: [call('nobody')] } },
      },
      new Map(),
    );
    const message = 'is another organization than acme, to which this belongs: write acme, or leave it out';
    assert.deepEqual(problems, [
      { path: ['routes', 'other', 'policies', 1, 'function', 'organization'], message },
      { path: ['apis', 'other', 'policies', 0, 'function', 'organization'], message },
    ]);
  });

  it('is nothing where there are none', () => {
    assert.deepEqual(checkOwnership({ routes: { a: { service: 'b' } }, services: { b: {} } }, new Map()), []);
  });
});
