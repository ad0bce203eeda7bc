import * as client from 'openid-client';
import { answeredWith, shown } from './authorization-error.ts';
import { ProviderRefused, ProviderUnavailable } from './provider.ts';

/** What openid-client brought; rejects with `ProviderRefused` or `ProviderUnavailable`. */
export async function outcomeOf<Result>(promise: Promise<Result>): Promise<Result> {
  try {
    return await promise;
  } catch (error) {
    throw translated(error);
  }
}

/** Without its cause: that of openid-client may hold the whole answer, tokens included, and a log shows causes. */
function translated(error: unknown): Error {
  if (error instanceof ProviderRefused || error instanceof ProviderUnavailable) return error;
  if (error instanceof client.AuthorizationResponseError) return answeredWith(error.error);
  if (error instanceof client.ResponseBodyError) {
    const message = `the provider answered ${error.status} ${shown(error.error)}`;
    return error.status >= 500 || error.status === 429
      ? new ProviderUnavailable(message)
      : new ProviderRefused(shown(error.error), message);
  }
  if (error instanceof client.WWWAuthenticateChallengeError)
    return new ProviderRefused('invalid_client', `the provider answered ${error.status}`);
  if (error instanceof client.ClientError && REFUSALS.has(error.code ?? ''))
    return new ProviderRefused(
      'invalid_response',
      `the provider's answer is not to be believed: ${reasonOf(error)}`,
    );
  return new ProviderUnavailable(`the provider did not answer: ${reasonOf(error)}`);
}

/** Something came back, and it is not what was asked for. */
const REFUSALS: ReadonlySet<string> = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_UNSUPPORTED_OPERATION',
]);

const MAX_DEPTH = 4;

/** Messages of an error and its causes, as far as these are errors. */
function reasonOf(error: unknown): string {
  const messages: string[] = [];
  let at: unknown = error;
  for (let depth = 0; depth < MAX_DEPTH && at instanceof Error; depth++) {
    if (at.message !== '' && !messages.includes(at.message)) messages.push(at.message);
    at = at.cause;
  }
  return messages.length > 0 ? messages.join(': ') : 'for no reason that is known';
}
