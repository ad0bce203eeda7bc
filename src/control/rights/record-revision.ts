import { valueAt } from '../config/place.ts';
import type { ChangeRequest } from '../manager/manager.ts';
import type { StoreTransaction } from '../store/database.ts';
import type { EntityChange, EntityValue, Revision } from '../store/entity.ts';
import { secretPlaces } from '../store/secret-places.ts';
import { type Deed, digestOf } from './audit-entry.ts';
import { ownerOf } from './owner.ts';
import { appendAudit } from './store/audit-log.ts';
import { endOrganization, endRemains } from './store/end-organization.ts';
import { rightsWithin } from './store/tables.ts';

/**
 * Writes a revision down in the audit log, within its transaction: an entry for each entity, and one more at the organization that it leaves. With an
 * organization ends what accounts had in it.
 */
export async function recordRevision(
  transaction: StoreTransaction,
  { number, atMs, author }: Revision,
  changes: readonly EntityChange[],
  { actor = { account: author, name: author } }: Pick<ChangeRequest, 'actor'>,
): Promise<void> {
  const rights = rightsWithin(transaction);
  const deeds: Deed[] = [];
  for (const change of changes) {
    deeds.push(...deedsOf(change, number));
    if (change.collection !== 'organizations') continue;
    if (change.after === undefined) deeds.push(...(await endOrganization(rights, change.name)));
    // One of the same name may have been in a file, which nobody hears the end of.
    else if (change.before === undefined) deeds.push(...(await endRemains(rights, change.name)));
  }
  await appendAudit(rights, atMs, actor, deeds);
}

function deedsOf({ collection, name, before, after }: EntityChange, revision: number): Deed[] {
  const deed: Deed = {
    action: before === undefined ? 'create' : after === undefined ? 'delete' : 'update',
    object: `${collection}/${name}`,
    organization: ownerOf(collection, name, after ?? before ?? {}),
    revision,
    before: digestOf(before && textOf(collection, name, before)),
    after: digestOf(after && textOf(collection, name, after)),
  };
  const left = before && ownerOf(collection, name, before);
  return left === undefined || left === deed.organization ? [deed] : [{ ...deed, organization: left }, deed];
}

/** Without its secrets: whoever has the digest could try what they are. */
function textOf(collection: EntityChange['collection'], name: string, value: EntityValue): string {
  const places = secretPlaces(collection, name, value);
  if (places.length === 0) return JSON.stringify(value);
  const open = structuredClone(value);
  for (const path of places) {
    const parent = valueAt(open, path.slice(0, -1)) as Record<string | number, unknown>;
    parent[path.at(-1) as string | number] = null;
  }
  return JSON.stringify(open);
}
