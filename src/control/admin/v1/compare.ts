import { z } from 'zod';
import { isSecretField, redactQuery } from '../../../observability/secrets.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Question } from '../../explain/question.ts';
import type { Preview } from '../../manager/manager.ts';
import { type AdminAnswer, json } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { REDACTED } from '../redact.ts';
import { MAX_BODY_BYTES, TYPES } from './apply.ts';
import { type Call, define } from './define.ts';
import { unknownRevision, whileReachable } from './history.ts';
import { hostReachRefusal } from './host-reach.ts';
import { failureAnswer, refused } from './outcomes.ts';
import { readMap } from './read-body.ts';
import { sentEntities } from './sent-entities.ts';
import type { Viewer } from './visible-problems.ts';
import { scopeShape, wantedChanges } from './wanted-changes.ts';

const none = z.strictObject({});
const revisionNumber = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER - 1);
const sentSchema = z.strictObject(scopeShape);
const betweenSchema = z.strictObject({
  from: revisionNumber.describe('Number of a revision; 0 is the empty store'),
  to: revisionNumber.optional().describe('Number of another; default: the one in force'),
});

export const OUTCOMES_ANSWERS = {
  200: {
    description: 'Which requests change their outcome, with an example of each',
    shape: { component: 'OutcomeDiff' },
  },
} as const;

/** Which requests would meet another outcome. Nothing is changed and nothing is sent to any service. */
export const COMPARE: readonly Endpoint[] = [
  define({
    method: 'POST',
    path: '/v1/outcomes',
    summary: 'Which requests change their outcome if this is applied',
    access: 'write',
    collection: 'all',
    parameters: none,
    query: sentSchema,
    body: {
      types: TYPES,
      shape: { component: 'Configuration' },
      maxBytes: MAX_BODY_BYTES,
      example: { services: { orders: { url: 'http://127.0.0.1:3000' } } },
    },
    answers: OUTCOMES_ANSWERS,
    answer: (call) => whileReachable(() => ofSent(call)),
  }),
  define({
    method: 'GET',
    path: '/v1/outcomes',
    summary: 'Which requests change their outcome from one revision to another',
    access: 'admin',
    parameters: none,
    query: betweenSchema,
    answers: OUTCOMES_ANSWERS,
    answer: (call) => whileReachable(() => between(call)),
  }),
];

async function ofSent({
  configuration,
  request,
  query,
}: Call<unknown, z.output<typeof sentSchema>>): Promise<AdminAnswer> {
  const body = await readMap(request, TYPES);
  if (!body.ok) return body.answer;
  const sent = sentEntities(body.value);
  if (sent.errors.length > 0) return refused(sent.errors);
  const { caller } = request;
  const wanted = wantedChanges(configuration, caller, sent, query);
  if (!wanted.ok) return wanted.answer;
  const { changes } = wanted;
  return described(
    { caller, configuration },
    await configuration.preview({
      changes,
      allow: (made) => hostReachRefusal(made, caller) ?? caller.refuse(made),
    }),
  );
}

async function between({
  configuration,
  request: { caller },
  query: { from, to = configuration.revision },
}: Call<unknown, z.output<typeof betweenSchema>>): Promise<AdminAnswer> {
  return described({ caller, configuration }, await configuration.preview({ from, to }));
}

async function described(viewer: Viewer, preview: Preview): Promise<AdminAnswer> {
  switch (preview.kind) {
    case 'preview':
      return outcomesAnswer(preview.before, preview.after);
    case 'unchanged':
      return json(200, { changes: [], weaker: false, incomparable: false, tried: 0, cut: false });
    case 'unknown':
      return unknownRevision(preview.revision);
    default:
      return failureAnswer(preview, 'configuration', viewer);
  }
}

export async function outcomesAnswer(before: LoadedConfig, after: LoadedConfig): Promise<AdminAnswer> {
  const { diffOutcomes } = await import('../../outcomes/diff.ts');
  const diff = await diffOutcomes(before, after);
  const changes = diff.changes.map((change) => ({ ...change, example: shown(change.example) }));
  return json(200, { ...diff, changes });
}

/** A route may ask for a secret in a field or parameter, which its example has then. */
function shown(example: Question): Question {
  const query = example.url.indexOf('?');
  const url =
    query === -1 ? example.url : example.url.slice(0, query) + redactQuery(example.url.slice(query));
  const headers = example.headers?.map(
    ([name, value]) => [name, isSecretField(name) ? REDACTED : value] as const,
  );
  return { ...example, url, ...(headers === undefined ? undefined : { headers }) };
}
