import { relative } from 'node:path';
import type { ExplainedOutcome, ExplainedSplit, RequestExplanation } from './explain-request.ts';
import type { Place } from './place.ts';
import { type Row, serviceRows } from './service-text.ts';

export interface TextOptions {
  /** Files below it are shown relative to it. */
  readonly cwd: string;
  readonly color: boolean;
}

/** So that services with few lines look alike. */
const MIN_NAME_CHARS = 6;

/** The explanation for people. */
export function explanationText(explanation: RequestExplanation, options: TextOptions): string {
  const { request, route, policies, outcome, others } = explanation;
  const bold = (text: string): string => (options.color ? `\x1b[1m${text}\x1b[22m` : text);
  const dim = (text: string): string => (options.color ? `\x1b[2m${text}\x1b[22m` : text);
  const at = (place: Place | undefined): string =>
    place === undefined ? '' : dim(`(${placeText(place, options.cwd)})`);
  const lines = [`${request.method} ${request.url}`, ''];
  if (route === undefined) lines.push(bold('Route: none'));
  else {
    const pattern = route.pattern === undefined ? '' : ` by path ${route.pattern}`;
    const preflight = route.preflightFor === undefined ? '' : `, as the preflight of a ${route.preflightFor}`;
    lines.push(joined(bold(`Route: ${route.name}`), `${at(route.place)}${pattern}${preflight}`));
    for (const [name, value] of Object.entries(route.captures))
      lines.push(`  ${name === '*' ? '/*' : name} = ${value}`);
  }
  if (policies.length > 0) {
    lines.push('', bold('Policies, in the order in which they run:'));
    const stages = width(policies.map(({ stage }) => stage));
    const names = width(policies.map(({ name }) => name));
    for (const { stage, name, from, place } of policies) {
      const global = from === 'global' ? ' every route' : '';
      lines.push(joined(`  ${stage.padEnd(stages)}  ${name.padEnd(names)} `, `${at(place)}${global}`));
    }
  }
  lines.push('', ...outcomeLines(outcome, at, bold));
  if (others.length > 0) {
    lines.push('', bold('Other routes, and why not:'));
    const names = width(others.map((other) => other.route));
    for (const other of others)
      lines.push(joined(`  ${other.route.padEnd(names)}  ${other.detail}`, at(other.place)));
  }
  return `${lines.join('\n')}\n`;
}

function outcomeLines(
  outcome: ExplainedOutcome,
  at: (place: Place | undefined) => string,
  bold: (text: string) => string,
): string[] {
  switch (outcome.kind) {
    case 'not_found':
      return [bold('Answer: 404 route_not_found')];
    case 'method_not_allowed':
      return [bold(`Answer: 405 method_not_allowed, Allow: ${outcome.allow.join(', ')}`)];
    case 'disabled':
      return [bold('Answer: 404 route_disabled, at once')];
    case 'respond':
      return [bold(`Answer: ${outcome.status}, made here`)];
    case 'redirect':
      return [bold(`Answer: ${outcome.status}, Location: ${outcome.location}`)];
    case 'login':
      return [joined(bold(`Answer: a page of the login of ${outcome.session}`), at(outcome.place))];
    case 'service':
      return serviceLines(outcome, at, bold);
  }
}

function serviceLines(
  { services, upstreamPath, upstreamHost, split, mirror }: Extract<ExplainedOutcome, { kind: 'service' }>,
  at: (place: Place | undefined) => string,
  bold: (text: string) => string,
): string[] {
  const total = services.reduce((sum, { weight }) => sum + weight, 0);
  const blocks = services.map((service): [head: string, rows: Row[]] => {
    const share = services.length > 1 ? ` ${service.weight} of ${total}` : '';
    return [joined(`${bold(`Service: ${service.name}`)}${share}`, at(service.place)), serviceRows(service)];
  });
  const request: Row[] = [
    { name: 'path', text: upstreamPath },
    { name: 'host', text: upstreamHost === 'target' ? "the target's" : upstreamHost },
    ...(split === undefined ? [] : splitRows(split)),
  ];
  const names = width([...blocks.flatMap(([, rows]) => rows), ...request].map(({ name }) => name));
  const line = ({ name, text, place }: Row): string =>
    joined(`  ${name.padEnd(Math.max(names, MIN_NAME_CHARS))} ${text}`, at(place));
  return [
    ...blocks.flatMap(([head, rows]) => [head, ...rows.map(line)]),
    ...request.map(line),
    ...(split === undefined ? [] : choiceLines(split)),
    ...(mirror === undefined
      ? []
      : [joined(`${bold(`Mirror: ${mirror.name}`)} ${mirror.percent} %`, at(mirror.place))]),
  ];
}

function splitRows({ by }: ExplainedSplit): Row[] {
  if (by === undefined) return [];
  if (by.cookie !== undefined) {
    const set = by.cookie.set ? ', which the gateway sets' : '';
    return [{ name: 'split', text: `by the cookie ${by.cookie.name}${set}` }];
  }
  return [
    {
      name: 'split',
      text: `by ${by.header === undefined ? "the client's address" : `the header ${by.header}`}`,
    },
  ];
}

function choiceLines({ override, chosen }: ExplainedSplit): string[] {
  const lines: string[] = [];
  if (override !== undefined) {
    const place = override.header === undefined ? `cookie ${override.cookie}` : `header ${override.header}`;
    const values = override.values === undefined ? '' : `: ${Object.keys(override.values).join(', ')}`;
    lines.push(`  chosen by the ${place}${values}, if the request has it`);
  }
  if (chosen !== undefined) {
    const because = chosen.because === 'override' ? 'it names it' : 'that is where its client stays';
    lines.push(`  this request goes to ${chosen.service}: ${because}`);
  }
  return lines;
}

function placeText(place: Place, cwd: string): string {
  const short = relative(cwd, place.file);
  return `${short.startsWith('..') ? place.file : short}:${place.line}`;
}

function joined(left: string, right: string): string {
  return right === '' ? left.trimEnd() : `${left} ${right}`;
}

function width(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}
