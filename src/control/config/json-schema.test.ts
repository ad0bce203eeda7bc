import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { builtinPolicies } from '../../policies/registry.ts';
import { configJsonSchema } from './json-schema.ts';

describe('The JSON Schema', () => {
  it('describes every part and the options of the built-in policies', async () => {
    const schema = (await configJsonSchema()) as {
      readonly properties: Readonly<Record<string, { readonly anyOf?: unknown }>>;
      readonly additionalProperties: unknown;
      readonly $defs: {
        readonly policyList: { readonly items: { readonly properties: Readonly<Record<string, object>> } };
      };
    };
    assert.deepEqual(Object.keys(schema.properties), [
      '$schema',
      'listeners',
      'certificates',
      'services',
      'routes',
      'apis',
      'functions',
      'organizations',
      'policies',
      'lists',
      'plans',
      'consumers',
      'providers',
      'sessions',
      'state',
      'store',
      'admin',
      'runtime',
      'observability',
    ]);
    assert.equal(schema.additionalProperties, false);
    assert.deepEqual(schema.properties['policies']?.anyOf, [
      { $ref: '#/$defs/policyList' },
      { type: 'object', additionalProperties: { $ref: '#/$defs/policyList/items' } },
    ]);
    assert.deepEqual(Object.keys(schema.$defs.policyList.items.properties), [...builtinPolicies.keys()]);
    assert.ok(JSON.stringify(schema.$defs.policyList.items.properties['cors']).includes('"origins"'));
  });

  it('requires nothing that has a default', async () => {
    assert.equal('required' in (await configJsonSchema()), false);
  });
});
