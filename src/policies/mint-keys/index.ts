import { definePolicy, type PolicyHooks } from '../../policy/contract.ts';
import { nameKeys } from '../mint/keys.ts';
import { mintKeysSchema } from './schema.ts';

export const mintKeysPolicy = definePolicy({
  name: 'mint-keys',
  // In the place of the service, as `respond`.
  stage: 'transform',
  schema: mintKeysSchema,
  async create({ keys, maxAge }): Promise<PolicyHooks> {
    const named = await nameKeys(keys);
    // RFC 7517 section 5.
    const answer = {
      status: 200,
      headers: {
        'Content-Type': 'application/jwk-set+json',
        'Cache-Control': `public, max-age=${Math.floor(maxAge / 1000)}`,
      },
      body: JSON.stringify({ keys: named.map(({ jwk }) => jwk) }),
    };
    return { onRequest: () => answer };
  },
});
