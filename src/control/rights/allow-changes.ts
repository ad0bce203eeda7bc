import { isRecord } from '../../lib/is-record.ts';
import { sameData } from '../../lib/same-data.ts';
import { pathPrefixOf } from '../apis/path-prefix.ts';
import type { Collection, EntityChange, EntityValue } from '../store/entity.ts';
import { type Account, roleIn } from './account.ts';
import { decide, neededRole, type ProtectedObject } from './decide.ts';
import { ownerOf, protectedEntity } from './owner.ts';
import { referencesOf } from './references.ts';
import { EVERYWHERE } from './roles.ts';

/** What is in force, of the file and of the store. */
export interface EntitiesInForce {
  /** Undefined: no such. */
  get(collection: Collection, name: string): EntityValue | undefined;
  values(collection: Collection): Iterable<readonly [name: string, value: EntityValue]>;
}

type EntityLookup = EntitiesInForce['get'];

/** Collections whose entities may name others that are made later. */
const MAY_NAME_NOTHING: readonly Collection[] = ['apis', 'functions'];

/**
 * Why an account may not make these changes, as a sentence that tells nothing of what it may not see; undefined where it may. Every
 * change needs the right to the thing as it was and as it will be, so that moving one to another organization needs both.
 */
export function refusalOfChanges(
  account: Account,
  changes: readonly EntityChange[],
  inForce: EntitiesInForce,
): string | undefined {
  const after = afterChanges(changes, inForce);
  for (const change of changes) {
    const refusal =
      refusalOfChange(account, change) ??
      refusalOfReferences(account, change, after) ??
      refusalOfReach(account, change, after) ??
      refusalOfCapture(account, change, inForce);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function refusalOfChange(
  account: Account,
  { collection, name, before, after }: EntityChange,
): string | undefined {
  const what = `${collection}/${name}`;
  if (collection === 'organizations' && !sameData(before?.['pathPrefix'], after?.['pathPrefix']))
    return refusalOf(account, { kind: 'organizations' }, `the path prefix of ${what}`);
  if (collection === 'organizations' && (before === undefined || after === undefined))
    return refusalOf(account, { kind: 'organizations' }, what);
  if (before !== undefined) {
    const object = protectedEntity(collection, name, before);
    // Names are shared by all organizations, so that one that is taken has to be told of.
    if (decide(account, 'read', object) === 'hidden')
      return after === undefined ? `there is no ${what}` : `the name ${what} is taken`;
    const refusal = refusalOf(account, object, what);
    if (refusal !== undefined) return refusal;
  }
  return after === undefined ? undefined : refusalOf(account, protectedEntity(collection, name, after), what);
}

function refusalOf(account: Account, object: ProtectedObject, what: string): string | undefined {
  if (decide(account, 'change', object) === 'allowed') return undefined;
  const { kind, organization } = object;
  const role = neededRole(kind, 'change');
  return organization === undefined
    ? `${what} belongs to no organization: to change it takes the role ${role} everywhere (${EVERYWHERE})`
    : `to change ${what} takes the role ${role} in the organization ${organization}`;
}

/** A name that may not be seen is answered like one that is not there, and both before the configuration is composed, whose errors suggest names. */
function refusalOfReferences(
  account: Account,
  { collection, name, after: value }: EntityChange,
  after: EntityLookup,
): string | undefined {
  // Who sees everything is told of errors by the configuration itself.
  if (value === undefined || roleIn(account, undefined) !== undefined) return undefined;
  const owner = ownerOf(collection, name, value);
  for (const reference of referencesOf(collection, value)) {
    const found = after(reference.collection, reference.name);
    if (found === undefined && MAY_NAME_NOTHING.includes(collection)) continue;
    const of = found === undefined ? undefined : ownerOf(reference.collection, reference.name, found);
    if (found !== undefined && (of === undefined || of === owner)) continue;
    return `${collection}/${name} names ${reference.collection}/${reference.name}, and there is none that ${owner ?? 'it'} may use`;
  }
  return undefined;
}

/** Without hosts a route takes its paths on all of them: it is for those who see everything to give one what no prefix has. */
function refusalOfReach(
  account: Account,
  { collection, name, before, after: value }: EntityChange,
  after: EntityLookup,
): string | undefined {
  if (collection !== 'routes' || value === undefined || roleIn(account, undefined) !== undefined)
    return undefined;
  const { match, organization } = value;
  if (typeof organization !== 'string') return undefined;
  if (before?.['organization'] === organization && sameData(before['match'], match)) return undefined;
  const { hosts, paths } = isRecord(match) ? match : {};
  if (Array.isArray(hosts) && hosts.length > 0) return undefined;
  const prefix = pathPrefixOf(organization, after('organizations', organization));
  const isBelow = (path: unknown) => path === prefix || String(path).startsWith(`${prefix}/`);
  if (prefix === '/' || (Array.isArray(paths) && paths.length > 0 && paths.every(isBelow))) return undefined;
  return `routes/${name} names no host: then its paths have to be ${prefix}, or below`;
}

/** What the target of an API is called, by its collection. */
const TARGET_KEYS: Partial<Record<Collection, 'service' | 'function'>> = {
  services: 'service',
  functions: 'function',
};

/** APIs may wait for their service. Whoever made one by that name would get the requests, and so the credentials, of another’s API. */
function refusalOfCapture(
  account: Account,
  { collection, name, before, after }: EntityChange,
  inForce: EntitiesInForce,
): string | undefined {
  const key = TARGET_KEYS[collection];
  if (key === undefined || before !== undefined || after === undefined) return undefined;
  if (roleIn(account, undefined) !== undefined) return undefined;
  const owner = ownerOf(collection, name, after);
  for (const [api, value] of inForce.values('apis'))
    if (value[key] === name && ownerOf('apis', api, value) !== owner)
      return `the name ${collection}/${name} is taken`;
  return undefined;
}

function afterChanges(changes: readonly EntityChange[], inForce: EntitiesInForce): EntityLookup {
  const changed = new Map(changes.map((change) => [`${change.collection}/${change.name}`, change]));
  return (collection, name) => {
    const change = changed.get(`${collection}/${name}`);
    return change === undefined ? inForce.get(collection, name) : change.after;
  };
}
