import type { Identity } from '../identity/identity.ts';
import type { LoginPages } from '../identity/login/pages.ts';
import type { Answer } from '../policy/contract.ts';
import { compileRedirect, type Redirect } from '../routing/redirect.ts';
import { compileRewrite, type Rewrite } from '../routing/rewrite.ts';
import { ServiceChoice } from '../routing/service-choice.ts';
import type { Service } from '../upstream/service.ts';
import type { ResolvedRoute } from './config.ts';
import { failureAnswer } from './failure.ts';

/** What a route does with a request that its policies let pass. */
export type Action =
  | { readonly kind: 'service'; readonly service: Service; readonly rewrite: PerPath<Rewrite> | undefined }
  | {
      readonly kind: 'split';
      readonly choice: ServiceChoice;
      /** Those of the split. */
      readonly services: ReadonlyMap<string, Service>;
      readonly rewrite: PerPath<Rewrite> | undefined;
    }
  | { readonly kind: 'respond'; readonly answer: Answer }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: PerPath<Redirect> }
  | { readonly kind: 'login'; readonly pages: LoginPages }
  /** No route matched. */
  | { readonly kind: 'none' };

/** Throws an Error when a service or a kind of sessions is missing; `control/config` finds that earlier, with its place. */
export function compileAction(
  route: Partial<ResolvedRoute>,
  services: ReadonlyMap<string, Service>,
  loginPages: ((sessions: string) => LoginPages) | undefined,
): Action {
  const path = route.rewrite?.path;
  const rewrite = path === undefined ? undefined : new PerPath((names) => compileRewrite(path, names));
  if (route.enabled === false) return { kind: 'respond', answer: DISABLED };
  if (route.respond) {
    const { status, headers, body, problem } = route.respond;
    return { kind: 'respond', answer: problem ? { status, headers, ...problem } : { status, headers, body } };
  }
  const redirect = route.redirect;
  if (redirect) {
    return {
      kind: 'redirect',
      status: redirect.status,
      location: new PerPath((names) => compileRedirect(redirect, names)),
    };
  }
  if (route.login !== undefined && loginPages !== undefined)
    return { kind: 'login', pages: loginPages(route.login) };
  const { split, splitBy, splitOverride } = route;
  if (split) {
    const own = new Map(split.map(({ service }) => [service, serviceNamed(service, services)]));
    return {
      kind: 'split',
      choice: new ServiceChoice({ split, splitBy, splitOverride }),
      services: own,
      rewrite,
    };
  }
  if (route.service !== undefined)
    return { kind: 'service', service: serviceNamed(route.service, services), rewrite };
  return { kind: 'none' };
}

const DISABLED = failureAnswer('route_disabled');

/** Whether what the action is made of is this very one: a service that changed is another object, and so is an identity. */
export function isMadeOf(
  action: Action,
  services: ReadonlyMap<string, Service>,
  identity: Identity,
): boolean {
  if (action.kind === 'login') return action.pages.identity === identity;
  if (action.kind === 'service') return services.get(action.service.name) === action.service;
  if (action.kind !== 'split') return true;
  for (const [name, service] of action.services) if (services.get(name) !== service) return false;
  return true;
}

/** Something that is compiled for the captures of a path; a route has few paths, each with its own list of names. */
export class PerPath<T> {
  readonly #made = new Map<readonly string[], T>();
  readonly #make: (captureNames: readonly string[]) => T;

  constructor(make: (captureNames: readonly string[]) => T) {
    this.#make = make;
  }

  /** `captureNames` is the list of the router's entry itself, not a copy. */
  for(captureNames: readonly string[]): T {
    let made = this.#made.get(captureNames);
    if (made === undefined) {
      made = this.#make(captureNames);
      this.#made.set(captureNames, made);
    }
    return made;
  }
}

/** Throws an Error when it does not exist. */
export function serviceNamed(name: string, services: ReadonlyMap<string, Service>): Service {
  const service = services.get(name);
  if (service === undefined) throw new Error(`the service ${name} does not exist`);
  return service;
}
