import { isRecord } from '../../../lib/is-record.ts';
import { type Path, valueAt } from '../../config/place.ts';
import { isModulePath } from '../../config/policies.ts';
import { holdsReference } from '../../config/secrets.ts';
import type { EntityChange } from '../../store/entity.ts';
import type { AdminCaller } from '../access.ts';
import { pointerOf } from './pointer.ts';

/** Places whose text is the path of a file or a module, by collection, or has the gateway send a token of the machine's there. */
const FILES: Readonly<Record<string, readonly Path[]>> = {
  apis: [['openapi']],
  lists: [['file'], ['database']],
  services: [
    ['discovery', 'file'],
    ['discovery', 'kubernetes', 'apiServer'],
  ],
};

/**
 * Why a change is refused that reaches for what is the machine's own: `env:` and `file:`, files and modules by path. Whoever may write
 * these reads every secret of the process, since a policy may send them to anybody, so that they are for those who rule the gateway.
 * What was there before may stay at its place, but for `env:` and `file:`: who changes what is around these may have them sent elsewhere.
 */
export function hostReachRefusal(changes: readonly EntityChange[], caller: AdminCaller): string | undefined {
  if (caller.may('admin', { kind: 'gateway' })) return undefined;
  for (const { collection, name, before, after } of changes) {
    const reaches = after === undefined ? [] : reachesOf(collection, after);
    const added = reaches.find(({ path, text }) => holdsReference(text) || textAt(before, path) !== text);
    if (added !== undefined)
      return `${caller.name} has no right to name files and variables of the machine: ${collection}.${name} ${pointerOf(added.path)}`;
  }
  return undefined;
}

interface Reach {
  readonly path: Path;
  readonly text: string;
}

function reachesOf(collection: string, value: unknown): Reach[] {
  const found: Reach[] = [];
  const note = (path: Path): void => {
    const text = textAt(value, path);
    if (text !== undefined) found.push({ path, text });
  };
  const visit = (entry: unknown, path: Path): void => {
    if (typeof entry === 'string' && (holdsReference(entry) || isKindOfProvider(collection, entry, path)))
      note(path);
    else if (Array.isArray(entry)) entry.forEach((one, index) => visit(one, [...path, index]));
    else if (isRecord(entry))
      for (const [key, one] of Object.entries(entry)) {
        if (isModulePath(key) && isUseOfPolicy(collection, path)) note([...path, key]);
        visit(one, [...path, key]);
      }
  };
  visit(value, []);
  for (const path of FILES[collection] ?? []) note(path);
  return found;
}

function isKindOfProvider(collection: string, text: string, path: Path): boolean {
  return collection === 'providers' && path.length === 1 && path[0] === 'kind' && isModulePath(text);
}

/** A policy stands in a list of them, or is an entity. */
function isUseOfPolicy(collection: string, path: Path): boolean {
  return collection === 'policies'
    ? path.length === 0
    : path.includes('policies') || path[0] === 'authentication';
}

/** What is compared: a module is the same with other options too, since its own code is what reaches. */
function textAt(value: unknown, path: Path): string | undefined {
  const found = valueAt(value, path);
  if (found === undefined) return undefined;
  if (typeof found === 'string') return found;
  const last = path.at(-1);
  return typeof last === 'string' && isModulePath(last) ? last : JSON.stringify(found);
}
