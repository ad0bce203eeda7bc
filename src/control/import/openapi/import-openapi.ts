import { isRecord } from '../../../lib/is-record.ts';
import { encodeRest, IN_PATH } from '../../../policy/percent.ts';
import { captureName } from '../../openapi/parameters.ts';
import type { ImportContext } from '../context.ts';
import { nameOf, type Writable } from '../draft.ts';
import type { Entry } from '../entry.ts';
import { Security } from './security.ts';
import { type Place, Servers } from './servers.ts';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly entry: Entry;
  /** Of its path. */
  readonly item: Entry;
}

/**
 * An OpenAPI document, 3.0 or 3.1: its first server becomes a service, its security schemes become authentication, and its operations an
 * entry of `apis` that refers to the document, or plain routes where they are asked for, or differ in who may call or where they run. False: it is of a version that is not known.
 */
export function importOpenapi(root: Entry, asRoutes: boolean, context: ImportContext): boolean {
  const { draft, findings } = context;
  const version = root.text('openapi');
  if (version === undefined || !/^3\.[01]\./.test(version)) {
    root.lost(
      root.has('swagger') ? 'swagger' : 'openapi',
      'is not a version that is known here: openapi: 3.0.x or 3.1.x',
      'convert the document to OpenAPI 3',
    );
    return false;
  }
  const title = root.entryOrEmpty('info').text('title');
  const name = nameOf((context.name ?? title ?? 'api').toLowerCase());
  const servers = new Servers(name, context);
  const place = servers.of(root);
  const operations = operationsOf(root);
  if (root.has('webhooks'))
    root.lost('webhooks', 'what the service calls by itself does not pass the gateway');
  const security = new Security(root, name, context);
  const ofAll = security.policies(root, 'security');
  const differing = operations.filter(({ entry }) => entry.has('security') && !security.isSame(entry, root));
  const places = placesOf(operations, place, servers);
  const elsewhere = operations.find((_, index) => places[index] !== place);
  if (!asRoutes && differing.length === 0 && elsewhere === undefined) {
    draft.add(
      'apis',
      name,
      { openapi: context.reference, service: place.service, ...(ofAll.length > 0 && { policies: ofAll }) },
      root.at('openapi'),
    );
    return true;
  }
  const [first] = differing;
  if (!asRoutes && first !== undefined)
    findings.lost(
      first.entry.at('security'),
      'operations ask for different credentials, so plain routes are written: requests are not held against the document',
      'split the document by who may call, or add validate to the routes: docs/validation.md',
    );
  else if (!asRoutes && elsewhere !== undefined)
    findings.lost(
      (elsewhere.entry.has('servers') ? elsewhere.entry : elsewhere.item).at('servers'),
      'operations have servers of their own, so plain routes are written: requests are not held against the document',
      'split the document by server, or add validate to the routes: docs/validation.md',
    );
  for (const [index, { path, method, entry }] of operations.entries()) {
    const { service, basePath } = places[index] as Place;
    const policies = entry.has('security') ? security.policies(entry, 'security') : ofAll;
    const id = entry.text('operationId') ?? `${method}${path}`;
    const value: Writable = {
      match: { paths: [routePath(basePath, path)], methods: [method.toUpperCase()] },
      ...(policies.length > 0 && { policies: structuredClone(policies) }),
      service,
    };
    draft.add(
      'routes',
      nameOf(`${name}.${id.replaceAll(/[^A-Za-z0-9_]+/g, '-').replaceAll(/^-|-$/g, '')}`),
      value,
      entry.path,
    );
  }
  return true;
}

/** Where each runs: an operation's servers stand for those of its path, and these for those of the document. */
function placesOf(operations: readonly Operation[], ofAll: Place, servers: Servers): Place[] {
  const ofItems = new Map<Entry, Place>();
  return operations.map(({ entry, item }) => {
    if (entry.has('servers')) return servers.of(entry);
    if (!item.has('servers')) return ofAll;
    const place = ofItems.get(item) ?? servers.of(item);
    ofItems.set(item, place);
    return place;
  });
}

function operationsOf(root: Entry): Operation[] {
  const paths = root.entryOrEmpty('paths');
  return paths.keys
    .filter((path) => !path.startsWith('x-'))
    .flatMap((path) => {
      const item = paths.entry(path);
      if (item === undefined) return [];
      if (item.has('$ref'))
        item.lost('$ref', 'a path that is written elsewhere is not carried over as a route');
      return METHODS.flatMap((method): Operation[] => {
        const entry = isRecord(item.raw(method)) ? item.entry(method) : undefined;
        return entry === undefined ? [] : [{ path, method, entry, item }];
      });
    });
}

/** Captures by names that routes know, all else as requests are normalised. */
function routePath(basePath: string, path: string): string {
  const parts = `${basePath}${path}`.split(/\{([^}/]*)\}/);
  const encoded = (text: string) => encodeRest(Buffer.from(text, 'utf8').toString('latin1'), IN_PATH);
  return parts.map((part, index) => (index % 2 === 1 ? `{${captureName(part)}}` : encoded(part))).join('');
}
