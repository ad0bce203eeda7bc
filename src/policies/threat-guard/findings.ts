import type { PolicyContext } from '../../policy/contract.ts';
import type { Rule } from './rule.ts';

/** One rule of which a request holds a sign. */
export interface Finding {
  readonly rule: Rule;
  /** For the log, such as `the parameter "id"`. No value: it may be secret. */
  readonly place: string;
}

const INTERVAL_MS = 10_000;

interface Told {
  atMs: number;
  since: number;
}

/** Counts every finding under its rule, and logs one in ten seconds of each. */
export class FindingReport {
  readonly #context: Pick<PolicyContext, 'route' | 'warn' | 'count'>;
  readonly #verb: string;
  readonly #now: () => number;
  readonly #told = new Map<Rule, Told>();

  constructor(
    mode: 'report' | 'block',
    context: Pick<PolicyContext, 'route' | 'warn' | 'count'>,
    now: () => number,
  ) {
    this.#context = context;
    this.#verb = mode === 'block' ? 'refused' : 'would refuse';
    this.#now = now;
  }

  tell(findings: readonly Finding[]): void {
    for (const finding of findings) {
      this.#context.count(finding.rule.id);
      this.#log(finding);
    }
  }

  #log({ rule, place }: Finding): void {
    const now = this.#now();
    const told = this.#told.get(rule);
    if (told !== undefined && now - told.atMs < INTERVAL_MS) {
      told.since++;
      return;
    }
    const others = told === undefined || told.since === 0 ? '' : `; ${told.since} more since the last line`;
    this.#told.set(rule, { atMs: now, since: 0 });
    const { route, warn } = this.#context;
    warn(`threat-guard ${this.#verb} a request to the route "${route}": ${rule.id} in ${place}${others}`);
  }
}
