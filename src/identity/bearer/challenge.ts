import type { Absent, Refused } from '../authenticator.ts';

export interface ChallengeOptions {
  readonly realm?: string | undefined;
  /** RFC 9728 section 5.1. */
  readonly resourceMetadata?: string | undefined;
}

/** RFC 6750 section 3: the scheme never stands alone. */
export const PLAIN_CHALLENGE = 'Bearer realm="portcullis"';

/** The challenge of a 401 for a bearer token (RFC 6750 section 3). */
export class BearerChallenge {
  readonly #plain: string;
  readonly #start: string;

  constructor({ realm, resourceMetadata }: ChallengeOptions) {
    const parameters = [
      ...(realm === undefined ? [] : [`realm="${realm}"`]),
      ...(resourceMetadata === undefined ? [] : [`resource_metadata="${resourceMetadata}"`]),
    ];
    const isBare = parameters.length === 0;
    this.#plain = isBare ? PLAIN_CHALLENGE : `Bearer ${parameters.join(', ')}`;
    this.#start = isBare ? 'Bearer ' : `${this.#plain}, `;
  }

  /** Who sent no token learns no more than what is wanted (RFC 6750 section 3.1). Details have neither quotes nor backslashes. */
  for(finding: Absent | Refused): string {
    if (finding.kind === 'absent') return this.#plain;
    return `${this.#start}error="invalid_token", error_description="${finding.detail}"`;
  }
}
