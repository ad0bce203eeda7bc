import type { Lease } from '../../lib/shared-pool.ts';
import type { Exchange } from '../../policy/contract.ts';
import type { Absent, Authenticator, Finding, Refused } from '../authenticator.ts';
import type { BearerChallenge } from './challenge.ts';
import { refusalOfHolder } from './confirmation.ts';
import type { TokenSource } from './token-source.ts';

/** Knows whose a token is. */
export interface TokenJudge {
  /** Never rejects. */
  verify(token: string, exchange: Exchange): Finding | Promise<Finding>;
  /** Where it asks somebody: the request waits no longer. */
  onEnd?(exchange: Exchange): void;
  close(): void;
}

export interface BearerOptions {
  /** Leaves the token in what is sent upstream. */
  readonly keep: boolean;
  /** Whether a token that is bound to somebody counts for that one alone. */
  readonly confirmation: 'checked' | 'ignored';
}

/** Whoever sends a token that is good is known by it (RFC 6750). */
export class BearerAuthenticator implements Authenticator {
  readonly method: string;
  readonly #source: TokenSource;
  readonly #judge: Lease<TokenJudge>;
  readonly #verifier: TokenJudge;
  readonly #challenge: BearerChallenge;
  readonly #isHolderChecked: boolean;
  /** Takes the token off what is sent upstream; undefined: it stays. */
  readonly strip?: (exchange: Exchange) => void;
  readonly onEnd?: (exchange: Exchange) => void;

  constructor(
    method: string,
    source: TokenSource,
    judge: Lease<TokenJudge>,
    challenge: BearerChallenge,
    { keep, confirmation }: BearerOptions,
  ) {
    this.method = method;
    this.#source = source;
    this.#judge = judge;
    this.#verifier = judge.value;
    this.#challenge = challenge;
    this.#isHolderChecked = confirmation === 'checked';
    const { value } = judge;
    if (value.onEnd !== undefined) this.onEnd = (exchange) => value.onEnd?.(exchange);
    if (!keep) this.strip = (exchange) => source.strip(exchange);
  }

  authenticate(exchange: Exchange): Finding | Promise<Finding> {
    const token = this.#source.find(exchange);
    if (typeof token !== 'string') return token;
    const finding = this.#verifier.verify(token, exchange);
    return finding instanceof Promise
      ? finding.then((found) => this.#toldBy(token, found, exchange))
      : this.#toldBy(token, finding, exchange);
  }

  challenge(finding: Absent | Refused): string {
    return this.#challenge.for(finding);
  }

  close(): void {
    this.#judge.close();
  }

  /** A judge that keeps no token tells of none; who sends it is another question each time. */
  #toldBy(token: string, finding: Finding, { client }: Exchange): Finding {
    if (finding.kind !== 'known') return finding;
    const { principal } = finding;
    const refusal = this.#isHolderChecked ? refusalOfHolder(principal.claims['cnf'], client) : undefined;
    if (refusal !== undefined) return refusal;
    return finding.token === undefined ? { kind: 'known', principal, token } : finding;
  }
}
