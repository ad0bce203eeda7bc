import { PLAIN_CHALLENGE } from '../identity/bearer/challenge.ts';
import type { Answer, Exchange } from '../policy/contract.ts';

const DETAIL = 'The request does not say who sends it.';
/** RFC 9110 section 15.5.2: a 401 has a challenge. Where nothing on the route knows a better one, this is it. */
const GENERIC: Answer = {
  status: 401,
  code: 'unauthenticated',
  detail: DETAIL,
  headers: { 'WWW-Authenticate': PLAIN_CHALLENGE },
};

/** For somebody whom nobody knows, on a route that would need to: with the challenge of the route's authentication. */
export function unauthenticated(exchange: Exchange): Answer {
  const challenge = exchange.challenger?.challengeOf(exchange);
  if (challenge === undefined) return GENERIC;
  return { ...GENERIC, headers: { 'WWW-Authenticate': challenge } };
}

/** For somebody who is known. */
export const FORBIDDEN: Answer = {
  status: 403,
  code: 'forbidden',
  detail: 'Whoever calls is known, and may not do this.',
};
