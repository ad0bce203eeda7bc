import type { Rule } from './rule.ts';
import type { ThreatGuardOptions } from './schema.ts';

/** What the configuration lets through. Asked only where a rule has found something. */
export class Exceptions {
  readonly #list: ThreatGuardOptions['exceptions'];

  constructor(list: ThreatGuardOptions['exceptions']) {
    this.#list = list;
  }

  /** `parameter` is the decoded name where it was found; undefined: not in the query. */
  cover({ id, group }: Rule, path: string, parameter: string | undefined): boolean {
    return this.#list.some(
      ({ paths, parameters, rules }) =>
        (paths === undefined || paths.some((pattern) => isAt(path, pattern))) &&
        (parameters === undefined || (parameter !== undefined && parameters.includes(parameter))) &&
        (rules === undefined || rules.includes(id) || rules.includes(group)),
    );
  }
}

/** As in a route's `match`: `/docs/*` is `/docs` and all below it. */
function isAt(path: string, pattern: string): boolean {
  if (!pattern.endsWith('/*')) return path === pattern;
  const base = pattern.slice(0, -2);
  return path === base || path.startsWith(`${base}/`);
}
