import type { Draft } from './draft.ts';
import type { Findings } from './findings.ts';

/** What a document is imported into. */
export interface ImportContext {
  readonly draft: Draft;
  readonly findings: Findings;
  /** What the document is to be called; default: as it calls itself. */
  readonly name: string | undefined;
  /** Values of variables of the document. */
  readonly variables: ReadonlyMap<string, string>;
  /** How the configuration will name the document, to refer to it. */
  readonly reference: string;
  /** A password as the configuration stores it. */
  readonly hashPassword: (password: string) => Promise<string>;
}
