import type { Lease } from '../../lib/shared-pool.ts';
import type { Exchange } from '../../policy/contract.ts';
import type { Absent, Authenticator, Finding, Refused } from '../authenticator.ts';
import type { BearerChallenge } from './challenge.ts';
import type { TokenSource } from './token-source.ts';

/** Knows whose a token is. */
export interface TokenJudge {
  /** Never rejects. */
  verify(token: string, exchange: Exchange): Finding | Promise<Finding>;
  /** Where it asks somebody: the request waits no longer. */
  onEnd?(exchange: Exchange): void;
  close(): void;
}

/** Whoever sends a token that is good is known by it (RFC 6750). */
export class BearerAuthenticator implements Authenticator {
  readonly method: string;
  readonly #source: TokenSource;
  readonly #judge: Lease<TokenJudge>;
  readonly #verifier: TokenJudge;
  readonly #challenge: BearerChallenge;
  /** Takes the token off what is sent upstream; undefined: it stays. */
  readonly strip?: (exchange: Exchange) => void;
  readonly onEnd?: (exchange: Exchange) => void;

  constructor(
    method: string,
    source: TokenSource,
    judge: Lease<TokenJudge>,
    challenge: BearerChallenge,
    keep: boolean,
  ) {
    this.method = method;
    this.#source = source;
    this.#judge = judge;
    this.#verifier = judge.value;
    this.#challenge = challenge;
    const { value } = judge;
    if (value.onEnd !== undefined) this.onEnd = (exchange) => value.onEnd?.(exchange);
    if (!keep) this.strip = (exchange) => source.strip(exchange);
  }

  authenticate(exchange: Exchange): Finding | Promise<Finding> {
    const token = this.#source.find(exchange);
    if (typeof token !== 'string') return token;
    const finding = this.#verifier.verify(token, exchange);
    return finding instanceof Promise
      ? finding.then((found) => toldBy(token, found))
      : toldBy(token, finding);
  }

  challenge(finding: Absent | Refused): string {
    return this.#challenge.for(finding);
  }

  close(): void {
    this.#judge.close();
  }
}

/** What a judge finds it may keep for long, and some judges keep no token. */
function toldBy(token: string, finding: Finding): Finding {
  return finding.kind === 'known' ? { kind: 'known', principal: finding.principal, token } : finding;
}
