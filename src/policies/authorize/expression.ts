import { type ASTNode, Environment, EvaluationError, ParseError, TypeError } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { z } from 'zod';
import { nearest } from '../../lib/nearest.ts';
import type { Exchange } from '../../policy/contract.ts';
import type { Principal } from '../../policy/principal.ts';
import {
  CLIENT_FIELDS,
  ClientFacts,
  PRINCIPAL_FIELDS,
  PrincipalFacts,
  REQUEST_FIELDS,
  RequestFacts,
} from './facts.ts';
import { Meter } from './meter.ts';

const MAX_CHARS = 4096;
/** A sensible one needs no more; what they cost for a request is counted besides. */
const MAX_NESTED_LOOPS = 2;
const LIMITS = {
  maxAstNodes: 1000,
  maxDepth: 64,
  maxListElements: 500,
  maxMapEntries: 100,
  maxCallArguments: 16,
};
const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'bind']);
/** Stands in for CEL's own `matches`, which takes JavaScript's expressions, whose time has no bound. */
const LINEAR_MATCHES = 'matchesLinearly';

const VARIABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  principal: PRINCIPAL_FIELDS,
  request: REQUEST_FIELDS,
  client: CLIENT_FIELDS,
};

/** Why a text is not an expression: `position` counts characters from 0. */
export class ExpressionError {
  readonly position: number;
  readonly reason: string;
  readonly suggestion: string | undefined;

  constructor(position: number, reason: string, suggestion?: string) {
    this.position = position;
    this.reason = reason;
    this.suggestion = suggestion;
  }

  /** The whole in one sentence. */
  get message(): string {
    const end = this.suggestion === undefined ? '' : `: did you mean ${this.suggestion}?`;
    return `${this.reason} (character ${this.position + 1})${end}`;
  }
}

/** A condition in the Common Expression Language (https://cel.dev), checked and bounded when it is compiled. */
export class Expression {
  readonly text: string;
  /** What it says of one principal it says of every request of that principal. */
  readonly isOfPrincipal: boolean;
  readonly #evaluate: (context: Record<string, unknown>) => unknown;
  readonly #names: ReadonlySet<string>;
  readonly #meter: Meter;

  constructor(
    text: string,
    evaluate: (context: Record<string, unknown>) => unknown,
    { isOfPrincipal, names, meter }: Survey,
  ) {
    this.text = text;
    this.#evaluate = evaluate;
    this.isOfPrincipal = isOfPrincipal;
    this.#names = names;
    this.#meter = meter;
  }

  /** Throws an Error that says what of the request is not as the expression expects it, such as a claim that is not there. */
  holds(exchange: Exchange, principal: Principal): boolean {
    try {
      this.#meter.reset();
      const value = this.#evaluate({
        principal: new PrincipalFacts(principal),
        claims: principal.claims,
        request: new RequestFacts(exchange, this.#names),
        client: new ClientFacts(exchange.client.address),
      });
      // CEL's `||` and loops pass over an error where something else decides.
      this.#meter.check();
      if (typeof value === 'boolean') return value;
    } catch (error) {
      // Without the library's own picture of the place: it is several lines.
      if (error instanceof EvaluationError)
        throw new Error(`${error.summary}${placeOf(error.range?.start)}`, { cause: error });
      throw error;
    }
    throw new Error('the expression is neither true nor false');
  }
}

function placeOf(position: number | undefined): string {
  return position === undefined ? '' : ` (character ${position + 1})`;
}

/** Compiles and checks an expression. */
export function compileExpression(text: string): Expression | ExpressionError {
  if (text.length > MAX_CHARS)
    return new ExpressionError(MAX_CHARS, `is longer than ${MAX_CHARS} characters`);
  const patterns = new Map<string, RE2JS>();
  const meter = new Meter();
  const environment = environmentWith(patterns, meter);
  try {
    const parsed = environment.parse(text);
    const survey = new Survey(patterns, meter);
    survey.visit(parsed.ast, 0);
    if (survey.problem !== undefined) return survey.problem;
    const checked = parsed.check();
    if (!checked.valid)
      return checked.error === undefined
        ? new ExpressionError(0, 'has no type')
        : explain(checked.error, text);
    if (checked.type !== 'bool' && checked.type !== 'dyn')
      return new ExpressionError(0, `is of type ${checked.type}, not true or false`);
    return new Expression(text, parsed, survey);
  } catch (error) {
    if (error instanceof ParseError || error instanceof TypeError || error instanceof EvaluationError)
      return explain(error, text);
    throw error;
  }
}

