import type { Refused, Unavailable } from '../../identity/authenticator.ts';

function refused(detail: string): Refused {
  return { kind: 'refused', code: 'invalid_credentials', detail };
}

export const MALFORMED = refused('The fields Signature-Input and Signature cannot be read.');
export const UNKNOWN_KEY = refused('The request is signed by no key that is known here.');
export const WRONG = refused('The signature is not that of the request.');
export const UNCOVERED = refused('The signature does not cover all that it has to.');
export const OUTDATED = refused(
  'The signature is too old, from the future, or does not say when it was made.',
);
export const NO_NONCE = refused('The signature has no nonce.');
export const REPEATED = refused('The signature was used already.');
export const WRONG_DIGEST = refused('The body is not the one of Content-Digest.');

/** Why there is nothing that could have been signed. */
export const TWICE = refused('The signature covers a component twice.');
export const MISSING = refused('The signature covers something that the request does not have.');
export const UNKNOWN_COMPONENT = refused(
  'The signature covers a component, or has a parameter of one, that is not known here.',
);
/** RFC 9421 section 2.4: `req` is for the signature of an answer. */
export const OF_ANSWER = refused(
  'The signature covers a component of an answer: @status and the parameter req have no meaning for a request.',
);
/** RFC 9421 section 2.1.4. */
export const OF_TRAILERS = refused(
  'The signature covers trailer fields, which come when the request has been judged.',
);
/** RFC 9421 section 2.1. */
export const EXCLUSIVE = refused(
  'The signature covers a field with bs and with sf or key, which exclude each other.',
);
export const NOT_STRUCTURED = refused(
  'The signature covers a field with sf or key that is not known to be structured so, or is not written so.',
);

export const UNKNOWN_NONCE: Unavailable = {
  kind: 'unavailable',
  detail: 'It cannot be found out whether the signature was used already.',
  retryAfterMs: 5000,
};
