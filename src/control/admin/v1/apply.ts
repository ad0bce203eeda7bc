import { z } from 'zod';
import type { AdminAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { changeAnswer } from './change-view.ts';
import { type Call, define } from './define.ts';
import { failureAnswer, refused } from './outcomes.ts';
import { REVISION_FIELDS } from './preconditions.ts';
import { readMap } from './read-body.ts';
import { type SentEntities, sentEntities } from './sent-entities.ts';
import { scopeShape, wantedChanges } from './wanted-changes.ts';
import { authorship, followed, planSchema, retried } from './write.ts';

export const TYPES = ['application/json', 'application/yaml'];
/** A configuration of 10,000 APIs has about a third of it. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

const applySchema = planSchema.extend(scopeShape);

type ApplyCall = Call<unknown, z.output<typeof applySchema>>;

/** The whole of a configuration, or a part of it, in one change. */
export const APPLY: Endpoint = define({
  method: 'POST',
  path: '/v1/apply',
  summary: 'Put a configuration or a part of it into the store, as a file has it: all of it or nothing',
  access: 'write',
  collection: 'all',
  parameters: z.strictObject({}),
  query: applySchema,
  fields: REVISION_FIELDS,
  body: {
    types: TYPES,
    shape: { component: 'Configuration' },
    maxBytes: MAX_BODY_BYTES,
    example: { services: { orders: { url: 'http://127.0.0.1:3000' } } },
  },
  answers: {
    200: { description: 'What has changed; with dry-run, what would', shape: { component: 'Change' } },
  },
  answer: apply,
});

async function apply(call: ApplyCall): Promise<AdminAnswer> {
  const body = await readMap(call.request, TYPES);
  if (!body.ok) return body.answer;
  const sent = sentEntities(body.value);
  if (sent.errors.length > 0) return refused(sent.errors);
  return retried(() => tryToApply(call, sent));
}

async function tryToApply(call: ApplyCall, sent: SentEntities): Promise<AdminAnswer | 'conflict'> {
  const { configuration, request, query } = call;
  const viewer = { caller: request.caller, configuration };
  const after = followed(request, query, configuration.revision);
  if (!after.ok) return after.answer;
  const wanted = wantedChanges(configuration, request.caller, sent, query);
  if (!wanted.ok) return wanted.answer;
  const outcome = await configuration.change({
    ...authorship(request.caller, query),
    follows: after.follows,
    changes: wanted.changes,
  });
  switch (outcome.kind) {
    case 'applied':
    case 'planned':
    case 'unchanged':
      return changeAnswer(outcome, 'configuration', viewer);
    // One that was to be pruned was deleted by somebody else.
    case 'missing':
    case 'conflict':
      return 'conflict';
    default:
      return failureAnswer(outcome, 'configuration', viewer);
  }
}
