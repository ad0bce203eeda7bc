import { isRecord } from '../../lib/is-record.ts';
import { encodeRest, IN_PATH } from '../../policy/percent.ts';
import type { ApiConfig } from '../apis/api-schema.ts';
import { child, children, type Documents, type Node, type Operation } from './documents.ts';
import { captureName } from './parameters.ts';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** A route that an operation of a document becomes. */
export interface OperationRoute {
  readonly name: string;
  readonly path: string;
  readonly method: string;
  /** The use of `validate`, if there is one. */
  readonly validation: readonly object[];
  readonly pathItem: Node;
  readonly operation: Node;
}

/** What is wrong with the documents is told by `documents`. */
export async function operationRoutes(
  api: string,
  file: string,
  config: Pick<ApiConfig, 'basePath' | 'validate'>,
  documents: Documents,
): Promise<OperationRoute[]> {
  const root = await documents.openRoot(file);
  const version = root && versionOf(root, documents);
  if (root === undefined || version === undefined) return [];
  // With ajv, which is loaded where there is a document.
  const { SchemaConverter } = await import('./convert-schema.ts');
  const { validateOptions } = await import('./operation.ts');
  const converter = new SchemaConverter(documents, version === '3.0');
  const made: OperationRoute[] = [];
  for (const [path, written] of children(child(root, 'paths'))) {
    if (path.startsWith('x-')) continue;
    const pathItem = await documents.follow(written);
    if (pathItem === undefined) continue;
    for (const method of METHODS) {
      const node = child(pathItem, method);
      if (!isRecord(node.value)) continue;
      const options = await validateOptions(
        { path, pathItem, node } satisfies Operation,
        config.validate,
        documents,
        converter,
      );
      made.push({
        name: `${api}.${operationName(node, method, path)}`,
        path: routePath(config.basePath ?? serverPath(node, pathItem, root), path),
        method: method.toUpperCase(),
        validation: options === undefined ? [] : [{ validate: options }],
        pathItem: written,
        operation: node,
      });
    }
  }
  if (made.length === 0) documents.wrong(child(root, 'paths'), 'has no operation', { severity: 'warning' });
  // What is wrong with a schema is told already, and better than by the policy that would have to compile it.
  return documents.broken ? made.map((each) => ({ ...each, validation: [] })) : made;
}

function versionOf(root: Node, documents: Documents): '3.0' | '3.1' | undefined {
  const { openapi, swagger } = isRecord(root.value) ? root.value : {};
  const [, version] = /^(3\.[01])\.\d+/.exec(String(openapi)) ?? [];
  if (version !== undefined) return version as '3.0' | '3.1';
  if (swagger !== undefined)
    return documents.wrong(child(root, 'swagger'), 'is an older format: convert the document to OpenAPI 3', {
      atKey: true,
    });
  return documents.wrong(
    child(root, 'openapi'),
    'is not a version that is known here: openapi: 3.0.x or 3.1.x',
  );
}

/**
 * The path of the first server, with the defaults of its variables; without a slash at its end. Those of an operation override those of its
 * path, and these the document's.
 */
function serverPath(...nodes: readonly Node[]): string {
  const having = nodes.find((node) => child(node, 'servers').value !== undefined);
  if (having === undefined) return '';
  const server = child(having, 'servers', 0);
  const url: unknown = child(server, 'url').value;
  if (typeof url !== 'string') return '';
  const filled = url.replaceAll(/\{([^}]*)\}/g, (_, name: string) => {
    const { value } = child(server, 'variables', name, 'default');
    return typeof value === 'string' ? value : '';
  });
  return filled.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '').replace(/\/+$/, '');
}

/** As routes are written: captures by names that they know, all else as requests are normalised. */
function routePath(basePath: string, path: string): string {
  const parts = `${basePath.replace(/\/$/, '')}${path}`.split(/\{([^}/]*)\}/);
  return parts.map((part, i) => (i % 2 === 1 ? `{${captureName(part)}}` : encoded(part))).join('');
}

function encoded(text: string): string {
  return encodeRest(Buffer.from(text, 'utf8').toString('latin1'), IN_PATH);
}

const MAX_NAME = 60;

/** The operationId, or else method and path; as names of routes are written. */
function operationName(operation: Node, method: string, path: string): string {
  const id = child(operation, 'operationId').value;
  const text = typeof id === 'string' ? id : `${method}${path}`;
  return text
    .replaceAll(/[^A-Za-z0-9_]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, MAX_NAME);
}