function environmentWith(patterns: ReadonlyMap<string, RE2JS>, meter: Meter): Environment {
  return new Environment({ limits: LIMITS, enableOptionalTypes: true })
    .registerType('Principal', { ctor: PrincipalFacts, fields: PRINCIPAL_FIELDS })
    .registerType('Request', { ctor: RequestFacts, fields: REQUEST_FIELDS })
    .registerType('Client', { ctor: ClientFacts, fields: CLIENT_FIELDS })
    .registerVariable('principal', 'Principal')
    .registerVariable('claims', 'map<string, dyn>')
    .registerVariable('request', 'Request')
    .registerVariable('client', 'Client')
    .registerFunction(`string.${LINEAR_MATCHES}(string): bool`, (value: string, pattern: string) => {
      meter.spend(value.length);
      return patterns.get(pattern)?.matcher(value).find() ?? false;
    });
}

/** Walks through an expression: what it asks for, and whether its cost is bounded. */
class Survey {
  isOfPrincipal = true;
  /** Every name and text in it: among them are the captures that it may ask for. */
  readonly names = new Set<string>();
  problem: ExpressionError | undefined;
  /** Watches what loops do. */
  readonly meter: Meter;
  readonly #patterns: Map<string, RE2JS>;

  constructor(patterns: Map<string, RE2JS>, meter: Meter) {
    this.#patterns = patterns;
    this.meter = meter;
  }

  visit(node: unknown, loops: number): void {
    if (Array.isArray(node)) {
      for (const one of node) this.visit(one, loops);
      return;
    }
    if (!isNode(node)) return;
    if (loops > 0) this.meter.watch(node);
    const { op, args } = node;
    if (op === 'id' && (args === 'request' || args === 'client')) this.isOfPrincipal = false;
    if (op === 'value' && typeof args === 'string') this.names.add(args);
    if ((op === '.' || op === '.?') && typeof args[1] === 'string') this.names.add(args[1]);
    const isLoop = op === 'rcall' && LOOPS.has(args[0]);
    if (isLoop && loops >= MAX_NESTED_LOOPS)
      this.problem ??= new ExpressionError(
        node.start,
        `has more than ${MAX_NESTED_LOOPS} loops in each other`,
      );
    if (op === 'rcall' && args[0] === 'matches') this.#takeMatches(node, args[2]);
    this.visit(args, isLoop ? loops + 1 : loops);
  }

  #takeMatches(node: ASTNode & { op: 'rcall' }, [argument]: readonly ASTNode[]): void {
    if (argument?.op !== 'value' || typeof argument.args !== 'string') {
      const reason = 'the pattern of matches has to be written out';
      this.problem ??= new ExpressionError(argument?.start ?? node.start, reason);
      return;
    }
    try {
      this.#patterns.set(argument.args, RE2JS.compile(argument.args));
      node.args[0] = LINEAR_MATCHES;
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : '';
      this.problem ??= new ExpressionError(argument.start, `is not a pattern: ${reason}`);
    }
  }
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function explain(error: ParseError | TypeError | EvaluationError, text: string): ExpressionError {
  const start = error.range?.start ?? 0;
  const end = error.range?.end ?? start;
  const reason =
    error.summary.slice(0, 1).toLowerCase() + error.summary.slice(1).replaceAll(LINEAR_MATCHES, 'matches');
  return new ExpressionError(start, reason, suggestionFor(error.code, text, start, end));
}

function suggestionFor(code: string, text: string, start: number, end: number): string | undefined {
  const written = text.slice(start, end);
  if (code === 'unknown_variable') return nearest(written, [...Object.keys(VARIABLES), 'claims']);
  if (code === 'no_such_key') {
    const owner = /(\w+)\.\??$/.exec(text.slice(0, start))?.[1] ?? '';
    return nearest(written, Object.keys(VARIABLES[owner] ?? {}));
  }
  if (code === 'unexpected_character' && text.slice(start - 2, end).startsWith('==')) return '==';
  if (code === 'unexpected_character' && written === '&') return '&&';
  if (code === 'unexpected_character' && written === '|') return '||';
  return undefined;
}

/** Schema of an expression: text in, compiled expression out. */
export function expression(description: string) {
  return z
    .string()
    .min(1)
    .transform((text, context): Expression => {
      const compiled = compileExpression(text);
      if (compiled instanceof Expression) return compiled;
      context.addIssue({ code: 'custom', message: compiled.message });
      return z.NEVER;
    })
    .describe(description);
}
