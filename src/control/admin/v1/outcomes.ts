import type { ChangeProblem, FailedChange } from '../../manager/manager.ts';
import { type AdminAnswer, problem } from '../answer.ts';
import { unavailable } from './define.ts';
import { pointerOf } from './pointer.ts';
import type { Failure } from './preconditions.ts';
import { placeOf } from './problem-place.ts';
import { type Viewer, visibleProblems } from './visible-problems.ts';

/** What was sent: an entity, or a configuration. Errors point into it. */
export type Sent = 'configuration' | { readonly collection: string; readonly name: string };

/** The answer to a change that did not come about, for whoever is told of it. */
export function failureAnswer(outcome: FailedChange, sent: Sent, viewer: Viewer): AdminAnswer {
  switch (outcome.kind) {
    case 'refused':
      return refused(toldOf(outcome.problems, viewer).map((found) => problemView(found, sent)));
    case 'conflict':
      return preconditionFailed();
    case 'outdated':
      return problem(
        412,
        'revision_outdated',
        `It was planned for another revision; ${outcome.revision} is in force by now`,
      );
    case 'readOnly':
      return problem(
        409,
        'read_only',
        `${outcome.collection}.${outcome.name} is in the configuration file: it is changed there`,
      );
    case 'missing':
      return unknownEntity(outcome.collection, outcome.name);
    case 'forbidden':
      return problem(403, 'forbidden', outcome.reason);
    case 'unavailable':
      return unavailable(outcome.reason);
  }
}

const OF_OTHERS: ChangeProblem = {
  severity: 'error',
  path: '',
  message: 'something that belongs to somebody else would be wrong then',
};

function toldOf(problems: readonly ChangeProblem[], viewer: Viewer): readonly ChangeProblem[] {
  const seen = visibleProblems(problems, viewer);
  return seen.length === 0 && problems.length > 0 ? [OF_OTHERS] : seen;
}

/** 422 with what is wrong, each with the place in what was sent. */
export function refused(errors: readonly ProblemView[]): AdminAnswer {
  return problem(422, 'configuration_refused', 'The configuration would be wrong; nothing has changed', {
    errors,
  });
}

export function unknownEntity(collection: string, name: string): AdminAnswer {
  return problem(404, 'entity_unknown', `There is no ${JSON.stringify(name)} in ${collection}`);
}

const WHY_NOT: Readonly<Record<Failure, string>> = {
  changed: 'It has changed meanwhile: read it again, then change that',
  absent: 'There is none, so that it has no version that would match',
  present: 'There is one already',
  ruledOut: 'It is a version that If-None-Match rules out',
  weakTag: 'A weak tag matches no version in If-Match: send the ETag as it was answered',
};

export function preconditionFailed(why: Failure = 'changed'): AdminAnswer {
  return problem(412, 'precondition_failed', WHY_NOT[why]);
}

export function preconditionMalformed(): AdminAnswer {
  return problem(400, 'precondition_malformed', 'If-Match and If-None-Match take entity tags or *');
}

export interface ProblemView {
  readonly path: string;
  /** Into what was sent; left out where the place is not in it. */
  readonly pointer?: string;
  readonly message: string;
  readonly suggestion?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export function problemView(
  { path, message, suggestion, file, line, column }: Omit<ChangeProblem, 'severity'>,
  sent: Sent,
): ProblemView {
  const pointer = pointerInto(sent, path, file);
  return {
    path,
    ...(pointer === undefined ? undefined : { pointer }),
    message,
    ...(suggestion === undefined ? undefined : { suggestion }),
    ...(file === undefined ? undefined : { file }),
    ...(line === undefined ? undefined : { line }),
    ...(column === undefined ? undefined : { column }),
  };
}

/** Where something of a configuration is in what was sent; undefined where it is not. */
function pointerInto(sent: Sent, path: string, file: string | undefined): string | undefined {
  const steps = placeOf(path, file);
  if (sent === 'configuration') return pointerOf(steps);
  return steps[0] === sent.collection && steps[1] === sent.name ? pointerOf(steps.slice(2)) : undefined;
}
