import type { Answer, Exchange, PolicyContext, PolicyHooks, RequestView } from '../../policy/contract.ts';
import type { ListNamed } from './matcher.ts';
import { RuleIndex } from './rule-index.ts';
import type { RequestFilterOptions, Rule } from './schema.ts';

export class RequestFilter implements PolicyHooks {
  readonly #allow: RuleIndex | undefined;
  readonly #deny: RuleIndex;
  /** Of each rule of `#deny`. */
  readonly #denials: readonly Answer[];
  readonly #notAllowed: Answer;
  readonly #exempts: boolean;
  readonly #report: boolean;
  readonly #context: Pick<PolicyContext, 'count'>;

  /** Throws an Error when there is no list of a name. */
  constructor(
    { allow, deny = [], code, prefer, report }: RequestFilterOptions,
    context: Pick<PolicyContext, 'count' | 'textList'>,
  ) {
    const listNamed = (name: string) => context.textList(name);
    this.#allow = allow && indexFor(allow, 'every', listNamed);
    this.#deny = indexFor(deny, 'some', listNamed);
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
    const denied = this.#deny.find(request);
    if (denied !== -1) return this.#exempts && this.#isAllowed(request) ? undefined : this.#denials[denied];
    return this.#exempts || this.#isAllowed(request) ? undefined : this.#notAllowed;
  }

  #isAllowed(request: RequestView): boolean {
    return this.#allow === undefined || this.#allow.find(request) !== -1;
  }
}

/** A global use is made for each route, of one and the same options: its rules are compiled once. */
const indexes = new WeakMap<readonly Rule[], RuleIndex>();

function indexFor(rules: readonly Rule[], values: 'some' | 'every', listNamed: ListNamed): RuleIndex {
  let index = indexes.get(rules);
  if (index === undefined) indexes.set(rules, (index = new RuleIndex(rules, values, listNamed)));
  return index;
}

/** RFC 9110 section 15.5.4. */
function forbidden(code: string): Answer {
  return { status: 403, code, detail: 'Requests like this one are not accepted here.' };
}
