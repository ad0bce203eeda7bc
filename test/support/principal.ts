import type { Principal } from '../../src/policy/principal.ts';

/** A principal as a test describes it: known by a token, and nothing else. */
export function principal(description: Partial<Principal> = {}): Principal {
  const consumer = description.consumer ?? description.subject ?? 'somebody';
  return {
    method: 'jwt',
    consumer,
    subject: consumer,
    issuer: 'https://id.example.com',
    scopes: [],
    groups: [],
    roles: [],
    claims: {},
    session: '',
    expiresAtMs: Number.POSITIVE_INFINITY,
    ...description,
  };
}
