import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor, runPolicies } from '../../../test/support/exchange.ts';
import { Identity } from '../../identity/identity.ts';
import { providerSchema } from '../../identity/providers/schema.ts';
import { NO_RECORDS } from '../../state/records/no-records.support.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';

const providers = { p: providerSchema.parse({ issuer: 'https://id.example.com' }) };

async function answerOf(options: object, method: string) {
  const identity = new Identity(
    { consumers: {}, providers, sessions: {} },
    { log: () => {}, nowMs: Date.now, records: NO_RECORDS },
  );
  // After a policy that would refuse whoever has no token.
  const uses = [
    { name: 'jwt', options: { provider: 'p', audience: 'a' } },
    { name: 'protected-resource', options },
  ];
  const context = { route: 'r', warn: () => {}, policyEvent: () => {}, identity };
  return runPolicies(await compilePolicies(uses, context), exchangeFor({ method }));
}

describe('The metadata of an API', () => {
  it('are told to everybody, as RFC 9728 has them', async () => {
    const answer = await answerOf(
      {
        resource: 'https://api.example.com/orders',
        providers: ['p'],
        authorizationServers: ['https://other.example.com', 'https://id.example.com'],
        scopes: ['read'],
        name: 'Orders',
        documentation: 'https://docs.example.com',
      },
      'GET',
    );
    assert.deepEqual([answer?.status, answer?.headers?.['Content-Type']], [200, 'application/json']);
    assert.deepEqual(JSON.parse(String(answer?.body)), {
      resource: 'https://api.example.com/orders',
      authorization_servers: ['https://id.example.com', 'https://other.example.com'],
      scopes_supported: ['read'],
      bearer_methods_supported: ['header'],
      resource_name: 'Orders',
      resource_documentation: 'https://docs.example.com',
    });
  });

  it('have no members of which nothing is said, and are read only', async () => {
    const options = {
      resource: 'https://api.example.com',
      authorizationServers: ['https://other.example.com'],
    };
    assert.deepEqual(Object.keys(JSON.parse(String((await answerOf(options, 'HEAD'))?.body)) as object), [
      'resource',
      'authorization_servers',
      'bearer_methods_supported',
    ]);
    const refused = await answerOf(options, 'POST');
    assert.deepEqual(
      [refused?.status, refused?.code, refused?.headers],
      [405, 'method_not_allowed', { Allow: 'GET, HEAD' }],
    );
  });

  for (const [options, path, message] of [
    [
      { resource: 'https://api.example.com' },
      '',
      'needs providers or authorizationServers: who issues tokens',
    ],
    [{ resource: 'https://api.example.com/#x', providers: ['p'] }, 'resource', 'has a fragment'],
  ] as const) {
    it(`are not made of ${JSON.stringify(options)}`, async () => {
      const [problem] = await validatePolicyUse({ name: 'protected-resource', options });
      assert.deepEqual([problem?.path.join('.'), problem?.message], [path, message]);
    });
  }
});
