import { z } from 'zod';
import { duration } from '../../lib/units.ts';

const sqlite = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .default('portcullis.db')
      .describe('File of the database, relative to the configuration; made at the first change'),
  })
  .describe('A file of this machine, for one node');

const postgres = z
  .strictObject({
    url: z
      .string()
      .min(1)
      .describe(
        'postgresql://user:password@host:5432/database, with ?sslmode=verify-full for TLS; env:NAME or file:path keeps the password out',
      ),
    schema: z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,47}$/, 'is up to 48 small letters, digits and "_"')
      .default('portcullis')
      .describe(
        'Schema of the tables, made when it is not there: several installations can share one database',
      ),
    timeout: duration('How long PostgreSQL is waited for: a connection, a query, a lock')
      .refine((ms) => ms >= 100, 'is less than 100ms')
      .refine((ms) => ms <= 60_000, 'is more than 1m')
      .prefault('5s'),
  })
  .describe('PostgreSQL, which the nodes of one gateway share');

const key = z.string().min(1);

/** Where entities that the admin API edits are kept. */
export const storeSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('false: the configuration is what the file says, and nothing else'),
    sqlite: sqlite.optional(),
    postgres: postgres.optional(),
    key: z
      .union([key, z.array(key).min(1).max(10)])
      .optional()
      .describe(
        'Text of 32 characters or more that encrypts secrets in the store: env:NAME or file:path. Of several, the first encrypts and all decrypt. Default with SQLite: a key in a file beside it, which is made',
      ),
    poll: duration('How often the store is asked for changes of other nodes, should their news get lost')
      .refine((ms) => ms >= 100, 'is less than 100ms')
      .refine((ms) => ms <= 3_600_000, 'is more than 1h')
      .prefault('5s'),
    snapshot: z
      .string()
      .min(1)
      .default('portcullis-snapshot.json')
      .describe('File with what PostgreSQL held last, for a start without it; secrets in it are encrypted'),
    revisions: z
      .int()
      .min(10)
      .max(1_000_000)
      .default(1000)
      .describe('Revisions to keep, to compare with and to go back to; older ones are forgotten'),
  })
  .refine((written) => written.sqlite === undefined || written.postgres === undefined, {
    path: ['postgres'],
    message: 'cannot stand beside sqlite: there is one store',
  })
  .describe('What the admin API edits, beside this file');

/** A store as it is used: paths are absolute, and nothing refers to elsewhere. */
export interface StoreSettings {
  readonly enabled: boolean;
  readonly place:
    | { readonly kind: 'sqlite'; readonly file: string }
    | {
        readonly kind: 'postgres';
        readonly url: string;
        readonly schema: string;
        readonly timeoutMs: number;
      };
  /** Of several the first encrypts. None: with SQLite, that in a file beside it. */
  readonly keys: readonly string[];
  readonly pollMs: number;
  readonly snapshotFile: string;
  readonly revisions: number;
}
