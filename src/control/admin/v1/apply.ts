import { z } from 'zod';
import { isRecord } from '../../../lib/is-record.ts';
import { nearest } from '../../../lib/nearest.ts';
import { sameData } from '../../../lib/same-data.ts';
import { dottedPath } from '../../config/place.ts';
import type { ConfigurationManager, WantedChange } from '../../manager/manager.ts';
import { COLLECTIONS, type Collection, type EntityValue, FILE_PARTS } from '../../store/entity.ts';
import type { AdminCaller } from '../access.ts';
import type { AdminAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { changeAnswer } from './change-view.ts';
import { type Call, define } from './define.ts';
import { holdsRedacted, restoreSecrets } from './entity-secrets.ts';
import { writtenValue } from './entity-view.ts';
import { failureAnswer, type ProblemView, problemView, refused } from './outcomes.ts';
import { REVISION_FIELDS } from './preconditions.ts';
import { readMap } from './read-body.ts';
import { authorship, followed, forbidden, LOST_SECRET, planSchema, retried } from './write.ts';

export const TYPES = ['application/json', 'application/yaml'];
/** A configuration of 10,000 APIs has about a third of it. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

const applySchema = planSchema.extend({
  prune: z
    .boolean()
    .default(false)
    .describe('In the collections that are sent, deletes what the store has and is not sent'),
});

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
  const wanted = wantedChanges(configuration, request.caller, sent, query.prune);
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

/** What has to change for what was sent, as far as whoever calls may. */
export function wantedChanges(
  configuration: ConfigurationManager,
  caller: AdminCaller,
  sent: SentEntities,
  prune: boolean,
):
  | { readonly ok: true; readonly changes: readonly WantedChange[] }
  | { readonly ok: false; readonly answer: AdminAnswer } {
  const wanted = [...sent.entities, ...(prune ? unsent(configuration, caller, sent) : [])];
  const changes: WantedChange[] = [];
  const errors: ProblemView[] = [];
  for (const { collection, name, value } of wanted) {
    const current = configuration.get(collection, name);
    // Before what was sent is held against it: the answer would tell what is in it.
    if (current !== undefined && !caller.may('read', { kind: 'entity', ...current }))
      return { ok: false, answer: forbidden(caller, 'write', collection, name) };
    const restored = value === undefined ? undefined : restoreSecrets(collection, value, current?.value);
    if (restored?.ok === false) {
      for (const path of restored.paths)
        errors.push(
          problemView(
            { path: dottedPath([collection, name, ...path]), message: LOST_SECRET },
            'configuration',
          ),
        );
      continue;
    }
    const after = restored?.value;
    // So that an export goes back in, with what the file has and what others own.
    if (current !== undefined && sameData(current.value, after)) continue;
    if (
      (current !== undefined && !caller.may('write', { kind: 'entity', ...current })) ||
      (after !== undefined && !caller.may('write', { kind: 'entity', collection, name, value: after }))
    )
      return { ok: false, answer: forbidden(caller, 'write', collection, name) };
    const isRestored = holdsRedacted(value) && current?.origin === 'store';
    changes.push({
      collection,
      name,
      value: after,
      ...(isRestored ? { expected: current.revision } : undefined),
    });
  }
  return errors.length > 0 ? { ok: false, answer: refused(errors) } : { ok: true, changes };
}

export interface SentEntities {
  readonly collections: readonly Collection[];
  readonly entities: readonly {
    readonly collection: Collection;
    readonly name: string;
    readonly value: EntityValue;
  }[];
  readonly errors: readonly ProblemView[];
}

export function sentEntities(body: Readonly<Record<string, unknown>>): SentEntities {
  const collections: Collection[] = [];
  const entities: SentEntities['entities'][number][] = [];
  const errors: ProblemView[] = [];
  const fail = (path: readonly string[], message: string, suggestion?: string) =>
    errors.push(
      problemView(
        { path: dottedPath(path), message, ...(suggestion === undefined ? undefined : { suggestion }) },
        'configuration',
      ),
    );
  for (const [key, written] of Object.entries(body)) {
    const collection = COLLECTIONS.find((known) => known === key);
    if (collection === undefined) {
      fail([key], unstored(key), nearest(key, COLLECTIONS));
      continue;
    }
    collections.push(collection);
    const entries = collection === 'policies' && Array.isArray(written) ? namedPolicies(written) : written;
    if (!isRecord(entries)) {
      fail([key], 'expected a map of entities by name');
      continue;
    }
    for (const [name, value] of Object.entries(entries)) {
      if (isRecord(value)) entities.push({ collection, name, value: writtenValue(value) });
      else fail([key, name], 'expected a map');
    }
  }
  return { collections, entities, errors };
}

function unstored(key: string): string {
  return (FILE_PARTS as readonly string[]).includes(key)
    ? 'is of the process and stands in its file: leave it out here'
    : `is no collection; there are ${COLLECTIONS.join(', ')}`;
}

/** A list, as in a file, keeps its order by its names: the store has policies in the order of these. */
function namedPolicies(list: readonly unknown[]): Record<string, unknown> {
  const digits = String(list.length).length;
  return Object.fromEntries(
    list.map((entry, index) => {
      const policy = isRecord(entry) ? (Object.keys(entry)[0] ?? '') : '';
      const place = String(index + 1).padStart(Math.max(2, digits), '0');
      return [`p${place}-${policy.replaceAll(/[^A-Za-z0-9_-]+/g, '-')}`.slice(0, 100), entry];
    }),
  );
}

/** What the store has, whoever calls may delete, and was not sent. */
function unsent(
  configuration: ConfigurationManager,
  caller: AdminCaller,
  { collections, entities }: SentEntities,
): { readonly collection: Collection; readonly name: string; readonly value: undefined }[] {
  const sent = new Set(entities.map(({ collection, name }) => `${collection}/${name}`));
  return collections.flatMap((collection) =>
    configuration
      .list(collection)
      .filter(
        (entity) =>
          entity.origin === 'store' &&
          !sent.has(`${collection}/${entity.name}`) &&
          caller.may('write', { kind: 'entity', ...entity }),
      )
      .map(({ name }) => ({ collection, name, value: undefined })),
  );
}
