import { entities } from './001-entities.ts';
import { accounts } from './100-accounts.ts';
import { acme } from './200-acme.ts';
import type { Migration } from './migration.ts';

/** Every migration, in the order in which they are applied: by number. */
export const MIGRATIONS: readonly Migration[] = [entities, accounts, acme];
