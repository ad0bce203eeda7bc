import type { ImportContext } from '../context.ts';
import { nameOf, type Writable } from '../draft.ts';
import type { Entry } from '../entry.ts';
import { type OrderedRoute, setPriorities } from '../order.ts';
import { pathsOfRegex, type RegexPath } from '../regex-paths.ts';
import { closed } from '../settle.ts';
import { Backends } from './backends.ts';
import { Tokens } from './tokens.ts';

/** What stands before expressions that do not begin with a slash: where the gateway of Renku is. */
const PREFIX = '/api/';

/** Processors that send a request on and give back what comes, and nothing else. */
const PLAIN_PROCESSORS = new Set([
  'BaseProcessor',
  'GenericProcessor',
  'ServiceGeneric',
  'GitlabGeneric',
  'JupyterhubGeneric',
]);

interface Endpoint {
  readonly entry: Entry;
  readonly regex: string;
}

/**
 * The `endpoints.json` of Renku's gateway: expressions in an order, each with the endpoint that a request is sent to, a processor and the
 * credentials that it is sent with. The first expression that a path begins with takes it; what it leaves is put behind the endpoint.
 */
export function importRenku(root: Entry, context: ImportContext): void {
  const { draft, findings } = context;
  const backends = new Backends(context);
  const tokens = new Tokens(context);
  const made: OrderedRoute[] = [];
  for (const [order, { entry, regex }] of endpointsOf(root).entries()) {
    const target = backends.target(entry);
    const credentials = tokens.policies(entry);
    const processor = entry.text('processor');
    if (processor !== undefined && !PLAIN_PROCESSORS.has(lastPart(processor)))
      entry.lost(
        'processor',
        `what ${lastPart(processor)} does to requests and answers is not carried over`,
        'write a policy of your own: docs/policies.md',
      );
    entry.rest(`the endpoint ${regex}`);
    const paths = pathsOf(regex);
    if (paths === undefined) {
      findings.lost(
        entry.path,
        'the expression cannot be said with segments, captures and a star at the end: the endpoint is left out',
        'write its routes by hand: docs/routing.md',
      );
      continue;
    }
    if (target === undefined) continue;
    for (const path of paths) {
      for (const message of inexact(path)) findings.lost(entry.path, message);
      const filter = path.wider
        ? [
            {
              'request-filter': {
                allow: [{ path: { pattern: `^${anchored(regex)}` } }],
                code: 'path_not_taken',
              },
            },
          ]
        : [];
      const wanted = nameOf(path.path.replaceAll(/[/{}*]+/g, '-'));
      const value: Writable = {
        match: { paths: [path.path] },
        policies: [...filter, ...(credentials ?? closed([]))],
        service: target.service,
        rewrite: { path: rewritten(target.path, path.path) },
      };
      made.push({
        name: draft.add('routes', wanted, value, entry.path),
        value,
        origin: entry.path,
        rank: [order],
      });
    }
  }
  setPriorities(made, findings);
}

/** A map in its order, or a list whose entries name their expression. */
function endpointsOf(root: Entry): Endpoint[] {
  return root.keys.flatMap((key): Endpoint[] => {
    if (Array.isArray(root.raw(key)))
      return root.entries(key).flatMap((entry) => {
        const regex = entry.text('regex') ?? entry.text('pattern') ?? entry.text('path');
        if (regex === undefined) entry.findings.lost(entry.path, 'has no expression, and is left out');
        return regex === undefined ? [] : [{ entry, regex }];
      });
    const entry = root.entry(key);
    return entry === undefined ? [] : [{ entry, regex: key }];
  });
}

function anchored(regex: string): string {
  const text = regex.replace(/^\^/, '');
  return text.startsWith('/') ? text : PREFIX + text;
}

/** `(/)?` at the beginning stands for the slash that the prefix has already. */
function pathsOf(regex: string): RegexPath[] | undefined {
  const text = anchored(regex);
  const optional = `${PREFIX}(/)?`;
  return pathsOfRegex(text.startsWith(optional) ? PREFIX + text.slice(optional.length) : text);
}

function inexact({ path, wider, narrower }: RegexPath): string[] {
  return [
    ...(narrower
      ? [`became ${path}, which ends at a slash: what follows within the same segment is not taken`]
      : []),
    ...(wider
      ? [
          `became ${path}, with the expression as a filter: what it does not take is refused with 403, and goes to no other route`,
        ]
      : []),
  ];
}

function rewritten(endpoint: string, path: string): string {
  const base = endpoint.replace(/\/+$/, '');
  return path.endsWith('/*') ? `${base}/*` : base || '/';
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
