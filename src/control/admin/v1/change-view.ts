import { isRecord } from '../../../lib/is-record.ts';
import { sameData } from '../../../lib/same-data.ts';
import type { ChangeOutcome, ChangeProblem } from '../../manager/manager.ts';
import type { EntityChange } from '../../store/entity.ts';
import { type AdminAnswer, json } from '../answer.ts';
import { redactEntity } from './entity-secrets.ts';
import { problemView, type Sent } from './outcomes.ts';
import { pointerOf } from './pointer.ts';
import { type Viewer, visibleProblems } from './visible-problems.ts';

/** Places that are listed of one change. */
const MAX_PLACES = 100;

type Made = Extract<ChangeOutcome, { readonly kind: 'applied' | 'planned' | 'unchanged' }>;

/** What was changed, or would be: without secrets, but with the places where something differs, a secret among them. */
export function changeAnswer(
  { kind, revision, changes, warnings }: Made,
  sent: Sent,
  viewer: Viewer,
): AdminAnswer {
  const seesAll = viewer.caller.may('admin', { kind: 'gateway' });
  return json(200, {
    result: kind,
    revision,
    changes: changes.map(changeView),
    warnings: visibleProblems(warnings, viewer)
      .filter((warning) => seesAll || changes.some((change) => isOf(warning, change)))
      .map((warning) => problemView(warning, sent)),
  });
}

/** Warnings of the whole may name what is not for everyone to see. */
function isOf(warning: ChangeProblem, change: EntityChange): boolean {
  return problemView(warning, change).pointer !== undefined;
}

export function changeView({ collection, name, before, after }: EntityChange): Record<string, unknown> {
  const differences: string[] = [];
  if (before !== undefined && after !== undefined) collectDifferences(before, after, [], differences);
  return {
    collection,
    name,
    action: before === undefined ? 'create' : after === undefined ? 'delete' : 'update',
    ...(before === undefined ? undefined : { before: redactEntity(collection, before) }),
    ...(after === undefined ? undefined : { after: redactEntity(collection, after) }),
    ...(differences.length === 0 ? undefined : { differences }),
  };
}

function collectDifferences(
  before: unknown,
  after: unknown,
  path: readonly (string | number)[],
  found: string[],
): void {
  if (found.length >= MAX_PLACES || sameData(before, after)) return;
  if (isRecord(before) && isRecord(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    const count = found.length;
    for (const name of names) collectDifferences(before[name], after[name], [...path, name], found);
    // The order of the keys alone.
    if (found.length === count) found.push(pointerOf(path));
  } else if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    before.forEach((entry, index) => collectDifferences(entry, after[index], [...path, index], found));
  else found.push(pointerOf(path));
}
