import { basename } from 'node:path';
import { HAS_ARGON2ID, hashPassword } from '../../identity/passwords/password-hash.ts';
import { formatPhc } from '../../identity/passwords/phc.ts';
import type { Path } from '../config/place.ts';
import type { ConfigError } from '../config/problem.ts';
import { positionIn } from '../config/source.ts';
import type { ImportContext } from './context.ts';
import { readDocument } from './document.ts';
import { Draft, type DraftSecret } from './draft.ts';
import { Entry } from './entry.ts';
import { Findings, type ImportFinding } from './findings.ts';
import { importKong } from './kong/import-kong.ts';
import { importOpenapi } from './openapi/import-openapi.ts';
import { importRenku } from './renku/import-renku.ts';
import { settle } from './settle.ts';

export const IMPORT_KINDS = ['openapi', 'kong', 'renku'] as const;
export type ImportKind = (typeof IMPORT_KINDS)[number];

export interface ImportOptions {
  /** Default: as the document looks. */
  readonly kind?: ImportKind | undefined;
  /** Name of the document and its content. */
  readonly file: string;
  readonly text: string;
  /** Where the configuration will stand, absolute: what it names is looked for from there. */
  readonly output: string;
  /** How the configuration will name the document; default: its name without folders. */
  readonly reference?: string | undefined;
  /** What the document is called in the configuration; default: as it calls itself. */
  readonly name?: string | undefined;
  /** OpenAPI: plain routes instead of an entry of `apis` that refers to the document. */
  readonly routes?: boolean | undefined;
  /** Values of variables of the document, such as GITLAB_URL. */
  readonly variables?: ReadonlyMap<string, string> | undefined;
  /** Default: as `portcullis hash` does it. */
  readonly hashPassword?: ImportContext['hashPassword'] | undefined;
}

export type ImportResult =
  | {
      readonly ok: true;
      readonly kind: ImportKind;
      /** The configuration. */
      readonly yaml: string;
      readonly findings: readonly ImportFinding[];
      /** What `env:` in the configuration stands for. */
      readonly secrets: readonly DraftSecret[];
    }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** Makes a configuration that loads of the document of another gateway, and tells what could not be carried over. Nothing is written. */
export async function importDocument(options: ImportOptions): Promise<ImportResult> {
  const read = readDocument(options.file, options.text);
  if (!read.ok) return read;
  const kind = options.kind ?? guessKind(read.value);
  if (kind === undefined)
    return refused(
      options.file,
      `the document is none that can be told by its look: say ${IMPORT_KINDS.join(', ')}`,
    );
  const findings = new Findings(read.source);
  const document = basename(options.file);
  const draft = new Draft((path: Path) => {
    const { line, column } = positionIn(read.source.locate(path));
    return `${document}:${line}:${column}`;
  });
  const context: ImportContext = {
    draft,
    findings,
    name: options.name,
    variables: options.variables ?? new Map(),
    reference: options.reference ?? document,
    hashPassword: options.hashPassword ?? hashed,
  };
  const root = new Entry(read.value, [], findings);
  if (!(await importAs(kind, root, options.routes === true, context)))
    return { ok: false, errors: asErrors(findings) };
  const errors = await settle(draft, findings, options.output);
  if (errors.length > 0) return { ok: false, errors };
  const head = [
    `Imported from ${document} (${kind}). What could not be carried over is in the report of the import.`,
  ];
  return {
    ok: true,
    kind,
    yaml: draft.toYaml(head),
    findings: findings.list(),
    secrets: usedSecrets(draft),
  };
}

/** False: nothing could be made of it. */
async function importAs(
  kind: ImportKind,
  root: Entry,
  asRoutes: boolean,
  context: ImportContext,
): Promise<boolean> {
  switch (kind) {
    case 'kong':
      return importKong(root, context);
    case 'openapi':
      return importOpenapi(root, asRoutes, context);
    case 'renku':
      importRenku(root, context);
      return true;
  }
}

function asErrors(findings: Findings): ConfigError[] {
  return findings.list().map((finding) => ({ ...finding, severity: 'error', text: '' }));
}

/** What a document is by its look; undefined where that says nothing. */
export function guessKind(document: Readonly<Record<string, unknown>>): ImportKind | undefined {
  if ('_format_version' in document) return 'kong';
  if ('openapi' in document || 'swagger' in document) return 'openapi';
  const values = Object.values(document);
  const isEndpoint = (value: unknown) => typeof value === 'object' && value !== null && 'endpoint' in value;
  return values.length > 0 && values.every(isEndpoint) ? 'renku' : undefined;
}

/** Those whose place is not gone. */
function usedSecrets(draft: Draft): DraftSecret[] {
  const text = JSON.stringify(draft.toObject());
  return [...draft.secrets.values()].filter(({ name }) => text.includes(`"env:${name}"`));
}

async function hashed(password: string): Promise<string> {
  return formatPhc(await hashPassword(password, HAS_ARGON2ID ? 'argon2id' : 'scrypt'));
}

function refused(file: string, message: string): ImportResult {
  return {
    ok: false,
    errors: [{ severity: 'error', file, line: 1, column: 1, path: '', text: '', message }],
  };
}
