import { compactVerify, decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import { isRecord } from '../../lib/is-record.ts';
import { ASYMMETRIC_ALGORITHMS } from '../jwt/algorithms.ts';
import type { KeySource } from '../jwt/key-source.ts';
import { WRONG_ALGORITHM, WRONG_SIGNATURE } from '../jwt/refusals.ts';
import { tryKeys } from '../jwt/try-keys.ts';

const ALGORITHMS: ReadonlySet<string> = new Set(ASYMMETRIC_ALGORITHMS);

/** Whether one of the provider's private keys has signed a token; `why` is for the log. Says nothing of its claims. Never rejects. */
export type SignatureVerdict =
  | { readonly kind: 'signed' }
  | { readonly kind: 'unsigned' | 'unknown'; readonly why: string };

export async function signatureOf(token: string, keys: KeySource): Promise<SignatureVerdict> {
  const header = headerOf(token);
  if (header === undefined) return { kind: 'unsigned', why: WRONG_ALGORITHM.detail };
  const verdict = await tryKeys(keys, header, async (key) => {
    try {
      const { algorithm } = header;
      await compactVerify(token, await key.forAlgorithm(algorithm), { algorithms: [algorithm] });
      return SIGNED;
    } catch {
      return WRONG_SIGNATURE;
    }
  });
  if (verdict.kind === 'signed') return verdict;
  return { kind: verdict.kind === 'unavailable' ? 'unknown' : 'unsigned', why: verdict.detail };
}

const SIGNED = { kind: 'signed' } as const;

/** Undefined for one that no key of a provider makes, whatever else it says. */
export function headerOf(
  token: string,
): { readonly algorithm: string; readonly kid: string | undefined } | undefined {
  try {
    const { alg = '', kid } = decodeProtectedHeader(token);
    return ALGORITHMS.has(alg)
      ? { algorithm: alg, kid: typeof kid === 'string' ? kid : undefined }
      : undefined;
  } catch {
    return undefined;
  }
}

/** What it says, unverified; undefined where it is no JWT. */
export function claimsOf(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

/** An answer of a token endpoint without its ID token, which is looked at by itself: with the answer stands and falls what was redeemed for it. */
export async function withoutIdToken(
  answer: Response,
): Promise<{ readonly answer: Response; readonly idToken: string | undefined }> {
  if (!answer.ok) return { answer, idToken: undefined };
  const { status, headers } = answer;
  const text = await answer.text();
  const told = parsed(text);
  if (told === undefined) return { answer: new Response(text, { status, headers }), idToken: undefined };
  const { id_token: idToken, ...others } = told;
  return {
    answer: new Response(JSON.stringify(others), { status, headers }),
    idToken: typeof idToken === 'string' ? idToken : undefined,
  };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const told: unknown = JSON.parse(text);
    return isRecord(told) ? told : undefined;
  } catch {
    return undefined;
  }
}
