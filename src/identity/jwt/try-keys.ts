import type { Unavailable } from '../authenticator.ts';
import type { FoundKeys, KeySource } from './key-source.ts';
import type { UnverifiedToken } from './read-token.ts';
import { type TokenRefusal, UNKNOWN_KEY, WRONG_SIGNATURE } from './refusals.ts';
import type { VerificationKey } from './verification-key.ts';

type Header = Pick<UnverifiedToken, 'algorithm' | 'kid'>;
type Trial<Verdict> = (key: VerificationKey) => Promise<Verdict | typeof WRONG_SIGNATURE>;

/**
 * Tries the keys that may have signed a token with this header, and where none has, those that the issuer has now: issuers replace their keys without a
 * word. Rejects as `tryKey` does.
 */
export async function tryKeys<Verdict>(
  keys: KeySource,
  header: Header,
  tryKey: Trial<Verdict>,
): Promise<Verdict | TokenRefusal | Unavailable> {
  const { algorithm, kid } = header;
  const first = await tryAll(await keys.find(algorithm, kid), tryKey);
  const isOfOtherKey = first === UNKNOWN_KEY || (kid === undefined && first === WRONG_SIGNATURE);
  if (!isOfOtherKey) return first;
  const again = await keys.lookAgain(kid);
  if (again === false) return first;
  if (again !== true) return again;
  return tryAll(await keys.find(algorithm, kid), tryKey);
}

async function tryAll<Verdict>(
  found: FoundKeys | Unavailable,
  tryKey: Trial<Verdict>,
): Promise<Verdict | TokenRefusal | Unavailable> {
  if (found.kind === 'unavailable') return found;
  let verdict: Verdict | TokenRefusal = UNKNOWN_KEY;
  for (const key of found.keys) {
    verdict = await tryKey(key);
    if (verdict !== WRONG_SIGNATURE) return verdict;
  }
  return verdict;
}
