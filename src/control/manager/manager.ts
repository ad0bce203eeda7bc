import type { CertificateDescription } from '../certificates/describe.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Actor } from '../rights/audit-entry.ts';
import type { Collection, Entity, EntityChange, EntityValue, Revision } from '../store/entity.ts';

/** Something of the configuration, from the file or from the store. What the file has can be read here and not changed. */
export type ListedEntity =
  | (Entity & { readonly origin: 'store' })
  | {
      readonly origin: 'file';
      readonly collection: Collection;
      readonly name: string;
      readonly value: EntityValue;
    };

/** What somebody wants to change. */
export interface WantedChange {
  readonly collection: Collection;
  readonly name: string;
  /** Undefined deletes. */
  readonly value: EntityValue | undefined;
  /** Revision of the entity that the change was made for (`If-Match`); 'absent': it must not be there (`If-None-Match: *`). */
  readonly expected?: number | 'absent' | undefined;
}

/** A place in what was sent or in another entity, and what is wrong there. */
export interface ChangeProblem {
  readonly severity: 'error' | 'warning';
  /** `apis.hello.paths[0]`, as in errors of the file. */
  readonly path: string;
  readonly message: string;
  readonly suggestion?: string;
  /** Of a problem within the file. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export type ChangeOutcome =
  | {
      /** `planned` where it was only tried; its revision is the one that it would follow. */
      readonly kind: 'applied' | 'planned' | 'unchanged';
      readonly revision: number;
      readonly changes: readonly EntityChange[];
      readonly warnings: readonly ChangeProblem[];
    }
  /** The configuration would be wrong. Nothing changed. */
  | { readonly kind: 'refused'; readonly problems: readonly ChangeProblem[] }
  /** Somebody else changed it meanwhile: what was expected is not what is there. */
  | {
      readonly kind: 'conflict';
      readonly collection: Collection;
      readonly name: string;
      readonly revision: number | 'absent';
    }
  /** It is the file's. */
  | { readonly kind: 'readOnly'; readonly collection: Collection; readonly name: string }
  | { readonly kind: 'missing'; readonly collection: Collection; readonly name: string }
  /** It was planned for another revision than the one in force, which this is. */
  | { readonly kind: 'outdated'; readonly revision: number }
  /** The rights of the author do not reach so far; `reason` is a sentence for them. */
  | { readonly kind: 'forbidden'; readonly reason: string }
  /** The store cannot be reached. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** A change that did not come about. */
export type FailedChange = Exclude<ChangeOutcome, { readonly kind: 'applied' | 'planned' | 'unchanged' }>;

export interface ChangeRequest {
  /** Who is written down as the author. */
  readonly author: string;
  /** Who that is exactly, for the audit log; default: the author, from within the gateway. */
  readonly actor?: Actor | undefined;
  readonly message?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly changes: readonly WantedChange[];
  /** The revision that it was planned for: where another one is in force by now, nothing changes. */
  readonly follows?: number | undefined;
  /** Asked under the lock with what would be changed, so that what it looked at holds; a sentence refuses. */
  readonly allow?: ((changes: readonly EntityChange[]) => string | undefined) | undefined;
}

/** What would be in force after something, or was at a revision; nothing of it is put into force. */
export type Preview =
  | { readonly kind: 'preview'; readonly before: LoadedConfig; readonly after: LoadedConfig }
  | { readonly kind: 'unknown'; readonly revision: number }
  | { readonly kind: 'unchanged' }
  | FailedChange;

export type PreviewRequest =
  | Pick<ChangeRequest, 'changes' | 'allow'>
  | { readonly from: number; readonly to: number };

/** What a configuration file would be with what the store has; nothing of it is put into force. */
export interface FileTrial {
  /** What is in force. */
  readonly before: LoadedConfig;
  /** Undefined where there are errors. */
  readonly after: LoadedConfig | undefined;
  /** Errors and warnings. Those without a file are of the one that was tried. */
  readonly problems: readonly ChangeProblem[];
}

/** How far a node is. */
export interface NodeStatus {
  readonly node: string;
  readonly revision: number;
  /** Why it did not put the newest revision into force. */
  readonly problems: readonly ChangeProblem[];
  readonly seenAtMs: number;
  /** Whether it serves what it kept on disk, since the store cannot be reached. */
  readonly fromSnapshot: boolean;
}

/** What the admin API asks of the configuration. */
export interface ConfigurationManager {
  /** Of the file and of the store, in force on this node; undefined: no such. */
  get(collection: Collection, name: string): ListedEntity | undefined;
  /** Those of a collection by name, in order of names. */
  list(collection: Collection): readonly ListedEntity[];
  /** Why an API of the configuration in force does nothing yet; undefined for one that does. */
  pendingReason(api: string): string | undefined;
  /** What the certificate of that name is that is in force; undefined where there is none yet. */
  certificate(name: string): CertificateDescription | undefined;
  /** The store's revision in force on this node. */
  readonly revision: number;
  change(request: ChangeRequest): Promise<ChangeOutcome>;
  /** The newest first; those before `before`. */
  revisions(options: { readonly before?: number; readonly limit: number }): Promise<readonly Revision[]>;
  /** What lies between two revisions; undefined where one is not known. */
  between(from: number, to: number): Promise<readonly EntityChange[] | undefined>;
  /** A new revision with the entities of an older one. */
  rollback(to: number, request: Omit<ChangeRequest, 'changes'>): Promise<ChangeOutcome>;
  /** The configurations before and after a change, or of two revisions. */
  preview(request: PreviewRequest): Promise<Preview>;
  /** Tries a configuration in place of the node's own file, beside which it is thought to stand. */
  tryFile(file: Readonly<Record<string, unknown>>): Promise<FileTrial>;
  nodes(): Promise<readonly NodeStatus[]>;
}
