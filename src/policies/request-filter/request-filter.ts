import type { Answer, Exchange, PolicyContext, PolicyHooks, RequestView } from '../../policy/contract.ts';
import { CompiledRule } from './rule.ts';
import type { RequestFilterOptions } from './schema.ts';

export class RequestFilter implements PolicyHooks {
  readonly #allow: readonly CompiledRule[] | undefined;
  readonly #deny: readonly CompiledRule[];
  /** Of each rule of `#deny`. */
  readonly #denials: readonly Answer[];
  readonly #notAllowed: Answer;
  readonly #exempts: boolean;
  readonly #report: boolean;
  readonly #context: Pick<PolicyContext, 'count'>;

  constructor(
    { allow, deny = [], code, prefer, report }: RequestFilterOptions,
    context: Pick<PolicyContext, 'count'>,
  ) {
    this.#allow = allow?.map((rule) => new CompiledRule(rule, 'every'));
    this.#deny = deny.map((rule) => new CompiledRule(rule, 'some'));
    this.#denials = deny.map((rule) => forbidden(rule.code ?? code));
    this.#notAllowed = forbidden(code);
    this.#exempts = prefer === 'allow';
    this.#report = report;
    this.#context = context;
  }

  onRequest({ request }: Exchange): Answer | undefined {
    const answer = this.#judge(request);
    if (answer === undefined || !this.#report) return answer;
    this.#context.count('reported_request');
    return undefined;
  }

  #judge(request: RequestView): Answer | undefined {
    const denied = indexOfMatch(this.#deny, request);
    if (denied !== -1) return this.#exempts && this.#isAllowed(request) ? undefined : this.#denials[denied];
    return this.#exempts || this.#isAllowed(request) ? undefined : this.#notAllowed;
  }

  #isAllowed(request: RequestView): boolean {
    return this.#allow === undefined || indexOfMatch(this.#allow, request) !== -1;
  }
}

function indexOfMatch(rules: readonly CompiledRule[], request: RequestView): number {
  for (let i = 0; i < rules.length; i++) if ((rules[i] as CompiledRule).matches(request)) return i;
  return -1;
}

/** RFC 9110 section 15.5.4. */
function forbidden(code: string): Answer {
  return { status: 403, code, detail: 'Requests like this one are not accepted here.' };
}
