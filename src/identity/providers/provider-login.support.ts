import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { UserAgent } from '../../../test/support/user-agent.ts';
import { systemTimers } from '../../lib/timers.ts';
import { Issuers } from '../discovery/issuers.ts';
import type { LoginFlow, Provider } from './provider.ts';

/** Where providers of these tests send the browser: nobody listens there. */
export const CALLBACK = 'http://127.0.0.1:1/auth/callback';

export function testIssuers(): Issuers {
  return new Issuers({ timers: systemTimers, random: Math.random, log: () => {} });
}

export function newFlow(): LoginFlow {
  const random = () => randomBytes(32).toString('base64url');
  return { state: random(), nonce: random(), verifier: random(), redirectUri: CALLBACK };
}

/** Logs a user in and returns what the browser came back with: the query of the callback. */
export async function callbackOf(provider: Provider, flow: LoginFlow, user = 'alice'): Promise<string> {
  const agent = new UserAgent();
  const url = await provider.authorizationUrl(flow);
  let back: string | undefined;
  const request = agent.request.bind(agent);
  agent.request = async (to, init) => {
    if (!to.startsWith(CALLBACK)) return request(to, init);
    back = new URL(to).search;
    return { url: to, status: 200, headers: new Headers(), body: '' };
  };
  await agent.signIn(url, user);
  assert.ok(back !== undefined, 'the provider did not send the browser back');
  return back;
}
