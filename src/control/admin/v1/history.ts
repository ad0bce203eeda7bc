import { z } from 'zod';
import { messageOf } from '../../../lib/message-of.ts';
import type { ConfigurationManager } from '../../manager/manager.ts';
import type { EntityChange, Revision } from '../../store/entity.ts';
import type { AdminCaller } from '../access.ts';
import { type AdminAnswer, json, problem } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { changeAnswer, changeView } from './change-view.ts';
import { type Call, define, unavailable } from './define.ts';
import { failureAnswer } from './outcomes.ts';
import { pageSchema } from './page.ts';
import { REVISION_FIELDS } from './preconditions.ts';
import { authorship, followed, planSchema } from './write.ts';

const number = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER - 1);
const numbered = z.strictObject({ number: number.describe('Of the revision; 0 is the empty store') });
const none = z.strictObject({});
const diffSchema = z.strictObject({
  from: number.describe('Number of a revision'),
  to: number.optional().describe('Number of another; default: the one in force'),
});

type Page = z.output<typeof pageSchema>;
type Numbered = z.output<typeof numbered>;

/** What was changed, when and by whom, and the way back. */
export const HISTORY: readonly Endpoint[] = [
  define({
    method: 'GET',
    path: '/v1/revisions',
    summary: 'The changes that were made, the newest first',
    access: 'read',
    parameters: none,
    query: pageSchema,
    answers: { 200: { description: 'A page', shape: { component: 'RevisionPage' } } },
    answer: (call) => whileReachable(() => list(call)),
  }),
  define({
    method: 'GET',
    path: '/v1/revisions/{number}',
    summary: 'A revision and what it changed',
    access: 'read',
    parameters: numbered,
    query: none,
    answers: { 200: { description: 'The revision', shape: { component: 'Revision' } } },
    answer: (call) => whileReachable(() => read(call)),
  }),
  define({
    method: 'GET',
    path: '/v1/diff',
    summary: 'What lies between two revisions',
    access: 'read',
    parameters: none,
    query: diffSchema,
    answers: { 200: { description: 'The changes', shape: { component: 'Diff' } } },
    answer: (call) => whileReachable(() => diff(call)),
  }),
  define({
    method: 'POST',
    path: '/v1/revisions/{number}/rollback',
    summary: 'Make a new revision with the entities of an older one',
    access: 'admin',
    parameters: numbered,
    query: planSchema,
    fields: REVISION_FIELDS,
    answers: { 200: { description: 'What has changed', shape: { component: 'Change' } } },
    answer: (call) => whileReachable(() => rollback(call)),
  }),
];

/** What has been is told by the store alone, which may be away. */
export async function whileReachable(answer: () => Promise<AdminAnswer>): Promise<AdminAnswer> {
  try {
    return await answer();
  } catch (error) {
    return unavailable(`The store does not answer: ${messageOf(error)}`);
  }
}

async function list({ configuration, query }: Call<unknown, Page>): Promise<AdminAnswer> {
  const before =
    query.cursor === undefined ? undefined : Number(/^before-(\d{1,15})$/.exec(query.cursor)?.[1]);
  if (Number.isNaN(before)) return problem(400, 'cursor_invalid', 'The cursor is none of this list');
  // One more than is shown tells whether there are more.
  const { limit } = query;
  const revisions = await configuration.revisions({
    ...(before === undefined ? undefined : { before }),
    limit: limit + 1,
  });
  const last = revisions.length > limit ? revisions[limit - 1] : undefined;
  const next = last === undefined ? null : `before-${last.number}`;
  return json(200, { items: revisions.slice(0, limit).map(revisionView), next });
}

async function read({ configuration, request, path }: Call<Numbered, unknown>): Promise<AdminAnswer> {
  const revision = await revisionOf(configuration, path.number);
  const changes = revision && (await configuration.between(revision.number - 1, revision.number));
  if (revision === undefined || changes === undefined) return unknownRevision(path.number);
  return json(200, { ...revisionView(revision), changes: visible(changes, request.caller) });
}

async function diff({
  configuration,
  request,
  query: { from, to = configuration.revision },
}: Call<unknown, z.output<typeof diffSchema>>): Promise<AdminAnswer> {
  const changes = await configuration.between(from, to);
  if (changes === undefined) {
    const known = await revisionOf(configuration, from);
    return unknownRevision(from === 0 || known !== undefined ? to : from);
  }
  return json(200, { from, to, changes: visible(changes, request.caller) });
}

async function rollback({
  configuration,
  request,
  path,
  query,
}: Call<Numbered, z.output<typeof planSchema>>): Promise<AdminAnswer> {
  const { number: to } = path;
  if (to > 0 && (await revisionOf(configuration, to)) === undefined) return unknownRevision(to);
  const after = followed(request, query, configuration.revision);
  if (!after.ok) return after.answer;
  const message = query.message ?? `rollback to revision ${to}`;
  const outcome = await configuration.rollback(to, {
    ...authorship(request.caller, { ...query, message }),
    follows: after.follows,
  });
  switch (outcome.kind) {
    case 'applied':
    case 'planned':
    case 'unchanged':
      return changeAnswer(outcome, 'configuration', { caller: request.caller, configuration });
    default:
      return failureAnswer(outcome, 'configuration', { caller: request.caller, configuration });
  }
}

async function revisionOf(
  configuration: ConfigurationManager,
  wanted: number,
): Promise<Revision | undefined> {
  const [found] = await configuration.revisions({ before: wanted + 1, limit: 1 });
  return found?.number === wanted ? found : undefined;
}

function visible(changes: readonly EntityChange[], caller: AdminCaller): Record<string, unknown>[] {
  return changes
    .filter(({ collection, name, before, after }) =>
      [before, after].some(
        (value) => value !== undefined && caller.may('read', { kind: 'entity', collection, name, value }),
      ),
    )
    .map(changeView);
}

function revisionView({ number: of, atMs, author, message }: Revision): Record<string, unknown> {
  return {
    number: of,
    at: new Date(atMs).toISOString(),
    author,
    ...(message === undefined ? undefined : { message }),
  };
}

export function unknownRevision(wanted: number): AdminAnswer {
  return problem(404, 'revision_unknown', `There is no revision ${wanted}, or not any more`);
}
