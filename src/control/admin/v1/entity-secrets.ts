import { isRecord } from '../../../lib/is-record.ts';
import { sameData } from '../../../lib/same-data.ts';
import { isSecretReference } from '../../../lib/secret-reference.ts';
import { type Path, valueAt } from '../../config/place.ts';
import { secretPaths } from '../../config/secret-paths.ts';
import type { Collection, EntityValue } from '../../store/entity.ts';
import { REDACTED, redactText } from '../redact.ts';

/** Members of a JSON Web Key that are private (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1). */
const PRIVATE_MEMBERS: ReadonlySet<string> = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']);
const NO_SECRETS: ReadonlySet<string> = new Set();

/**
 * A copy of what is written for an entity, without its secrets: those of the places that are known for them, and private keys,
 * hashes of passwords and user info of URLs wherever they stand. References (`env:`, `file:`) stay, since they tell nothing.
 */
export function redactEntity(collection: Collection, value: EntityValue): EntityValue {
  const copy = redactPatterns(value) as Record<string, unknown>;
  for (const path of secretPathsOf(collection, value)) hide(copy, path);
  return copy;
}

function secretPathsOf(collection: Collection, value: EntityValue): Path[] {
  // The list of global policies is the one collection of a file that is no map.
  const within = collection === 'policies' ? [value] : { entity: value };
  return secretPaths({ [collection]: within }).map((path) => path.slice(2));
}

function redactPatterns(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value, NO_SECRETS);
  if (Array.isArray(value)) return value.map(redactPatterns);
  if (!isRecord(value)) return value;
  const isKey = typeof value['kty'] === 'string';
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [
      name,
      isKey && PRIVATE_MEMBERS.has(name) ? REDACTED : redactPatterns(entry),
    ]),
  );
}

/** The copy is of plain data that is nobody else's; not every path leads somewhere in it. */
function hide(copy: unknown, path: Path): void {
  const value = valueAt(copy, path);
  const around = valueAt(copy, path.slice(0, -1));
  const last = path.at(-1);
  if (value === undefined || value === null || last === undefined) return;
  if (typeof value === 'string' && isSecretReference(value)) return;
  (around as Record<string | number, unknown>)[last] = REDACTED;
}

export type Restored =
  | { readonly ok: true; readonly value: EntityValue }
  /** Where `[redacted]` stands and nothing is known that it could stand for. */
  | { readonly ok: false; readonly paths: readonly Path[] };

/**
 * What was written, with every `[redacted]` replaced by what the entity as it is has at that place, so that an answer can be
 * changed and sent back. An entry of a list is found by what else is in it, never by its place alone: a secret does not move to another.
 */
export function restoreSecrets(
  collection: Collection,
  written: EntityValue,
  current: EntityValue | undefined,
): Restored {
  if (!holdsRedacted(written)) return { ok: true, value: written };
  const lost: Path[] = [];
  const view = current === undefined ? undefined : redactEntity(collection, current);
  const value = restore(written, view, current, [], lost);
  return lost.length === 0 ? { ok: true, value: value as EntityValue } : { ok: false, paths: lost };
}

export function holdsRedacted(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(REDACTED);
  if (Array.isArray(value)) return value.some(holdsRedacted);
  return isRecord(value) && Object.values(value).some(holdsRedacted);
}

function restore(written: unknown, view: unknown, current: unknown, path: Path, lost: Path[]): unknown {
  if (!holdsRedacted(written)) return written;
  if (typeof written === 'string') {
    if (written === view) return current;
    lost.push(path);
    return written;
  }
  if (Array.isArray(written)) return restoreList(written, view, current, path, lost);
  if (!isRecord(written)) return written;
  return Object.fromEntries(
    Object.entries(written).map(([name, entry]) => [
      name,
      restore(entry, memberOf(view, name), memberOf(current, name), [...path, name], lost),
    ]),
  );
}

/** Of the entries of a list: there are none so long whose entries hold secrets. */
const MAX_COMPARISONS = 1_000_000;

function restoreList(
  written: readonly unknown[],
  view: unknown,
  current: unknown,
  path: Path,
  lost: Path[],
): unknown[] {
  const views: readonly unknown[] = Array.isArray(view) ? view : [];
  const values: readonly unknown[] = Array.isArray(current) ? current : [];
  // Each is held against each.
  if (written.length * views.length > MAX_COMPARISONS && holdsRedacted(written)) {
    lost.push(path);
    return [...written];
  }
  return written.map((entry, index) => {
    if (!holdsRedacted(entry)) return entry;
    const same = sameData(entry, views[index]) ? index : views.findIndex((other) => sameData(entry, other));
    // Of several that look alike, which one is meant would be a guess, unless the list is as it was.
    const alike = views.filter((other) => sameData(entry, other)).length;
    if (same >= 0 && (alike === 1 || written.length === views.length)) return values[same];
    const known = same >= 0 ? -1 : counterpart(entry, index, written, views);
    return restore(entry, views[known], values[known], [...path, index], lost);
  });
}

/** The entry that a changed one was: the one of its name, or the one in its place where nothing else of the list changed. */
function counterpart(
  entry: unknown,
  index: number,
  written: readonly unknown[],
  views: readonly unknown[],
): number {
  const id = nameOf(entry);
  const named = id === undefined ? [] : views.filter((other) => nameOf(other) === id);
  if (named.length === 1) return views.indexOf(named[0]);
  const others =
    written.length === views.length && written.every((one, i) => i === index || sameData(one, views[i]));
  return others && nameOf(views[index]) === id ? index : -1;
}

/** What names an entry within its list: its id, or its only key, as that of a policy. */
function nameOf(entry: unknown): string | undefined {
  if (!isRecord(entry)) return undefined;
  for (const key of ['id', 'name', 'username'])
    if (typeof entry[key] === 'string') return `${key} ${entry[key]}`;
  const keys = Object.keys(entry);
  return keys.length === 1 && isRecord(entry[keys[0] as string]) ? `only ${keys[0]}` : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
