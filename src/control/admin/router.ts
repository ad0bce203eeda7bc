import type { Endpoint } from './endpoint.ts';

/** What a path leads to: the endpoints at it, by method, and what stands for the names in braces. */
export interface FoundEndpoints {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly parameters: Readonly<Record<string, string>>;
}

interface Node {
  readonly children: Map<string, Node>;
  /** The child that any segment leads to. */
  wildcard: { readonly name: string; readonly node: Node } | undefined;
  readonly endpoints: Map<string, Endpoint>;
}

/** Finds endpoints by path. A literal segment goes before one in braces. */
export class Router {
  readonly #root = node();

  constructor(endpoints: readonly Endpoint[]) {
    for (const endpoint of endpoints) this.#add(endpoint);
  }

  /** Undefined where there is none; 'malformed' for a path whose percent-encoding is none. */
  find(path: string): FoundEndpoints | 'malformed' | undefined {
    let at = this.#root;
    const parameters: Record<string, string> = {};
    for (const segment of segmentsOf(path)) {
      const literal = at.children.get(segment);
      if (literal !== undefined) at = literal;
      else if (at.wildcard === undefined || segment === '') return undefined;
      else {
        const value = decoded(segment);
        if (value === undefined) return 'malformed';
        parameters[at.wildcard.name] = value;
        at = at.wildcard.node;
      }
    }
    return at.endpoints.size === 0 ? undefined : { endpoints: at.endpoints, parameters };
  }

  #add(endpoint: Endpoint): void {
    let at = this.#root;
    for (const segment of segmentsOf(endpoint.path)) {
      const name = /^\{(\w+)\}$/.exec(segment)?.[1];
      if (name !== undefined) {
        at.wildcard ??= { name, node: node() };
        at = at.wildcard.node;
      } else {
        const next = at.children.get(segment) ?? node();
        at.children.set(segment, next);
        at = next;
      }
    }
    if (at.endpoints.has(endpoint.method))
      throw new Error(`two endpoints for ${endpoint.method} ${endpoint.path}`);
    at.endpoints.set(endpoint.method, endpoint);
  }
}

/** The methods of a path, as `Allow` has them. */
export function allowedMethods(endpoints: ReadonlyMap<string, Endpoint>): string {
  const methods = [...endpoints.keys()].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  return [...methods, 'OPTIONS'].join(', ');
}

function node(): Node {
  return { children: new Map(), wildcard: undefined, endpoints: new Map() };
}

function segmentsOf(path: string): string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
