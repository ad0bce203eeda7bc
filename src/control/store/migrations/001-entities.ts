import type { Migration } from './migration.ts';

export const entities: Migration = {
  name: '001-entities',
  summary: 'entities, their revisions and what each revision changed; nodes',
  async up({ schema }) {
    await schema
      .createTable('revisions')
      .addColumn('number', 'bigint', (column) => column.primaryKey())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('author', 'text', (column) => column.notNull())
      .addColumn('message', 'text')
      .execute();
    await schema
      .createTable('entities')
      .addColumn('collection', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('secrets', 'text')
      .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addColumn('updated_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('updated_by', 'text', (column) => column.notNull())
      .addColumn('revision', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('entities_key', ['collection', 'name'])
      .execute();
    await schema.createIndex('entities_by_revision').on('entities').column('revision').execute();
    await schema
      .createTable('changes')
      .addColumn('revision', 'bigint', (column) =>
        column.notNull().references('revisions.number').onDelete('cascade'),
      )
      .addColumn('collection', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('before_value', 'text')
      .addColumn('before_secrets', 'text')
      .addColumn('after_value', 'text')
      .addColumn('after_secrets', 'text')
      .addPrimaryKeyConstraint('changes_key', ['revision', 'collection', 'name'])
      .execute();
    await schema
      .createTable('nodes')
      .addColumn('node', 'text', (column) => column.primaryKey())
      .addColumn('revision', 'bigint', (column) => column.notNull())
      .addColumn('problems', 'text', (column) => column.notNull())
      .addColumn('seen_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('from_snapshot', 'integer', (column) => column.notNull())
      .execute();
  },
};
