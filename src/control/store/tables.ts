/** Tables of the store. What is JSON is text in both databases; times are milliseconds since 1970. */
export interface StoreTables {
  readonly revisions: RevisionRow;
  readonly entities: EntityRow;
  readonly changes: ChangeRow;
  readonly nodes: NodeRow;
}

export interface RevisionRow {
  readonly number: number;
  readonly at_ms: number;
  readonly author: string;
  readonly message: string | null;
}

/** A value as it is kept: JSON with null where secrets were, and these encrypted beside it. */
export interface EntityRow {
  readonly collection: string;
  readonly name: string;
  readonly value: string;
  readonly secrets: string | null;
  readonly created_at_ms: number;
  readonly created_by: string;
  readonly updated_at_ms: number;
  readonly updated_by: string;
  readonly revision: number;
}

export interface ChangeRow {
  readonly revision: number;
  readonly collection: string;
  readonly name: string;
  readonly before_value: string | null;
  readonly before_secrets: string | null;
  readonly after_value: string | null;
  readonly after_secrets: string | null;
}

export interface NodeRow {
  readonly node: string;
  readonly revision: number;
  /** JSON. */
  readonly problems: string;
  readonly seen_at_ms: number;
  /** 0 or 1. */
  readonly from_snapshot: number;
}
