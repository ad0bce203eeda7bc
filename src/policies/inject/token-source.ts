import type { Answer, Exchange } from '../../policy/contract.ts';

/** A token to be sent on. */
export interface SourceToken {
  readonly kind: 'token';
  readonly token: string;
}

/** There is none: why, as the client is told, unless the request may go on without one. */
export interface NoToken {
  readonly kind: 'none';
  readonly answer: Answer;
  /** It is not the caller who lacks something: the request does not go on in any case. */
  readonly isOutage: boolean;
}

export type SourceFinding = SourceToken | NoToken;

/** Where tokens come from. Does not reject. */
export interface TokenSource {
  /** At once where one is at hand. The same object for the same token. */
  token(exchange: Exchange): SourceFinding | Promise<SourceFinding>;
  /** Another one, because the service refused this one; the same where there is no other. */
  replaced(exchange: Exchange, refused: SourceToken): SourceFinding | Promise<SourceFinding>;
}
