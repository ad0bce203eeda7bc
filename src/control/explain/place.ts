/** Where something stands in the configuration. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where what is at this path of the configuration was written; undefined for what was not. */
export type PositionOf = (path: readonly (string | number)[]) => Place | undefined;
