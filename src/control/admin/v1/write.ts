import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { dottedPath } from '../../config/place.ts';
import type { ChangeProblem, ChangeRequest, ListedEntity } from '../../manager/manager.ts';
import { actorOf } from '../../rights/store/rights-store.ts';
import type { Collection, EntityChange, EntityValue } from '../../store/entity.ts';
import type { AdminCaller } from '../access.ts';
import { type AdminAnswer, empty, json, problem } from '../answer.ts';
import type { AdminRequest } from '../endpoint.ts';
import { apiStateOf } from './api-status.ts';
import { changeAnswer } from './change-view.ts';
import type { Call } from './define.ts';
import { holdsRedacted, redactEntity, restoreSecrets } from './entity-secrets.ts';
import { entityView, versionFields, versionOf } from './entity-view.ts';
import { hostReachRefusal } from './host-reach.ts';
import {
  failureAnswer,
  preconditionFailed,
  preconditionMalformed,
  problemView,
  refused,
  unknownEntity,
} from './outcomes.ts';
import { pointerOf } from './pointer.ts';
import { hasPrecondition, revisionOf as revisionAskedFor, verdictOn } from './preconditions.ts';
import { visibleProblems } from './visible-problems.ts';

export const writeSchema = z.strictObject({
  'dry-run': z.boolean().default(false).describe('Answers what would change, and changes nothing'),
  message: z
    .string()
    .max(500)
    .regex(/^\P{Cc}*$/u, 'has control characters')
    .optional()
    .describe('Why, for the list of revisions'),
});

/** Of changes of the whole, which are planned before they are made. */
export const planSchema = writeSchema.extend({
  follows: z
    .int()
    .min(0)
    .optional()
    .describe(
      'The revision that it was planned for, as a dry-run says: where another is in force, nothing changes',
    ),
});

/** Of changes of one entity. */
export const entityWriteSchema = writeSchema.extend({
  answer: z
    .enum(['entity', 'change'])
    .default('entity')
    .describe('change: answers what has changed, as a dry-run does, in place of the entity as it is now'),
});

export type WriteQuery = z.output<typeof writeSchema>;
export type EntityWriteQuery = z.output<typeof entityWriteSchema>;
type WriteCall = Call<unknown, EntityWriteQuery>;

/** One change of one entity. */
export interface EntityWrite {
  readonly collection: Collection;
  readonly name: string;
  readonly kind: 'create' | 'put' | 'patch' | 'delete';
  /** What it is to be, given what it is; undefined deletes. */
  readonly value: (current: EntityValue | undefined) => EntityValue | undefined;
}

/** Of `[redacted]`. */
export const LOST_SECRET =
  'stands for a secret that is kept here already, and there is none: write the secret itself';

/** Whoever gave no precondition does not hear that somebody was quicker: it is done again with what is there then. */
const MAX_TRIES = 30;
const PAUSE_MS = 10;

export function writeEntity(call: WriteCall, write: EntityWrite): Promise<AdminAnswer> {
  return retried(() => tryToWrite(call, write));
}

/** Tries again while others change what a change was made for. */
export async function retried(attemptOnce: () => Promise<AdminAnswer | 'conflict'>): Promise<AdminAnswer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await attemptOnce();
    if (answer !== 'conflict') return answer;
    if (attempt === MAX_TRIES)
      return problem(503, 'too_many_writers', 'Others changed it all the while', {}, { 'retry-after': '1' });
    await setTimeout(PAUSE_MS * Math.random() * attempt);
  }
}

async function tryToWrite(call: WriteCall, write: EntityWrite): Promise<AdminAnswer | 'conflict'> {
  const { configuration, request } = call;
  const { collection, name, kind } = write;
  const viewer = { caller: request.caller, configuration };
  const current = configuration.get(collection, name);
  const early = refusedEarly(request, write, current);
  if (early !== undefined) return early;
  const written = write.value(current?.value);
  const restored = written === undefined ? undefined : restoreSecrets(collection, written, current?.value);
  if (restored?.ok === false) return secretsLost(write, restored.paths);
  const value = restored?.value;
  if (value !== undefined && !request.caller.may('write', { kind: 'entity', collection, name, value }))
    return forbidden(request.caller, 'write', collection, name);
  const dependsOnCurrent =
    kind === 'patch' || kind === 'create' || hasPrecondition(request.headers) || holdsRedacted(written);
  const outcome = await configuration.change({
    ...authorship(request.caller, call.query),
    changes: [
      {
        collection,
        name,
        value,
        ...(dependsOnCurrent
          ? { expected: current === undefined ? 'absent' : revisionOf(current) }
          : undefined),
      },
    ],
  });
  switch (outcome.kind) {
    case 'planned':
      return changeAnswer(outcome, write, viewer);
    case 'applied':
    case 'unchanged':
      if (call.query['dry-run'] || call.query.answer === 'change')
        return changeAnswer(outcome, write, viewer);
      return value === undefined
        ? empty(204)
        : writtenAnswer(call, write, outcome.changes, outcome.warnings, value);
    case 'conflict':
      if (kind === 'create') return exists(collection, name);
      return hasPrecondition(request.headers) ? preconditionFailed() : 'conflict';
    default:
      return failureAnswer(outcome, write, viewer);
  }
}

