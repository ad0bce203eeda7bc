import { z } from 'zod';
import type { Account } from '../../../rights/account.ts';
import type { AuditEntry } from '../../../rights/audit-entry.ts';
import { decide, maySee } from '../../../rights/decide.ts';
import { EVERYWHERE } from '../../../rights/roles.ts';
import { type AuditFilter, readAudit, verifyAudit } from '../../../rights/store/audit-log.ts';
import { type RightsStore, refused } from '../../../rights/store/rights-store.ts';
import { json } from '../../answer.ts';
import type { Endpoint } from '../../endpoint.ts';
import { defineForKnown, none, organizationName, refusalAnswer } from './account-calls.ts';

/** Entries of one answer: a megabyte or two. */
const MAX_EXPORTED = 5000;
const NDJSON = 'application/x-ndjson';

const time = (description: string) => z.iso.datetime({ offset: true }).optional().describe(description);
const filterShape = {
  from: time('Entries of this time and later: 2030-01-31T00:00:00Z'),
  to: time('Entries before this time'),
  account: z.string().min(1).max(200).optional().describe('Name of who did it'),
  action: z.string().min(1).max(50).optional().describe('create, update, delete, login …'),
  object: z.string().min(1).max(300).optional().describe('apis/hello; or apis/ for all of a collection'),
  organization: organizationName.optional(),
};

const entryView = z.object({
  number: z.number(),
  at: z.string(),
  account: z.string().describe('Id of who did it'),
  name: z.string(),
  token: z.string().optional(),
  address: z.string().optional(),
  action: z.string(),
  object: z.string(),
  organization: z.string().optional(),
  revision: z.number().optional(),
  before: z
    .string()
    .optional()
    .describe('Digest of what was there, without its secrets; of a role, the role'),
  after: z.string().optional(),
  previous: z.string().describe('Hash of the entry before'),
  hash: z.string().describe('Over this entry and the hash before'),
});

const listSchema = z.strictObject({
  ...filterShape,
  before: z.int().min(1).optional().describe('Entries before this number: the `next` of a page'),
  limit: z.int().min(1).max(500).default(100),
});
const exportSchema = z.strictObject({
  ...filterShape,
  after: z.int().min(0).default(0).describe('Entries behind this number: the last of the export before'),
});

type FilterQuery = z.output<z.ZodObject<typeof filterShape>>;

async function entriesIn(store: RightsStore, filter: AuditFilter): Promise<readonly AuditEntry[]> {
  const database = await store.database();
  return database === undefined ? [] : readAudit(database, filter);
}

/** What was done, by whom and from where. Whoever is an admin of an organization reads what concerns it. */
export const AUDIT_ENDPOINTS: readonly Endpoint[] = [
  defineForKnown({
    method: 'GET',
    path: '/v1/audit',
    summary: 'List what was done, the newest first',
    parameters: none,
    query: listSchema,
    answers: {
      200: {
        description: 'A page',
        shape: z.object({ items: z.array(entryView), next: z.number().nullable() }),
      },
    },
    async answer({ store, asker, query: { before, limit, ...filter } }) {
      const wanted = filterOf(asker.account, filter);
      if (wanted === undefined) return refusalAnswer(READERS);
      const entries = await entriesIn(store, { ...wanted, before, limit, order: 'newest' });
      const next = entries.length < limit ? null : (entries.at(-1)?.number ?? null);
      return json(200, { items: entries.map(viewOf), next });
    },
  }),
  defineForKnown({
    method: 'GET',
    path: '/v1/audit/export',
    summary: `What was done, the oldest first, an entry a line; up to ${MAX_EXPORTED}: go on with after=`,
    parameters: none,
    query: exportSchema,
    answers: { 200: { description: 'Entries as JSON, one a line', types: [NDJSON] } },
    async answer({ store, asker, query: { after, ...filter } }) {
      const wanted = filterOf(asker.account, filter);
      if (wanted === undefined) return refusalAnswer(READERS);
      const entries = await entriesIn(store, { ...wanted, after, limit: MAX_EXPORTED, order: 'oldest' });
      const body = entries.map((entry) => `${JSON.stringify(viewOf(entry))}\n`).join('');
      return { status: 200, type: NDJSON, body };
    },
  }),
  defineForKnown({
    method: 'GET',
    path: '/v1/audit/verify',
    summary: 'Whether every entry is there, as it was written',
    parameters: none,
    query: none,
    answers: {
      200: {
        description:
          'intact, with the number and the hash of the last entry; or broken, with the first that is wrong',
        shape: z.object({
          kind: z.enum(['intact', 'broken']),
          entries: z.number().optional(),
          last: z.string().optional(),
          number: z.number().optional(),
        }),
      },
    },
    async answer({ store, asker }) {
      if (decide(asker.account, 'read', { kind: 'audit' }) !== 'allowed') return refusalAnswer(READERS);
      const database = await store.database();
      return json(200, database === undefined ? { kind: 'intact', entries: 0 } : await verifyAudit(database));
    },
  }),
];

const READERS = refused('forbidden', 'the audit log is read by admins');

/** Undefined for whoever may read none of it. */
function filterOf(
  account: Account,
  { from, to, account: name, action, object, organization }: FilterQuery,
): Omit<AuditFilter, 'limit' | 'order'> | undefined {
  const organizations = readable(account, organization);
  if (organizations === undefined) return undefined;
  return {
    fromMs: from === undefined ? undefined : Date.parse(from),
    toMs: to === undefined ? undefined : Date.parse(to),
    name,
    action,
    object,
    organizations: organizations === 'all' ? undefined : organizations,
  };
}

function readable(account: Account, wanted: string | undefined): readonly string[] | 'all' | undefined {
  const isAdmin = maySee(account, { kind: 'audit' });
  if (wanted !== undefined && wanted !== EVERYWHERE)
    return isAdmin || maySee(account, { kind: 'audit', organization: wanted }) ? [wanted] : [];
  if (isAdmin) return 'all';
  const own = [...account.roles.keys()].filter((organization) =>
    maySee(account, { kind: 'audit', organization }),
  );
  return own.length === 0 ? undefined : own;
}

function viewOf({ number, atMs, actor, deed, previous, hash }: AuditEntry): z.output<typeof entryView> {
  return { number, at: new Date(atMs).toISOString(), ...actor, ...deed, previous, hash };
}
