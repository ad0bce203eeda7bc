import type { Answer } from '../policy/contract.ts';
import { compileRedirect, type Redirect } from '../routing/redirect.ts';
import { compileRewrite, type Rewrite } from '../routing/rewrite.ts';
import { ServiceChoice } from '../routing/service-choice.ts';
import type { Service } from '../upstream/service.ts';
import type { ResolvedRoute } from './config.ts';

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
  /** No route matched. */
  | { readonly kind: 'none' };

/** Throws an Error when a service is missing; `control/config` finds that earlier, with its place. */
export function compileAction(route: Partial<ResolvedRoute>, services: ReadonlyMap<string, Service>): Action {
  const path = route.rewrite?.path;
  const rewrite = path === undefined ? undefined : new PerPath((names) => compileRewrite(path, names));
  if (route.respond) {
    const { status, headers, body } = route.respond;
    return { kind: 'respond', answer: { status, headers, body } };
  }
  const redirect = route.redirect;
  if (redirect) {
    return {
      kind: 'redirect',
      status: redirect.status,
      location: new PerPath((names) => compileRedirect(redirect, names)),
    };
  }
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

/** Whether the action's services are these very ones: a service that changed is another object. */
export function sendsTo(action: Action, services: ReadonlyMap<string, Service>): boolean {
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
