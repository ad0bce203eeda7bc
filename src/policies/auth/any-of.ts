import {
  ABSENT,
  type Absent,
  type Authenticator,
  type Finding,
  type Known,
  type Unavailable,
} from '../../identity/authenticator.ts';
import type { Exchange } from '../../policy/contract.ts';
import { authenticated } from '../../policy/principal.ts';
import { Combined, type CombinedRefusal } from './combined.ts';

/** What is known until now of a request whose caller is not. */
interface Misses {
  /** One that was shown credentials, or else one that was not. */
  readonly unavailable?: Unavailable | undefined;
  readonly refused?: CombinedRefusal | undefined;
  /** One that lets through whoever it is. */
  readonly nobody?: Known | undefined;
  /** One that says what to answer. */
  readonly absent?: Absent | undefined;
}

/** Nothing was found yet that would have to be told. */
const NO_MISSES: Misses = {};

/**
 * Whoever one method knows: the first that does, in order. Where none does, one that could not be asked goes before one that refused: it might
 * have known the caller, and 401 would make a client give up credentials that are good. One that was shown none would not have: then what is
 * wrong is wrong.
 */
export class AnyOf extends Combined implements Authenticator {
  readonly method = 'any';

  authenticate(exchange: Exchange): Finding | Promise<Finding> {
    return this.#ask(exchange, 0, NO_MISSES);
  }

  #ask(exchange: Exchange, from: number, before: Misses): Finding | Promise<Finding> {
    const { members } = this;
    let misses = before;
    for (let i = from; i < members.length; i++) {
      const member = members[i] as Authenticator;
      const finding = member.authenticate(exchange);
      if (finding instanceof Promise) return this.#wait(exchange, i, misses, finding);
      if (isSomebody(finding)) return finding;
      misses = missed(misses, finding, member, exchange);
    }
    const { unavailable, refused, nobody, absent } = misses;
    if (unavailable?.isUnshown === true) return refused ?? nobody ?? unavailable;
    return unavailable ?? refused ?? nobody ?? absent ?? ABSENT;
  }

  async #wait(exchange: Exchange, at: number, misses: Misses, pending: Promise<Finding>): Promise<Finding> {
    const finding = await pending;
    if (isSomebody(finding)) return finding;
    const member = this.members[at] as Authenticator;
    return this.#ask(exchange, at + 1, missed(misses, finding, member, exchange));
  }
}

function isSomebody(finding: Finding): finding is Known {
  return finding.kind === 'known' && authenticated(finding.principal) !== undefined;
}

function missed(misses: Misses, finding: Finding, member: Authenticator, exchange: Exchange): Misses {
  switch (finding.kind) {
    case 'known':
      return { ...misses, nobody: misses.nobody ?? finding };
    case 'absent':
      return finding.answer === undefined || misses.absent !== undefined
        ? misses
        : { ...misses, absent: finding };
    case 'unavailable':
      return misses.unavailable === undefined || misses.unavailable.isUnshown === true
        ? { ...misses, unavailable: finding }
        : misses;
    case 'refused': {
      const { refused } = misses;
      const challenges = [...(refused?.challenges ?? []), member.challenge(finding, exchange)];
      // The first says why; the challenges are those of all that refused.
      return { ...misses, refused: { ...(refused ?? finding), challenges } };
    }
  }
}
