import { COLLECTIONS, type Collection } from '../../control/store/entity.ts';
import { nearest } from '../../lib/nearest.ts';
import { UsageError } from './connect.ts';
import { cell } from './output.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What can be listed beside the collections of the configuration. */
const ACCOUNT_KINDS = ['users', 'service-accounts', 'memberships', 'tokens'] as const;
const OTHERS = ['revisions', 'nodes', ...ACCOUNT_KINDS] as const;

/** Accounts and what is theirs. */
export type AccountKind = (typeof ACCOUNT_KINDS)[number];
/** What has no revisions of its own, and no `meta`. */
export type OtherKind = (typeof OTHERS)[number];
export type Kind = Collection | OtherKind;

const KINDS: readonly Kind[] = [...COLLECTIONS, ...OTHERS];

/** `api` and `apis`; throws `UsageError` for anything else. */
export function kindNamed(text: string, allowed: readonly Kind[] = KINDS): Kind {
  const kind = allowed.find((known) => known === text || singular(known) === text);
  if (kind !== undefined) return kind;
  const near = nearest(text, [...allowed, ...allowed.map(singular)]);
  throw new UsageError(
    near === undefined
      ? `there are no ${text}; there are ${allowed.join(', ')}`
      : `there are no ${text} (did you mean ${near}?)`,
  );
}

/** Undefined for anything else. */
export function accountKindNamed(text: string): AccountKind | undefined {
  return ACCOUNT_KINDS.find((kind) => kind === text || singular(kind) === text);
}

export function isOther(kind: Kind): kind is OtherKind {
  return (OTHERS as readonly Kind[]).includes(kind);
}

export function collectionNamed(text: string): Collection {
  return kindNamed(text, COLLECTIONS) as Collection;
}

/** `policies` and `policy`. */
export function singular(kind: Kind): string {
  return kind.endsWith('ies') ? `${kind.slice(0, -3)}y` : kind.slice(0, -1);
}

type Column = readonly [head: string, value: (entity: Fields) => unknown];

const meta = (entity: Fields): Fields => (entity['meta'] ?? {}) as Fields;
const field =
  (name: string) =>
  (entity: Fields): unknown =>
    entity[name];

const NAME: Column = ['name', field('name')];
const ORGANIZATION: Column = ['organization', field('organization')];
const ORIGIN: Column = ['origin', (entity) => meta(entity)['origin']];
const REVISION: Column = ['revision', (entity) => meta(entity)['revision']];
const UPDATED: Column = ['updated', (entity) => meta(entity)['updatedAt']];
const TARGET: Column = [
  'target',
  ({ service, function: called, respond, redirect, login, split }) =>
    service ??
    called ??
    (split && 'split') ??
    (respond && 'respond') ??
    (redirect && 'redirect') ??
    (login && 'login'),
];
const match = (name: string) => (entity: Fields) => ((entity['match'] ?? {}) as Fields)[name];

/** What of each is shown between its name and where it is from. */
const COLUMNS: Readonly<Partial<Record<Kind, readonly Column[]>>> = {
  apis: [
    ['hosts', field('hosts')],
    ['methods', field('methods')],
    ['paths', ({ paths, openapi }) => paths ?? openapi],
    TARGET,
    ['auth', field('authentication')],
    ['enabled', ({ enabled }) => enabled ?? true],
    ['status', (entity) => meta(entity)['status']],
  ],
  routes: [['hosts', match('hosts')], ['methods', match('methods')], ['paths', match('paths')], TARGET],
  services: [['url', ({ url, targets, discovery }) => url ?? targetsOf(targets) ?? discovery]],
  functions: [['service', field('service')]],
  consumers: [
    ['plan', field('plan')],
    ['groups', field('groups')],
  ],
  certificates: [
    ['hosts', (entity) => certificateOf(entity)['hosts']],
    ['key', (entity) => certificateOf(entity)['keyType']],
    ['valid to', (entity) => certificateOf(entity)['validTo']],
  ],
  organizations: [
    ['title', field('title')],
    ['path prefix', field('pathPrefix')],
  ],
};

function certificateOf(entity: Fields): Fields {
  return (meta(entity)['certificate'] ?? {}) as Fields;
}

function targetsOf(targets: unknown): unknown {
  return Array.isArray(targets) ? targets.map((target: unknown) => (target as Fields)['url']) : undefined;
}

/** `acme=admin` */
function rolesOf({ roles }: Fields): string[] {
  return Object.entries((roles ?? {}) as Fields).map(
    ([organization, role]) => `${organization}=${String(role)}`,
  );
}

function identityOf(identity: unknown): string {
  const { provider, subject } = identity as Fields;
  return `${String(provider)}#${String(subject)}`;
}

const OTHER_COLUMNS: Readonly<Record<OtherKind, readonly Column[]>> = {
  revisions: ['number', 'at', 'author', 'message'].map((name) => [name, field(name)]),
  nodes: [
    ['node', field('node')],
    ['revision', field('revision')],
    ['seen', field('seenAt')],
    ['from snapshot', field('fromSnapshot')],
    ['problems', ({ problems }) => (Array.isArray(problems) ? problems.length : 0)],
  ],
  users: [
    NAME,
    ['title', field('title')],
    ['roles', rolesOf],
    ['password', field('password')],
    ['identities', ({ identities }) => (Array.isArray(identities) ? identities.map(identityOf) : [])],
    ['disabled', field('disabled')],
    ['updated', field('updatedAt')],
  ],
  'service-accounts': [
    NAME,
    ORGANIZATION,
    ['title', field('title')],
    ['roles', rolesOf],
    ['disabled', field('disabled')],
    ['updated', field('updatedAt')],
  ],
  memberships: ['organization', 'account', 'kind', 'role', 'source'].map((name) => [name, field(name)]),
  tokens: [
    ['id', field('id')],
    NAME,
    ['role', field('role')],
    ['organizations', field('organizations')],
    ['expires', field('expiresAt')],
    ['used', field('usedAt')],
    ['revoked', field('revokedAt')],
  ],
};

/** Heads and rows of a table. */
export function tableOf(
  kind: Kind,
  entities: readonly Fields[],
): { readonly heads: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const columns: readonly Column[] = isOther(kind)
    ? OTHER_COLUMNS[kind]
    : [NAME, ORGANIZATION, ...(COLUMNS[kind] ?? []), ORIGIN, REVISION, UPDATED];
  // A column that nobody has anything in tells nothing.
  const filled = columns.filter(
    ([head, value]) => head !== 'organization' || entities.some((entity) => value(entity) !== undefined),
  );
  return {
    heads: filled.map(([head]) => head),
    rows: entities.map((entity) => filled.map(([, value]) => cell(value(entity)))),
  };
}
