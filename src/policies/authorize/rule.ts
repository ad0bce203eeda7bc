import type { Answer, Exchange } from '../../policy/contract.ts';
import type { Principal } from '../../policy/principal.ts';
import { FORBIDDEN } from '../refusals.ts';
import type { Expression } from './expression.ts';
import type { Requirement } from './schema.ts';

/** A test of the principal alone: what it answers with, or undefined. */
type Check = (principal: Principal) => Answer | undefined;

type Names = 'scopes' | 'roles' | 'groups';

/** What a request needs of its caller, compiled: tests of the principal first, the expression last. */
export class Rule {
  readonly #checks: readonly Check[];
  readonly #when: Expression | undefined;
  /** What an expression that looks at nothing but the principal said; the principal of a token or a key stands for many requests. */
  readonly #known = new WeakMap<Principal, boolean>();
  readonly #failed: (cause: unknown) => void;

  /** `failed` is told of an expression that fails: the request is then refused. */
  constructor({ consumers, groups, roles, scopes, when }: Requirement, failed: (cause: unknown) => void) {
    const checks: Check[] = [];
    if (consumers !== undefined) checks.push(listedConsumer(consumers.allow, consumers.deny));
    if (groups !== undefined) checks.push(listedGroup(groups.allow, groups.deny));
    if (roles !== undefined) checks.push(having('roles', roles, FORBIDDEN));
    // Last, since it tells the caller what would help.
    if (scopes !== undefined) checks.push(having('scopes', scopes, insufficientScope(scopes)));
    this.#checks = checks;
    this.#when = when;
    this.#failed = failed;
  }

  refusal(exchange: Exchange, principal: Principal): Answer | undefined {
    const checks = this.#checks;
    for (let i = 0; i < checks.length; i++) {
      const answer = (checks[i] as Check)(principal);
      if (answer !== undefined) return answer;
    }
    const when = this.#when;
    return when === undefined || this.#holds(when, exchange, principal) ? undefined : FORBIDDEN;
  }

  #holds(when: Expression, exchange: Exchange, principal: Principal): boolean {
    if (!when.isOfPrincipal) return this.#evaluate(when, exchange, principal);
    let holds = this.#known.get(principal);
    if (holds === undefined) {
      holds = this.#evaluate(when, exchange, principal);
      this.#known.set(principal, holds);
    }
    return holds;
  }

  #evaluate(when: Expression, exchange: Exchange, principal: Principal): boolean {
    try {
      return when.holds(exchange, principal);
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }
}

interface Quantified {
  readonly some?: readonly string[] | undefined;
  readonly every?: readonly string[] | undefined;
}

function having(key: Names, { some, every }: Quantified, answer: Answer): Check {
  return (principal) => {
    const had = principal[key];
    if (every !== undefined) for (const name of every) if (!had.includes(name)) return answer;
    return some === undefined || meets(had, some) ? undefined : answer;
  };
}

function listedGroup(allow: readonly string[] | undefined, deny: readonly string[] | undefined): Check {
  return ({ groups }) => {
    if (deny !== undefined && meets(groups, deny)) return FORBIDDEN;
    return allow === undefined || meets(groups, allow) ? undefined : FORBIDDEN;
  };
}

function listedConsumer(allow: readonly string[] | undefined, deny: readonly string[] | undefined): Check {
  const allowed = allow && new Set(allow);
  const denied = new Set(deny);
  return ({ consumer }) => {
    if (denied.has(consumer)) return FORBIDDEN;
    return allowed === undefined || allowed.has(consumer) ? undefined : FORBIDDEN;
  };
}

function meets(had: readonly string[], wanted: readonly string[]): boolean {
  for (let i = 0; i < wanted.length; i++) if (had.includes(wanted[i] as string)) return true;
  return false;
}

/** RFC 6750 section 3.1: the challenge names the scopes that would do. */
function insufficientScope({ some = [], every = [] }: Quantified): Answer {
  const scope = [...new Set([...every, ...some])].join(' ');
  return {
    status: 403,
    code: 'insufficient_scope',
    detail: 'The credentials do not have the scope that this needs.',
    headers: { 'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
    problem: { scope },
  };
}
