import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProviderConfig } from '../providers/schema.ts';
import { ServiceTokens, type ServiceTokenUse } from './service-tokens.ts';

const PLACE = { nowMs: () => 1000, random: () => 0.5, log: () => {} };
const config = (issuer: string): ProviderConfig => ({ issuer }) as unknown as ProviderConfig;
const USE: ServiceTokenUse = {
  owner: undefined,
  kind: 'exchange',
  provider: 'p',
  request: { audience: 'a', resource: undefined, scopes: ['x', 'y'] },
};

let made = 0;
async function tokenOf(
  tokens: ServiceTokens,
  use: Partial<ServiceTokenUse> = {},
  caller = 'alice',
): Promise<string> {
  const finding = await tokens.of({ ...USE, ...use }).get(caller, async () => ({
    accessToken: `${++made}`,
    tokenType: 'bearer',
    expiresAtMs: 1e9,
    scopes: [],
  }));
  return finding.kind === 'known' ? finding.tokens.accessToken : finding.kind;
}

describe('A token for a service', () => {
  it('is another for whatever it is asked for by', async () => {
    const tokens = new ServiceTokens({ p: config('one'), q: config('one') }, PLACE);
    const first = await tokenOf(tokens);
    assert.equal(await tokenOf(tokens), first);
    assert.equal(await tokenOf(tokens, { request: { ...USE.request, scopes: ['y', 'x', 'x'] } }), first);
    const others = [
      await tokenOf(tokens, {}, 'bob'),
      await tokenOf(tokens, { owner: 'team' }),
      await tokenOf(tokens, { kind: 'client-credentials' }),
      await tokenOf(tokens, { provider: 'q' }),
      await tokenOf(tokens, { request: { ...USE.request, audience: 'b' } }),
      await tokenOf(tokens, { request: { ...USE.request, resource: 'https://a.example' } }),
      await tokenOf(tokens, { request: { ...USE.request, scopes: ['x'] } }),
    ];
    assert.equal(new Set([first, ...others]).size, others.length + 1);
  });

  it('outlasts a configuration in which its provider is the same, and no other', async () => {
    const one = new ServiceTokens({ p: config('one') }, PLACE);
    const first = await tokenOf(one);
    const same = new ServiceTokens({ o: config('one'), p: config('one') }, PLACE, one);
    assert.equal(await tokenOf(same), first);
    const changed = new ServiceTokens({ p: config('two') }, PLACE, same);
    const second = await tokenOf(changed);
    assert.notEqual(second, first);
    assert.ok(
      ![first, second].includes(await tokenOf(new ServiceTokens({ p: config('one') }, PLACE, changed))),
    );
  });
});
