import { z } from 'zod';
import { sameData } from '../../../lib/same-data.ts';
import { dottedPath } from '../../config/place.ts';
import type { ConfigurationManager, ListedEntity, WantedChange } from '../../manager/manager.ts';
import { ownerOf } from '../../rights/owner.ts';
import type { Collection, EntityValue } from '../../store/entity.ts';
import type { AdminCaller } from '../access.ts';
import type { AdminAnswer } from '../answer.ts';
import { holdsRedacted, restoreSecrets } from './entity-secrets.ts';
import { type ProblemView, problemView, refused } from './outcomes.ts';
import { isGeneratedName, type SentEntities } from './sent-entities.ts';
import { forbidden, LOST_SECRET } from './write.ts';

/** How what is sent is taken, beside what it says. */
export const scopeShape = {
  prune: z
    .boolean()
    .default(false)
    .describe('In the collections that are sent, deletes what the store has and is not sent'),
  organization: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe(
      'Changes and deletes nothing but what belongs to this organization: all else is refused, and stays',
    ),
};

export type Scope = z.output<z.ZodObject<typeof scopeShape>>;

/** What has to change for what was sent, as far as whoever calls may. */
export function wantedChanges(
  configuration: ConfigurationManager,
  caller: AdminCaller,
  sent: SentEntities,
  scope: Scope,
):
  | { readonly ok: true; readonly changes: readonly WantedChange[] }
  | { readonly ok: false; readonly answer: AdminAnswer } {
  const wanted = [...sent.entities, ...unsent(configuration, caller, sent, scope)];
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
    const stranger = strangerTo(scope, collection, name, current?.value, after);
    if (stranger !== undefined) {
      errors.push(problemView({ path: dottedPath([collection, name]), message: stranger }, 'configuration'));
      continue;
    }
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

/** Why an entity is not for changes of one organization; undefined where it is. */
function strangerTo(
  { organization }: Scope,
  collection: Collection,
  name: string,
  ...values: readonly (EntityValue | undefined)[]
): string | undefined {
  if (organization === undefined) return undefined;
  for (const value of values) {
    const owner: string | undefined = value === undefined ? organization : ownerOf(collection, name, value);
    if (owner === undefined)
      return `belongs to no organization, and only what belongs to ${organization} is to be changed`;
    if (owner !== organization)
      return `belongs to ${owner}, and only what belongs to ${organization} is to be changed`;
  }
  return undefined;
}

/** What the store has, whoever calls may delete, and was not sent where all was to be. */
function unsent(
  configuration: ConfigurationManager,
  caller: AdminCaller,
  { collections, entities, listsPolicies }: SentEntities,
  { prune, organization }: Scope,
): { readonly collection: Collection; readonly name: string; readonly value: undefined }[] {
  const sent = new Set(entities.map(({ collection, name }) => `${collection}/${name}`));
  const isMeant = ({ collection, name, value }: ListedEntity): boolean => {
    // Who sends a list means the whole of it.
    if (collection === 'policies' && listsPolicies && isGeneratedName(name)) return true;
    if (!prune) return false;
    // An organization ends with all that it has: by its own name alone.
    return (
      organization === undefined ||
      (collection !== 'organizations' && ownerOf(collection, name, value) === organization)
    );
  };
  return collections.flatMap((collection) =>
    configuration
      .list(collection)
      .filter(
        (entity) =>
          entity.origin === 'store' &&
          !sent.has(`${collection}/${entity.name}`) &&
          isMeant(entity) &&
          caller.may('write', { kind: 'entity', ...entity }),
      )
      .map(({ name }) => ({ collection, name, value: undefined })),
  );
}
