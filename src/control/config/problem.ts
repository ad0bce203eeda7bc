import type { Path, Range } from './place.ts';
import type { SourceText } from './source-text.ts';

/** Something wrong in a configuration, before it is known where in the text that is. */
export interface Problem {
  readonly path: Path;
  /** Where it stands in a file that the configuration names; the path is then that of the name. */
  readonly within?: (Range & { readonly source: SourceText }) | undefined;
  /** What is wrong and what to write instead. Never holds a value that could be secret. */
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion?: string | undefined;
  /** Points at the key rather than at the value. */
  readonly atKey?: boolean | undefined;
  readonly severity?: 'error' | 'warning' | undefined;
  /** Another place that has to do with it, such as the other of two routes. */
  readonly related?: Path | undefined;
  /** A request that shows it. */
  readonly example?: string | undefined;
}

/** An error, or a warning, as it is shown. */
export interface ConfigError {
  readonly severity: 'error' | 'warning';
  /** Absolute path of the file. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** Such as `routes.users.match.paths[0]`; empty for the file as a whole. */
  readonly path: string;
  /** The text at fault, cut to 80 characters; empty where there is none or where it may be secret. */
  readonly text: string;
  readonly message: string;
  readonly suggestion?: string | undefined;
  /** Where else to look, a request that shows it. */
  readonly notes?: readonly string[] | undefined;
  /** The line of the file with secrets blotted out, cut around the fault; undefined when the text is not known. */
  readonly excerpt?: { readonly line: string; readonly start: number; readonly length: number } | undefined;
}