/** Who makes a change and whether it is only tried, as every change says it. */
export function authorship(caller: AdminCaller, query: WriteQuery): Omit<ChangeRequest, 'changes'> {
  return {
    author: caller.name,
    actor: actorOf(caller),
    message: query.message,
    dryRun: query['dry-run'],
    allow: (changes: readonly EntityChange[]) => hostReachRefusal(changes, caller) ?? caller.refuse(changes),
  };
}

/**
 * The revision that a change of the whole follows, by `follows` or by If-Match, or what is answered where the two, or what is in force,
 * do not go together.
 */
export function followed(
  { headers }: AdminRequest,
  query: z.output<typeof planSchema>,
  inForce: number,
):
  | { readonly ok: true; readonly follows: number | undefined }
  | { readonly ok: false; readonly answer: AdminAnswer } {
  const asked = revisionAskedFor(headers, inForce);
  if (asked.ok) {
    const { follows = query.follows } = asked;
    if (query.follows === undefined || query.follows === follows) return { ok: true, follows };
    return { ok: false, answer: preconditionFailed() };
  }
  switch (asked.why) {
    case 'malformed':
      return { ok: false, answer: preconditionMalformed() };
    case 'unsupported':
      return {
        ok: false,
        answer: problem(
          400,
          'precondition_unsupported',
          'The whole is changed by If-Match with the ETag of an export, or by ?follows=',
        ),
      };
    default:
      return { ok: false, answer: preconditionFailed(asked.why) };
  }
}

/** What needs no look at what is sent. */
function refusedEarly(
  { caller, headers }: AdminRequest,
  { collection, name, kind }: EntityWrite,
  current: ListedEntity | undefined,
): AdminAnswer | undefined {
  const unusable = unusableName(name);
  if (unusable !== undefined && current === undefined && kind !== 'patch' && kind !== 'delete')
    return refused([
      problemView({ path: dottedPath([collection, name]), message: unusable }, { collection, name }),
    ]);
  const asEntity = current === undefined ? undefined : ({ kind: 'entity', ...current } as const);
  // As if it were not there, whatever else is asked; but its name is taken.
  const isHidden = asEntity !== undefined && !caller.may('read', asEntity);
  if ((kind === 'patch' || kind === 'delete') && (current === undefined || isHidden))
    return headers['if-match'] === undefined ? unknownEntity(collection, name) : preconditionFailed('absent');
  if (isHidden && headers['if-match'] !== undefined) return preconditionFailed('absent');
  if (isHidden || (kind === 'create' && current !== undefined)) return exists(collection, name);
  if (asEntity !== undefined && !caller.may('write', asEntity))
    return forbidden(caller, 'write', collection, name);
  const verdict = verdictOn('other', headers, current === undefined ? undefined : versionOf(current));
  switch (verdict) {
    case 'proceed':
    case 'notModified':
      return undefined;
    case 'malformed':
      return preconditionMalformed();
    default:
      return preconditionFailed(verdict);
  }
}

/** What no part of the gateway could hold; the schema has the rest. */
function unusableName(name: string): string | undefined {
  if (name === '__proto__') return 'this name is not allowed';
  return /\p{Cc}/u.test(name) || !name.isWellFormed() ? 'has characters that no name may have' : undefined;
}

async function writtenAnswer(
  call: WriteCall,
  { collection, name }: EntityWrite,
  changes: readonly EntityChange[],
  warnings: readonly ChangeProblem[],
  value: EntityValue,
): Promise<AdminAnswer> {
  const isNew = changes.some((change) => change.name === name && change.before === undefined);
  const path = `/v1/${collection}/${encodeURIComponent(name)}`;
  const created = isNew ? { location: path } : undefined;
  const entity = call.configuration.get(collection, name);
  // Somebody else deleted it already.
  if (entity === undefined)
    return json(isNew ? 201 : 200, { name, ...redactEntity(collection, value) }, created);
  const state = await apiStateOf(entity, call.configuration);
  const view = entityView(entity, call.configuration, state);
  const version = versionFields(versionOf(entity, view));
  const own = visibleProblems(warnings, { caller: call.request.caller, configuration: call.configuration })
    .map((warning) => problemView(warning, { collection, name }))
    .filter(({ pointer }) => pointer !== undefined);
  if (own.length > 0) view['meta'] = { ...(view['meta'] as object), warnings: own };
  return json(isNew ? 201 : 200, view, { ...version, ...created });
}

function revisionOf(entity: ListedEntity): number | undefined {
  return entity.origin === 'store' ? entity.revision : undefined;
}

function exists(collection: Collection, name: string): AdminAnswer {
  return problem(409, 'entity_exists', `There is a ${JSON.stringify(name)} in ${collection} already`);
}

export function forbidden(
  caller: AdminCaller,
  action: 'read' | 'write',
  collection: string,
  name: string,
): AdminAnswer {
  const verb = action === 'read' ? 'read' : 'change';
  return problem(403, 'forbidden', `${caller.name} has no right to ${verb} ${collection}.${name}`);
}

function secretsLost(
  { collection, name }: EntityWrite,
  paths: readonly (readonly (string | number)[])[],
): AdminAnswer {
  return refused(
    paths.map((path) => ({
      path: dottedPath([collection, name, ...path]),
      pointer: pointerOf(path),
      message: LOST_SECRET,
    })),
  );
}
