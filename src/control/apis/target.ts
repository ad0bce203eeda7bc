import { isRecord } from '../../lib/is-record.ts';
import { nearest } from '../../lib/nearest.ts';
import type { Problem } from '../config/problem.ts';
import { namesOf } from '../config/references.ts';
import { functionSchema } from './function-schema.ts';

/** What does the work of an API. */
export type Target =
  | { readonly kind: 'service'; readonly service: string }
  | {
      readonly kind: 'function';
      readonly name: string;
      readonly service: string;
      /** As it is written. */
      readonly written: Readonly<Record<string, unknown>>;
    }
  /** There is none yet: requests get 503, and `reason` is a sentence about it. */
  | {
      readonly kind: 'absent';
      readonly reason: string;
      /** Key of the API that names it, and what was probably meant. */
      readonly named?: 'service' | 'function';
      readonly suggestion?: string | undefined;
    };

const WAITS = 'its requests get 503 until there is one';

/** Finds what the targets of APIs name. */
export class Targets {
  readonly #services: ReadonlySet<string>;
  readonly #functions: ReadonlyMap<string, Target>;

  constructor(config: Readonly<Record<string, unknown>>) {
    const services = namesOf(config['services']);
    this.#services = services;
    const functions = isRecord(config['functions']) ? Object.entries(config['functions']) : [];
    this.#functions = new Map(
      functions.map(([name, entry]) => [name, functionTarget(name, entry, services)]),
    );
  }

  /** `api` is as it is written. */
  of({ service, function: called }: Readonly<Record<string, unknown>>): Target {
    if (typeof called === 'string')
      return this.#functions.get(called) ?? absent('function', called, this.#functions.keys());
    if (typeof service !== 'string')
      return { kind: 'absent', reason: `has no service or function: ${WAITS}` };
    if (this.#services.has(service)) return { kind: 'service', service };
    return absent('service', service, this.#services);
  }
}

/** A function that is wrong itself is told of where it stands. */
function functionTarget(name: string, written: unknown, services: ReadonlySet<string>): Target {
  const { data } = functionSchema.safeParse(written);
  if (data === undefined || !services.has(data.service) || !isRecord(written))
    return {
      kind: 'absent',
      reason: `the function ${JSON.stringify(name)} cannot be called`,
      named: 'function',
    };
  return { kind: 'function', name, service: data.service, written };
}

function absent(named: 'service' | 'function', name: string, known: Iterable<string>): Target {
  const suggestion = nearest(name, known);
  return {
    kind: 'absent',
    reason: `there is no ${named} ${JSON.stringify(name)}: ${WAITS}`,
    named,
    suggestion,
  };
}

/** The warning that an API has nothing to send its requests to. */
export function absenceOf(api: string, { reason, named, suggestion }: Target & { kind: 'absent' }): Problem {
  return {
    severity: 'warning',
    path: named === undefined ? ['apis', api] : ['apis', api, named],
    message: reason,
    suggestion,
  };
}
