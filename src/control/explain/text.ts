import { relative } from 'node:path';
import type { ExplainedOutcome, Place, RequestExplanation } from './explain-request.ts';

export interface TextOptions {
  /** Files below it are shown relative to it. */
  readonly cwd: string;
  readonly color: boolean;
}

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
    case 'respond':
      return [bold(`Answer: ${outcome.status}, made here`)];
    case 'redirect':
      return [bold(`Answer: ${outcome.status}, Location: ${outcome.location}`)];
    case 'service': {
      const total = outcome.services.reduce((sum, { weight }) => sum + weight, 0);
      return outcome.services
        .flatMap(({ name, place, weight, targets }) => {
          const share = outcome.services.length > 1 ? ` ${weight} of ${total}` : '';
          const urls = targets.map((target) =>
            targets.length > 1 ? `${target.url} weight ${target.weight}` : target.url,
          );
          return [
            joined(`${bold(`Service: ${name}`)}${share}`, at(place)),
            ...urls.map((url) => `  target ${url}`),
          ];
        })
        .concat(
          `  path   ${outcome.upstreamPath}`,
          `  host   ${outcome.upstreamHost === 'target' ? "the target's" : outcome.upstreamHost}`,
        );
    }
  }
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
