import { randomUUID } from 'node:crypto';
import type { AssignedCookie, ServiceChoice } from '../routing/service-choice.ts';
import type { Exchange } from './exchange.ts';

/** The service of a split that takes this request. A client that nothing is known of may be given a cookie to be known by. */
export function chooseService(exchange: Exchange, choice: ServiceChoice): string {
  const { request, client } = exchange;
  const named = choice.overriddenBy(request.fields);
  if (named !== undefined) return named;
  const key = choice.keyOf(request.fields, client.address);
  if (key !== undefined) return choice.byKey(key);
  if (choice.cookie === undefined) return choice.byChance(Math.random());
  const id = randomUUID();
  const cookie = setCookie(choice.cookie, id, request.scheme === 'https');
  exchange.answerFields.push('set-cookie', 'Set-Cookie', cookie);
  return choice.byKey(id);
}

/**
 * A Set-Cookie (RFC 6265 section 4.1): for the whole host, kept from scripts, not sent with what other sites embed, and over TLS alone
 * where the client came by TLS.
 */
function setCookie({ name, maxAge }: AssignedCookie, value: string, secure: boolean): string {
  const age = maxAge === 0 ? '' : `; Max-Age=${Math.ceil(maxAge / 1000)}`;
  return `${name}=${value}; Path=/${age}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
}
