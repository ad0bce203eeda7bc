import { isRecord } from '../../lib/is-record.ts';
import { canonical } from './canonical.ts';

type Trait = 'scopes' | 'roles' | 'groups' | 'consumers';

/** Something that has to hold for a caller, or a request, beyond who it is. All of a route's demands have to. */
export type Demand =
  /** Not even whoever is known; `over`: where the request comes that way. */
  | { readonly kind: 'nobody'; readonly over?: 'http' }
  /** Whoever is known. */
  | { readonly kind: 'known' }
  /** One of the names. */
  | { readonly kind: 'some'; readonly trait: Trait; readonly names: readonly string[] }
  | { readonly kind: 'not'; readonly trait: Trait; readonly name: string }
  | { readonly kind: 'condition'; readonly text: string }
  /** A policy that is only ever equal to itself. `key` is never shown. */
  | { readonly kind: 'policy'; readonly name: string; readonly key: string; readonly ofCaller: boolean };

/** What `authorize`, as it is written, asks of a request with that method. */
export function demandsOfAuthorize(options: unknown, method: string): Demand[] {
  if (!isRecord(options)) return [{ kind: 'nobody' }];
  const demands = demandsOfRule(options);
  const { methods, default: fallback } = options;
  if (isRecord(methods)) demands.push(...demandsOfRight(rightOf(methods, method)));
  if (demands.length === 0 && !isRecord(methods)) demands.push(...demandsOfRight(fallback));
  else if (demands.length > 0 && !demands.some(({ kind }) => kind === 'known'))
    demands.push({ kind: 'known' });
  return demands;
}

/** HEAD is as GET; what is not listed is denied. */
function rightOf(methods: Readonly<Record<string, unknown>>, method: string): unknown {
  const own = Object.hasOwn(methods, method) ? methods[method] : undefined;
  const asGet = method === 'HEAD' ? methods['GET'] : undefined;
  return own ?? asGet ?? methods['*'] ?? 'deny';
}

function demandsOfRight(right: unknown): Demand[] {
  if (right === 'allow') return [];
  if (right === 'authenticated') return [{ kind: 'known' }];
  return isRecord(right) ? [...demandsOfRule(right), { kind: 'known' }] : [{ kind: 'nobody' }];
}

function demandsOfRule(rule: Readonly<Record<string, unknown>>): Demand[] {
  const { scopes, roles, groups, consumers, when } = rule;
  return [
    ...quantified('scopes', Array.isArray(scopes) ? { all: scopes } : scopes),
    ...quantified('roles', Array.isArray(roles) ? { any: roles } : roles),
    ...listed('groups', groups),
    ...listed('consumers', consumers),
    ...(when === undefined
      ? []
      : [{ kind: 'condition' as const, text: typeof when === 'string' ? when : canonical(when) }]),
  ];
}

function quantified(trait: Trait, value: unknown): Demand[] {
  if (!isRecord(value)) return [];
  const some = names(value['any']);
  return [
    ...(some.length > 0 ? [{ kind: 'some' as const, trait, names: some }] : []),
    ...names(value['all']).map((name): Demand => ({ kind: 'some', trait, names: [name] })),
  ];
}

function listed(trait: Trait, value: unknown): Demand[] {
  const allow = names(isRecord(value) ? value['allow'] : value);
  const deny = names(isRecord(value) ? value['deny'] : undefined);
  return [
    ...(allow.length > 0 ? [{ kind: 'some' as const, trait, names: allow }] : []),
    ...deny.map((name): Demand => ({ kind: 'not', trait, name })),
  ];
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** Whether what satisfies `given` satisfies `asked`. */
export function meets(given: Demand, asked: Demand): boolean {
  if (given.kind === 'nobody' || canonical(given) === canonical(asked)) return true;
  if (given.kind !== 'some') return false;
  if (asked.kind === 'known') return true;
  return (
    asked.kind === 'some' &&
    given.trait === asked.trait &&
    given.names.every((name) => asked.names.includes(name))
  );
}

/** Whether nobody meets it without saying who they are. */
export function isOfCaller(demand: Demand): boolean {
  return demand.kind === 'policy' ? demand.ofCaller : demand.kind !== 'not';
}

/** For people. */
export function demandText(demand: Demand): string {
  switch (demand.kind) {
    case 'nobody':
      return demand.over === undefined ? 'nobody' : `nobody over ${demand.over}`;
    case 'known':
      return 'whoever is known';
    case 'some':
      return `${demand.names.length === 1 ? SINGULAR[demand.trait] : `one of the ${demand.trait}`} ${demand.names.join(', ')}`;
    case 'not':
      return `not the ${SINGULAR[demand.trait]} ${demand.name}`;
    case 'condition':
      return `when ${demand.text.replaceAll(/\s+/g, ' ').trim()}`;
    case 'policy':
      return demand.name;
  }
}

const SINGULAR: Readonly<Record<Trait, string>> = {
  scopes: 'scope',
  roles: 'role',
  groups: 'group',
  consumers: 'consumer',
};
