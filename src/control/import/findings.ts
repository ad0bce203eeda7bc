import { dottedPath, type Path } from '../config/place.ts';
import { type ConfigSource, positionIn } from '../config/source.ts';

/** Something of an imported document that is not in the configuration that was made of it, or not as it was. */
export interface ImportFinding {
  /** `lost`: it is missing, or does less or something else; `note`: it is there, and somebody should know of it. */
  readonly kind: 'lost' | 'note';
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** Way to it in the document, such as `services[0].plugins[1]`. */
  readonly path: string;
  /** Holds no value that could be secret. */
  readonly message: string;
  /** What to do about it. */
  readonly suggestion?: string | undefined;
}

/** What is found while a document is imported, each with its place. */
export class Findings {
  readonly source: ConfigSource;
  readonly #found = new Map<string, ImportFinding>();

  constructor(source: ConfigSource) {
    this.source = source;
  }

  lost(path: Path, message: string, suggestion?: string): void {
    this.#add('lost', path, message, suggestion);
  }

  note(path: Path, message: string, suggestion?: string): void {
    this.#add('note', path, message, suggestion);
  }

  /** In the order of the document, each once. */
  list(): ImportFinding[] {
    return [...this.#found.values()].toSorted((a, b) => a.line - b.line || a.column - b.column);
  }

  #add(kind: ImportFinding['kind'], path: Path, message: string, suggestion: string | undefined): void {
    const { file, line, column } = positionIn(this.source.locate(path));
    const finding = { kind, file, line, column, path: dottedPath(path), message, suggestion };
    this.#found.set(JSON.stringify([finding.path, message]), finding);
  }
}
