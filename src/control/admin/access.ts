import type { Collection, EntityChange, EntityValue } from '../store/entity.ts';

/**
 * What an endpoint does, for the rights of whoever calls. `public` needs no caller at all; `read` and `write` are about entities;
 * `admin` is about the gateway itself.
 */
export type Access = 'public' | 'read' | 'write' | 'admin';

/** What it is done to. */
export type AccessObject =
  /** What belongs to no organization, such as metrics, reload and the revisions. */
  | { readonly kind: 'gateway' }
  /** Anything that is, or could be, in a collection: asked before anything is looked up. */
  | { readonly kind: 'collection'; readonly collection: Collection }
  | {
      readonly kind: 'entity';
      readonly collection: Collection;
      readonly name: string;
      readonly value: EntityValue;
    };

/** Who calls the admin API, and what they may. */
export interface AdminCaller {
  /** Written down as the author of what they change. */
  readonly name: string;
  may(access: Access, object: AccessObject): boolean;
  /**
   * Asked within the lock of a change, with all of it, so that what it looks at holds. A sentence refuses, undefined lets pass.
   */
  refuse(changes: readonly EntityChange[]): string | undefined;
}

/** Everyone who reaches a port without authentication. */
export const SUPERUSER: AdminCaller = { name: 'local', may: () => true, refuse: () => undefined };
