import { sql } from 'kysely';
import type { Migration } from './migration.ts';

export const acme: Migration = {
  name: '200-acme',
  summary: 'certificates by ACME: accounts, what was issued, what failed, challenges, and who orders',
  async up(transaction) {
    const { schema } = transaction;
    await schema
      .createTable('acme_accounts')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('url', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('secrets', 'text')
      .execute();
    await schema
      .createTable('acme_certificates')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('ordered', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('secrets', 'text')
      .addColumn('issued_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('renew_at_ms', 'bigint', (column) => column.notNull())
      .execute();
    await schema
      .createTable('acme_failures')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('settings', 'text', (column) => column.notNull())
      .addColumn('failures', 'integer', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('retry_at_ms', 'bigint', (column) => column.notNull())
      .execute();
    await schema
      .createTable('acme_challenges')
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('token', 'text', (column) => column.notNull())
      .addColumn('key_authorization', 'text', (column) => column.notNull())
      .addColumn('until_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('acme_challenges_key', ['name', 'host', 'token'])
      .execute();
    await schema
      .createTable('acme_state')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('version', 'bigint', (column) => column.notNull())
      .addColumn('holder', 'text')
      .addColumn('leased_until_ms', 'bigint', (column) => column.notNull())
      .execute();
    await sql`insert into acme_state (id, version, leased_until_ms) values (1, 1, 0)`.execute(transaction);
  },
};
