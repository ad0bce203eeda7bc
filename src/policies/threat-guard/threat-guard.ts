import type { Answer, Exchange, PolicyContext, PolicyHooks, RequestView } from '../../policy/contract.ts';
import { decodePercent } from '../../policy/percent.ts';
import type { TriggerVisitor } from './automaton.ts';
import { CleanValues } from './clean-values.ts';
import { Exceptions } from './exceptions.ts';
import { type Finding, FindingReport } from './findings.ts';
import { ProbeText } from './probe-text.ts';
import { GROUPS, HEADER, PARAMETER, PATH, type Rule } from './rule.ts';
import { RULES } from './rules.ts';
import type { ThreatGuardOptions } from './schema.ts';
import { AUTOMATON, CLASSES, LENGTH_OF, QUERY_CLASSES, RULE_OF } from './triggers.ts';

/** The client is told the group, so that a user can ask about it; more would help to find a way round. */
const ANSWERS: ReadonlyMap<string, Answer> = new Map(
  GROUPS.map((group) => [
    group,
    {
      status: 403,
      code: 'threat_detected',
      detail: 'The request looks like an attack.',
      problem: { group },
    },
  ]),
);

/** Longest name of a parameter in the log. */
const MAX_NAME = 64;

/** One request at a time is looked at: nothing here waits. */
export class ThreatGuard implements PolicyHooks, TriggerVisitor {
  readonly #blocks: boolean;
  readonly #threshold: number;
  readonly #headers: readonly string[];
  readonly #exceptions: Exceptions;
  readonly #report: FindingReport;
  /** In which places each rule is looked for, as bits. */
  readonly #placesOf: Uint8Array;
  readonly #text = new ProbeText();
  /** By field, as `#headers`. */
  readonly #cleanValues: readonly CleanValues[];
  readonly #findings: Finding[] = [];
  #score = 0;
  /** How many requests and texts there were, and in which of them each rule was found or excepted: it is not asked again there. */
  #requests = 0;
  /** What was found in this request and excepted. */
  #excepted = 0;
  #texts = 0;
  readonly #foundIn = new Float64Array(RULES.length);
  readonly #exceptedIn = new Float64Array(RULES.length);
  /** Where the text is from: the request, the place, and the name of the parameter as a part of the query, or of the field. */
  #request: RequestView | undefined;
  #place = PATH;
  #nameStart = 0;
  #nameEnd = 0;
  #field = '';

  constructor(
    { mode, threshold, headers, disable, exceptions }: ThreatGuardOptions,
    context: Pick<PolicyContext, 'route' | 'warn' | 'count'>,
    now: () => number,
  ) {
    this.#blocks = mode === 'block';
    this.#threshold = threshold;
    this.#headers = headers;
    this.#cleanValues = headers.map(() => new CleanValues());
    this.#exceptions = new Exceptions(exceptions);
    this.#report = new FindingReport(mode, context, now);
    this.#placesOf = Uint8Array.from(RULES, ({ id, group, places }) =>
      disable.includes(id) || disable.includes(group) ? 0 : places,
    );
  }

  onRequest({ request }: Exchange): Answer | undefined {
    this.#request = request;
    this.#score = 0;
    this.#requests++;
    this.#findings.length = 0;
    this.#excepted = 0;
    this.#lookAtPath(request.path);
    if (request.search.length > 1) this.#lookAtQuery(request.search);
    for (let i = 0; i < this.#headers.length; i++) this.#lookAtField(request, i);
    return this.#findings.length === 0 ? undefined : this.#conclude();
  }

  onTrigger(trigger: number, end: number): boolean {
    const index = RULE_OF[trigger] as number;
    if (((this.#placesOf[index] as number) & this.#place) === 0) return false;
    if (this.#foundIn[index] === this.#requests || this.#exceptedIn[index] === this.#texts) return false;
    const rule = RULES[index] as Rule;
    const start = end - (LENGTH_OF[trigger] as number);
    if (rule.confirms !== undefined && !rule.confirms(this.#text, start, end)) return false;
    this.#find(index, rule);
    return this.#isEnough();
  }

  #lookAtPath(path: string): void {
    this.#place = PATH;
    this.#lookAtText(path, 0, path.length, false);
  }

  #lookAtText(text: string, from: number, to: number, plusIsSpace: boolean): void {
    // Nearly every text ends here.
    if (AUTOMATON.holdsNone(text, from, to, plusIsSpace ? QUERY_CLASSES : CLASSES)) return;
    this.#text.take(text, from, to, plusIsSpace);
    this.#texts++;
    AUTOMATON.scan(this.#text.octets, this.#text.length, this);
  }

  #lookAtQuery(search: string): void {
    this.#place = PARAMETER;
    let equals = 0;
    for (let start = 1; start < search.length && !this.#isEnough(); ) {
      const next = search.indexOf('&', start);
      const end = next < 0 ? search.length : next;
      // Looked for once for all parameters that have none.
      if (equals >= 0 && equals < start) equals = search.indexOf('=', start);
      const nameEnd = equals < 0 || equals > end ? end : equals;
      this.#nameStart = start;
      this.#nameEnd = nameEnd;
      this.#lookAtText(search, start, nameEnd, true);
      if (nameEnd < end) this.#lookAtText(search, nameEnd + 1, end, true);
      start = end + 1;
    }
  }

  #lookAtField({ fields }: RequestView, index: number): void {
    const name = this.#headers[index] as string;
    const first = fields.get(name);
    if (first === undefined) return;
    this.#place = HEADER;
    this.#field = name;
    const clean = this.#cleanValues[index] as CleanValues;
    if (!fields.repeats(name)) return this.#lookAtValue(first, clean);
    // A harmless one before it must not hide a probe.
    for (const value of fields.getAll(name)) this.#lookAtValue(value, clean);
  }

  #lookAtValue(value: string, clean: CleanValues): void {
    if (this.#isEnough() || clean.has(value)) return;
    // What was found before in this request, or is excepted on its path, is not looked for again: nothing is known of the value then.
    const before = this.#excepted + this.#findings.length;
    this.#lookAtText(value, 0, value.length, false);
    if (before === 0 && this.#excepted + this.#findings.length === 0) clean.add(value);
  }

  /** A report names every rule; to refuse, it is enough to be sure. */
  #isEnough(): boolean {
    return this.#blocks && this.#score >= this.#threshold;
  }

  #find(index: number, rule: Rule): void {
    const request = this.#request as RequestView;
    const parameter =
      this.#place === PARAMETER
        ? decodePercent(request.search.slice(this.#nameStart, this.#nameEnd), true)
        : undefined;
    if (this.#exceptions.cover(rule, request.path, parameter)) {
      this.#exceptedIn[index] = this.#texts;
      this.#excepted++;
      return;
    }
    this.#foundIn[index] = this.#requests;
    const named = parameter ?? this.#field;
    const place =
      this.#place === PATH
        ? 'the path'
        : `the ${parameter === undefined ? 'field' : 'parameter'} ${JSON.stringify(named.slice(0, MAX_NAME))}`;
    this.#findings.push({ rule, place });
    this.#score += rule.score;
  }

  #conclude(): Answer | undefined {
    if (this.#score < this.#threshold) return undefined;
    this.#report.tell(this.#findings);
    if (!this.#blocks) return undefined;
    const worst = this.#findings.reduce((a, b) => (b.rule.score > a.rule.score ? b : a));
    return ANSWERS.get(worst.rule.group);
  }
}
