import { valueAt } from '../../lib/value-at.ts';
import type { Principal } from '../../policy/principal.ts';
import { ownerOf } from '../consumers/consumer.ts';
import type { ConsumerIndex } from '../consumers/consumer-index.ts';
import type { ProviderConfig } from '../providers/schema.ts';
import type { SessionContent } from './session-text.ts';

/** The principal of a session's user, as its provider's configuration reads the claims. */
export function principalOf(
  id: string,
  { user, token, endsAtMs }: SessionContent,
  provider: ProviderConfig | undefined,
  consumers: ConsumerIndex | undefined,
): Principal {
  const { claims } = user;
  const groupsClaim = claimPath(provider, 'groupsClaim', 'groups');
  const rolesClaim = claimPath(provider, 'rolesClaim', 'roles');
  const consumer = consumers?.withSubject(user.provider, user.subject);
  const groups = textsAt(claims, groupsClaim);
  return {
    method: token === undefined ? 'session' : 'personal-access-token',
    consumer: consumer?.name ?? nameOf(user, consumers),
    subject: user.subject,
    issuer: user.issuer,
    scopes: token?.scopes ?? [],
    groups: consumer === undefined ? groups : [...new Set([...consumer.groups, ...groups])],
    roles: textsAt(claims, rolesClaim),
    claims,
    session: id,
    expiresAtMs: endsAtMs,
    ...ownerOf(consumer),
  };
}

/** Providers choose their subjects: one that is called like a consumer is not that consumer for it. */
function nameOf({ subject, issuer }: SessionContent['user'], consumers: ConsumerIndex | undefined): string {
  return consumers?.named(subject) === undefined ? subject : `${issuer}#${subject}`;
}

function claimPath(
  provider: ProviderConfig | undefined,
  option: 'groupsClaim' | 'rolesClaim',
  otherwise: string,
): string {
  const path: unknown = provider?.[option];
  return typeof path === 'string' ? path : otherwise;
}

/** What stands there, as far as it is a text or a list of them. */
function textsAt(claims: Readonly<Record<string, unknown>>, path: string): readonly string[] {
  const value = valueAt(claims, path);
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : [];
}
