import { compileRouter } from '../../routing/compile.ts';
import type { Router } from '../../routing/match.ts';
import type { DataPlaneConfig } from '../../server/config.ts';
import { type ExplainableConfig, type ExplainedOutcome, outcomeOf } from '../explain/explain-request.ts';
import { type Question, readQuestion } from '../explain/question.ts';
import { canonical } from './canonical.ts';
import { AccessReader, type Guard, type RouteAccess } from './guard.ts';
import { refusalOf } from './refusal.ts';

/** What a request meets in a configuration. */
export interface Outcome {
  /** Undefined: no route takes it. */
  readonly route: string | undefined;
  /** Whether the route answers: one that is switched off does not, nor does one that says that there is nothing. */
  readonly isServed: boolean;
  readonly guard: Guard;
  /** For people. */
  readonly answer: string;
  /** Where the services run, for people; empty where there are none. */
  readonly place: string;
  /** Equal for equal answers from the same place. To compare, never to show. */
  readonly destination: string;
  /** The same without what differs from request to request. */
  readonly shape: string;
  readonly limits: RouteAccess['limits'];
  readonly pages: RouteAccess['pages'];
}

/** Finds what requests meet, by the matcher that serves them. */
export class OutcomeFinder {
  readonly #config: ExplainableConfig;
  readonly #router: Router<string>;
  readonly #access: AccessReader;

  constructor(config: ExplainableConfig) {
    this.#config = config;
    const routes = Object.entries(config.dataPlane.routes);
    this.#router = compileRouter(routes.map(([name, route]) => ({ name, config: route, value: name })));
    this.#access = new AccessReader(config.dataPlane);
  }

  /** Undefined for a request that the gateway refuses whatever its configuration. */
  async find(question: Question): Promise<Outcome | undefined> {
    const read = readQuestion(question);
    if (!read.ok) return undefined;
    const { request } = read;
    const captures: string[] = [];
    const entry = this.#router.match(request, captures);
    const access = await this.#access.of(entry?.name);
    const allow = entry === undefined ? this.#router.allowedMethods(request) : [];
    const explained = outcomeOf(this.#config, request, {
      status: entry !== undefined ? 'matched' : allow.length > 0 ? 'method_not_allowed' : 'not_found',
      allow,
      ...(entry && {
        winner: {
          route: entry.name,
          pattern: entry.pattern,
          captures: Object.fromEntries(
            entry.captureNames.map((name, index) => [name, captures[index] ?? '']),
          ),
        },
      }),
    });
    const refusal = explained.kind === 'respond' ? refusalOf(explained.status) : access.refusal;
    const shape = canonical([shapeOf(this.#config.dataPlane, entry?.name, explained), access.treatment]);
    return {
      route: entry?.name,
      isServed: !UNSERVED.has(explained.kind) && refusal !== 'absent',
      guard: access.guard(request, refusal === 'denied'),
      answer:
        access.calls === undefined
          ? answerText(explained)
          : `function ${access.calls}, ${answerText(explained)}`,
      place: placeText(explained, this.#config.dataPlane),
      shape,
      destination: canonical([shape, specificsOf(explained)]),
      limits: access.limits,
      pages: access.pages,
    };
  }
}

const UNSERVED: ReadonlySet<ExplainedOutcome['kind']> = new Set([
  'not_found',
  'method_not_allowed',
  'disabled',
]);

/** Where an answer comes from. The place of a service counts, not how it is treated. */
function shapeOf(
  { routes, services }: DataPlaneConfig,
  name: string | undefined,
  outcome: ExplainedOutcome,
): string {
  const route = name === undefined ? undefined : routes[name];
  switch (outcome.kind) {
    case 'service':
      return canonical([
        outcome.services.map(({ name: service, weight }) => [weight, ...placeOf(service, services)]),
        outcome.mirror && placeOf(outcome.mirror.name, services),
      ]);
    case 'respond':
      return canonical([outcome.kind, route?.respond]);
    case 'redirect':
      return canonical([outcome.kind, route?.redirect]);
    case 'login':
      return canonical([outcome.kind, outcome.session]);
    case 'disabled':
    case 'not_found':
    case 'method_not_allowed':
      return outcome.kind;
  }
}

/** Where a service is and who it has to be, and the one that is asked in its place. */
function placeOf(name: string, services: DataPlaneConfig['services'], isFallback = false): unknown[] {
  const { targets, discovery, tls, host, fallback } = services[name] ?? {};
  const place = [name, targets, discovery, host, tls?.serverName, tls?.ca, tls?.verify ?? true];
  return isFallback || fallback?.service === undefined
    ? place
    : [...place, placeOf(fallback.service, services, true)];
}

function specificsOf(outcome: ExplainedOutcome): unknown {
  if (outcome.kind === 'service') return [outcome.upstreamPath, outcome.upstreamHost];
  return outcome.kind === 'redirect' ? outcome.location : undefined;
}

function placeText(outcome: ExplainedOutcome, { services }: DataPlaneConfig): string {
  if (outcome.kind !== 'service') return '';
  const urls = outcome.services.flatMap(({ targets }) => targets.map(({ url }) => url));
  const place =
    urls.length <= 3 ? urls.join(', ') : `${urls.slice(0, 3).join(', ')} and ${urls.length - 3} more`;
  const isUnchecked = outcome.services.some(({ name }) => services[name]?.tls?.verify === false);
  return isUnchecked ? `${place}, whatever its certificate` : place;
}

function answerText(outcome: ExplainedOutcome): string {
  switch (outcome.kind) {
    case 'service': {
      const all = outcome.services.map(({ name, weight }) =>
        outcome.services.length > 1 ? `${name} (${weight})` : name,
      );
      const copied = outcome.mirror === undefined ? '' : `, copied to ${outcome.mirror.name}`;
      return `${all.length > 1 ? 'services' : 'service'} ${all.join(', ')} at ${outcome.upstreamPath}${copied}`;
    }
    case 'respond':
      return `answer ${outcome.status}, made here`;
    case 'redirect':
      return `redirect ${outcome.status} to ${outcome.location}`;
    case 'login':
      return `login of ${outcome.session}`;
    case 'disabled':
      return '404, switched off';
    case 'not_found':
      return '404, no route';
    case 'method_not_allowed':
      return `405, for ${outcome.allow.join(', ')} only`;
  }
}
