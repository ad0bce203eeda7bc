import { z } from 'zod';
import type { Exchange } from './contract.ts';
import {
  decodeOctets,
  decodePercent,
  encodePlain,
  encodeRest,
  IN_PATH,
  IN_QUERY,
  IN_SEGMENT,
} from './percent.ts';
import { findVariable, VARIABLES, type Variable } from './template-variables.ts';

const MAX_LENGTH = 16_384;

/** Why a text is not a template: `position` counts characters from 0. */
export class TemplateError {
  readonly position: number;
  readonly reason: string;
  /** What may have been meant, as it would stand in the text, such as `${request.id}`. */
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

/**
 * A text with values of the request in it. The four ways to render differ in what a value may do there; the text between the
 * values is always taken as it was written. A missing value is empty.
 */
export class Template {
  /** As written. */
  readonly text: string;
  /** The whole text when there is no variable in it, else undefined. */
  readonly constant: string | undefined;
  /** One more than variables: what stands before, between and after them. */
  readonly #literals: readonly string[];
  readonly #variables: readonly Variable[];

  constructor(text: string, literals: readonly string[], variables: readonly Variable[]) {
    this.text = text;
    this.#literals = literals;
    this.#variables = variables;
    this.constant = variables.length === 0 ? literals[0] : undefined;
  }

  /** What was written between the variables, before the first and after the last. */
  get literals(): readonly string[] {
    return this.#literals;
  }

  /** Whether nothing but the principal makes a difference to it. */
  get isOfPrincipal(): boolean {
    return this.#variables.every(({ encoding }) => encoding === 'escaped');
  }

  /** The same variables with other text between them. */
  withLiterals(change: (literal: string) => string): Template {
    return new Template(this.text, this.#literals.map(change), this.#variables);
  }

  /**
   * For a field value: each value as it was sent. Captures and query values stay percent-encoded, and what is known of the principal is
   * escaped, so that none can hold CR, LF or another character that a field may not hold.
   */
  render(exchange: Exchange): string {
    const literals = this.#literals;
    const variables = this.#variables;
    let out = literals[0] as string;
    for (let i = 0; i < variables.length; i++) {
      out += (variables[i] as Variable).read(exchange) + (literals[i + 1] as string);
    }
    return out;
  }

  /**
   * For a path: a value is percent-encoded so that it stays within its segment; `request.path` keeps its slashes. Undefined when a
   * value is missing, for `/users/${query.id}/x` without it is another resource's path. Dot segments can still come about and
   * are the caller's to refuse.
   */
  renderPath(exchange: Exchange): string | undefined {
    const literals = this.#literals;
    const variables = this.#variables;
    let out = literals[0] as string;
    for (let i = 0; i < variables.length; i++) {
      const variable = variables[i] as Variable;
      const value = variable.read(exchange);
      if (value === '') return undefined;
      out += valueInPath(variable, value) + (literals[i + 1] as string);
    }
    return out;
  }

  /** For the value of a query's parameter: a value is percent-encoded so that it cannot begin another parameter. */
  renderQuery(exchange: Exchange): string {
    return this.#renderWith(exchange, valueInQuery);
  }

  /** For a body: values are decoded (percent-encoding, then UTF-8) and then given to `escape`. */
  renderText(exchange: Exchange, escape: (value: string) => string): string {
    return this.#renderWith(exchange, valueInText, escape);
  }

  #renderWith(
    exchange: Exchange,
    convert: (variable: Variable, value: string) => string,
    escape?: (value: string) => string,
  ): string {
    const literals = this.#literals;
    const variables = this.#variables;
    let out = literals[0] as string;
    for (let i = 0; i < variables.length; i++) {
      const variable = variables[i] as Variable;
      const value = convert(variable, variable.read(exchange));
      out += (escape === undefined ? value : escape(value)) + (literals[i + 1] as string);
    }
    return out;
  }
}

function valueInPath(variable: Variable, value: string): string {
  switch (variable.encoding) {
    case 'plain':
      return encodePlain(value, IN_SEGMENT);
    case 'segment':
    case 'path':
      return encodeRest(value, IN_PATH);
    case 'escaped':
      return encodeRest(value, IN_SEGMENT);
    case 'form':
      return encodeRest(value.includes('+') ? value.replaceAll('+', '%20') : value, IN_SEGMENT);
  }
}

function valueInQuery(variable: Variable, value: string): string {
  switch (variable.encoding) {
    case 'plain':
      return encodePlain(value, IN_QUERY);
    case 'segment':
    case 'path':
    case 'escaped':
      return encodeRest(value, IN_QUERY);
    case 'form':
      return encodeRest(value.includes('+') ? value.replaceAll('+', '%20') : value, IN_QUERY);
  }
}

function valueInText(variable: Variable, value: string): string {
  return variable.encoding === 'plain'
    ? decodeOctets(value)
    : decodePercent(value, variable.encoding === 'form');
}

/**
 * Compiles a text with `${...}` in it. `$${` stands for `${`; a `$` before anything else is itself. The variables are those of
 * `VARIABLES` in template-variables.ts; any other is an error.
 */
export function compileTemplate(text: string): Template | TemplateError {
  if (text.length > MAX_LENGTH)
    return new TemplateError(MAX_LENGTH, `is longer than ${MAX_LENGTH} characters`);
  const literals: string[] = [];
  const variables: Variable[] = [];
  let literal = '';
  let from = 0;
  for (;;) {
    const open = text.indexOf('${', from);
    if (open < 0) break;
    if (open > from && text[open - 1] === '$') {
      literal += `${text.slice(from, open - 1)}\${`;
      from = open + 2;
      continue;
    }
    const close = text.indexOf('}', open);
    if (close < 0)
      return new TemplateError(open, '${ has no closing brace; for the characters themselves write $${');
    const found = findVariable(text.slice(open + 2, close));
    if ('reason' in found) {
      const suggestion = found.suggestion === undefined ? undefined : `\${${found.suggestion}}`;
      const reason =
        suggestion === undefined
          ? `${found.reason}; the variables are ${VARIABLES.join(', ')}`
          : found.reason;
      return new TemplateError(open, reason, suggestion);
    }
    literals.push(literal + text.slice(from, open));
    literal = '';
    variables.push(found);
    from = close + 1;
  }
  literals.push(literal + text.slice(from));
  return new Template(text, literals, variables);
}

/** Schema of a template: text in, compiled template out. `check` may refuse a template that compiled, by saying why. */
export function template(description: string, check?: (template: Template) => string | undefined) {
  return z
    .string()
    .transform((text, context): Template => {
      const compiled = compileTemplate(text);
      const reason = compiled instanceof TemplateError ? compiled.message : check?.(compiled);
      if (reason === undefined && compiled instanceof Template) return compiled;
      context.addIssue({ code: 'custom', message: reason ?? 'is not a template' });
      return z.NEVER;
    })
    .describe(description);
}
