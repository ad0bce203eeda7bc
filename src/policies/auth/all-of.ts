import type {
  Absent,
  Authenticator,
  Finding,
  Known,
  Refused,
  Unavailable,
} from '../../identity/authenticator.ts';
import type { Exchange } from '../../policy/contract.ts';
import { Combined, type CombinedRefusal } from './combined.ts';
import { joinPrincipals } from './join-principals.ts';

/** What the methods asked until now found. */
interface Found {
  readonly known: Known | undefined;
  readonly missing: readonly Authenticator[];
  readonly absent: Absent | undefined;
  /** One that was shown credentials, or else one that was not. */
  readonly unavailable: Unavailable | undefined;
}

const NOTHING: Found = { known: undefined, missing: [], absent: undefined, unavailable: undefined };

/**
 * Whoever every method knows: the first says who it is. Credentials of some and not of others are refused, never anonymous; and what is wrong or
 * missing is so whatever one would have said that could not be asked.
 */
export class AllOf extends Combined implements Authenticator {
  readonly method = 'all';

  authenticate(exchange: Exchange): Finding | Promise<Finding> {
    return this.#ask(exchange, 0, NOTHING);
  }

  #ask(exchange: Exchange, from: number, before: Found): Finding | Promise<Finding> {
    const { members } = this;
    let found = before;
    for (let i = from; i < members.length; i++) {
      const member = members[i] as Authenticator;
      const finding = member.authenticate(exchange);
      if (finding instanceof Promise) return this.#wait(exchange, i, found, finding);
      const next = added(found, finding, member, exchange);
      if ('kind' in next) return next;
      found = next;
    }
    return concluded(found, exchange);
  }

  async #wait(exchange: Exchange, at: number, before: Found, pending: Promise<Finding>): Promise<Finding> {
    const next = added(before, await pending, this.members[at] as Authenticator, exchange);
    return 'kind' in next ? next : this.#ask(exchange, at + 1, next);
  }
}

function added(found: Found, finding: Finding, member: Authenticator, exchange: Exchange): Found | Refused {
  switch (finding.kind) {
    case 'unavailable': {
      const { unavailable } = found;
      const isFirst = unavailable === undefined || unavailable.isUnshown === true;
      return isFirst ? { ...found, unavailable: finding } : found;
    }
    case 'refused':
      return refusal(finding, [member.challenge(finding, exchange)]);
    case 'absent':
      return { ...found, absent: found.absent ?? finding, missing: [...found.missing, member] };
    case 'known': {
      const { known } = found;
      if (known === undefined) return { ...found, known: finding };
      const principal = joinPrincipals(known.principal, finding.principal);
      return { ...found, known: { kind: 'known', principal, token: known.token ?? finding.token } };
    }
  }
}

function concluded({ known, missing, absent, unavailable }: Found, exchange: Exchange): Finding {
  if (absent === undefined) return unavailable ?? (known as Known);
  const isShown = known !== undefined || (unavailable !== undefined && unavailable.isUnshown !== true);
  if (!isShown) return unavailable ?? absent;
  const { answer } = absent;
  return refusal(
    answer === undefined ? PARTIAL : { ...PARTIAL, answer },
    missing.map((member) => member.challenge(absent, exchange)),
  );
}

const PARTIAL: Refused = {
  kind: 'refused',
  code: 'unauthenticated',
  detail: 'The request has some of the credentials that it needs, but not all.',
};

function refusal(finding: Refused, challenges: CombinedRefusal['challenges']): CombinedRefusal {
  return { ...finding, challenges };
}
