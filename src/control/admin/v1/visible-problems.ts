import type { ChangeProblem, ConfigurationManager } from '../../manager/manager.ts';
import { COLLECTIONS, type Collection } from '../../store/entity.ts';
import type { AdminCaller } from '../access.ts';
import { placeOf } from './problem-place.ts';

/** Who is told of problems, and what there is to see. */
export interface Viewer {
  readonly caller: AdminCaller;
  readonly configuration: Pick<ConfigurationManager, 'get'>;
}

/**
 * What of the problems of a whole configuration somebody may be told who does not see all of it: nothing of where others have theirs, nor of files of
 * the machine, nor by a suggestion what others call theirs.
 */
export function visibleProblems(
  problems: readonly ChangeProblem[],
  viewer: Viewer,
): readonly ChangeProblem[] {
  if (viewer.caller.may('read', { kind: 'gateway' })) return problems;
  return problems.filter((found) => isSeen(found, viewer)).map((found) => told(found, viewer));
}

function isSeen({ path, file }: ChangeProblem, viewer: Viewer): boolean {
  const [key, name] = placeOf(path, file);
  const collection = COLLECTIONS.find((each) => each === key);
  if (collection !== undefined && typeof name === 'string') return maySee(viewer, collection, name);
  // That there is no key for secrets concerns whoever sends one.
  return key === 'store';
}

function told({ file, line, column, suggestion, ...found }: ChangeProblem, viewer: Viewer): ChangeProblem {
  const isStored = file?.startsWith('store:') === true;
  const isHidden =
    suggestion !== undefined && COLLECTIONS.some((collection) => !maySee(viewer, collection, suggestion));
  return {
    ...found,
    ...(suggestion === undefined || isHidden ? undefined : { suggestion }),
    ...(isStored && { file, line, column }),
  };
}

/** What is not in force was sent. */
function maySee({ caller, configuration }: Viewer, collection: Collection, name: string): boolean {
  const entity = configuration.get(collection, name);
  return entity === undefined || caller.may('read', { kind: 'entity', ...entity });
}
