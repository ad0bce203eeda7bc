import { sameData } from '../../lib/same-data.ts';
import type { LoadedConfig } from '../config/load.ts';
import { dottedPath } from '../config/place.ts';
import { plainData } from '../config/plain-data.ts';
import type { EntityChange, EntityValue, StoreState } from '../store/entity.ts';
import { entityOf } from '../store/state.ts';
import { isOfFile } from './listing.ts';
import type { ChangeOutcome, ChangeProblem, WantedChange } from './manager.ts';
import { problemOf } from './problems.ts';

export type Plan =
  | { readonly kind: 'planned'; readonly changes: readonly EntityChange[] }
  | Extract<ChangeOutcome, { kind: 'conflict' | 'readOnly' | 'missing' | 'refused' }>;

/** What names the schema of the configuration lets pass and these must not be. */
const POLICY_NAME = /^(?!\d+$)[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;
const MAX_NAME = 200;

/** What has to be changed for what is wanted: nothing where it is so already. Values are copied, so that nobody changes them later. */
export function planChanges(
  wanted: readonly WantedChange[],
  state: StoreState,
  config: Pick<LoadedConfig, 'written'>,
): Plan {
  const changes = new Map<string, EntityChange>();
  const problems: ChangeProblem[] = [];
  for (const { collection, name, value, expected } of wanted) {
    const current = entityOf(state, collection, name);
    if (isOfFile(config, collection, name) && (value !== undefined || current === undefined))
      return { kind: 'readOnly', collection, name };
    if (expected !== undefined && expected !== (current?.revision ?? 'absent'))
      return { kind: 'conflict', collection, name, revision: current?.revision ?? 'absent' };
    if (value === undefined && current === undefined) return { kind: 'missing', collection, name };
    const key = `${collection}/${name}`;
    if (changes.has(key)) problems.push(problemOf('is changed twice', dottedPath([collection, name])));
    const after = value === undefined ? undefined : copyOf(value, collection, name, problems);
    if (sameData(current?.value, after)) continue;
    changes.set(key, { collection, name, before: current?.value, after });
  }
  if (problems.length > 0) return { kind: 'refused', problems };
  return { kind: 'planned', changes: [...changes.values()] };
}

function copyOf(
  value: EntityValue,
  collection: WantedChange['collection'],
  name: string,
  problems: ChangeProblem[],
): EntityValue {
  const isName = collection === 'policies' ? POLICY_NAME.test(name) : name.length <= MAX_NAME;
  if (!isName || name === '__proto__' || name === '')
    problems.push(
      problemOf(
        'is not a name: write up to 100 letters, digits, ".", "_" and "-", not digits alone',
        dottedPath([collection, name.slice(0, MAX_NAME)]),
      ),
    );
  const copy = plainData(value);
  for (const { path, message } of copy.problems)
    problems.push(problemOf(message, dottedPath([collection, name, ...path])));
  return copy.value as EntityValue;
}
