import { type Condition, queryValue, satisfies } from './conditions.ts';
import { preflightMethod } from './preflight.ts';
import type { HostTable, PathNode, Ranked, RouteTree } from './tree.ts';
import type { RoutedRequest } from './types.ts';

/** A route with the path by which it was found. */
export interface RouteEntry<T> {
  readonly name: string;
  readonly value: T;
  /** Path as configured; undefined for a route without paths. */
  readonly pattern: string | undefined;
  /** Names of the captures in their order; `*` is last when the path ends in `/*`. */
  readonly captureNames: readonly string[];
}

/** A candidate, made ready for matching. */
export interface Leaf<T> extends Ranked {
  readonly entry: RouteEntry<T>;
  readonly methods: readonly string[] | undefined;
  readonly headers: readonly Condition[];
  readonly query: readonly Condition[];
  /** Undefined: both. */
  readonly scheme: 'http' | 'https' | undefined;
  /** Which segments are captured, ascending. */
  readonly captured: readonly number[];
  /** How many segments stand before what `/*` takes; -1 for a path without it. */
  readonly restAfter: number;
}

const SLASH = 0x2f;

/**
 * Finds the route of a request. Every candidate has a rank, fixed when the routes were compiled, and the least rank that matches
 * wins. The search goes where the better ranks are expected first and skips what cannot be better any more. It never stops
 * at the first find, because a less specific path may have a higher priority, and never gives up where a more specific path failed
 * on a header. Its cost depends on the labels of the host and the segments of the path, not on the number of routes.
 */
export class Router<T> {
  readonly #tree: RouteTree<Leaf<T>>;
  /** Every method that some route names. */
  readonly #methods: readonly string[];
  #parsedSearch = '';
  #parsedQuery = new URLSearchParams();
  readonly #parseQuery = (search: string): URLSearchParams => {
    // Many candidates may ask for the parameters of one request.
    if (this.#parsedSearch !== search) {
      this.#parsedQuery = new URLSearchParams(search);
      this.#parsedSearch = search;
    }
    return this.#parsedQuery;
  };

  /** Made by `compileRouter`. */
  constructor(tree: RouteTree<Leaf<T>>, methods: readonly string[]) {
    this.#tree = tree;
    this.#methods = methods;
  }

  /**
   * The route that wins, or undefined; a CORS preflight that no route takes as it is goes to the route of the method that it asks for. `captures` receives the captured values in the order of the entry's `captureNames`,
   * percent-encoded as they were matched; the last is what `/*` took: empty, or with its leading slash.
   */
  match(request: RoutedRequest, captures: string[]): RouteEntry<T> | undefined {
    const leaf = this.#find(request) ?? this.#findForPreflight(request);
    if (leaf === undefined) {
      if (captures.length !== 0) captures.length = 0;
      return undefined;
    }
    capture(leaf, request.path, captures);
    return leaf.entry;
  }

  /**
   * Methods, sorted, with which a request that found no route would have found one: those of `Allow` in a 405
   * (RFC 9110 section 15.5.6). Empty for a 404.
   */
  allowedMethods(request: RoutedRequest): string[] {
    const { scheme, host, path, search, fields } = request;
    return this.#methods.filter(
      (method) => this.#find({ method, scheme, host, path, search, fields }) !== undefined,
    );
  }

  #findForPreflight(request: RoutedRequest): Leaf<T> | undefined {
    const method = preflightMethod(request);
    if (method === undefined) return undefined;
    const { scheme, host, path, search, fields } = request;
    return this.#find({ method, scheme, host, path, search, fields });
  }

  #find(request: RoutedRequest): Leaf<T> | undefined {
    if (request.path.charCodeAt(0) !== SLASH) return undefined;
    const tree = this.#tree;
    const host = request.host;
    let best: Leaf<T> | undefined;
    if (tree.exactHosts.size > 0) {
      const table = tree.exactHosts.get(host);
      if (table !== undefined) best = this.#searchTable(table, request, best);
    }
    if (tree.longestSuffix > 0) {
      let dot = host.indexOf('.', Math.max(1, host.length - tree.longestSuffix));
      for (; dot !== -1; dot = host.indexOf('.', dot + 1)) {
        const table = tree.hostSuffixes.get(host.slice(dot));
        if (table !== undefined) best = this.#searchTable(table, request, best);
      }
    }
    if (tree.anyHost !== undefined) best = this.#searchTable(tree.anyHost, request, best);
    return best;
  }

  #searchTable(
    table: HostTable<Leaf<T>>,
    request: RoutedRequest,
    found: Leaf<T> | undefined,
  ): Leaf<T> | undefined {
    if (found !== undefined && found.rank < table.firstRank) return found;
    let best = found;
    if (table.literals.size > 0) {
      const list = table.literals.get(request.path);
      if (list !== undefined) best = this.#firstOf(list, request, best);
    }
    const root = table.root;
    if (root !== undefined && (best === undefined || root.firstRank < best.rank)) {
      best = this.#searchPath(root, 0, request, best);
    }
    if (table.any !== undefined) best = this.#firstOf(table.any, request, best);
    return best;
  }

  /** `at` is the slash before the next segment, or the end of the path. */
  #searchPath(
    node: PathNode<Leaf<T>>,
    at: number,
    request: RoutedRequest,
    found: Leaf<T> | undefined,
  ): Leaf<T> | undefined {
    const path = request.path;
    let best = found;
    if (at < path.length) {
      let end = path.indexOf('/', at + 1);
      if (end === -1) end = path.length;
      if (node.literals !== undefined) {
        const child = node.literals.get(path.slice(at + 1, end));
        if (child !== undefined && (best === undefined || child.firstRank < best.rank)) {
          best = this.#searchPath(child, end, request, best);
        }
      }
      const child = node.capture;
      if (child !== undefined && end > at + 1 && (best === undefined || child.firstRank < best.rank)) {
        best = this.#searchPath(child, end, request, best);
      }
    } else if (node.exact !== undefined) {
      best = this.#firstOf(node.exact, request, best);
    }
    return node.prefix === undefined ? best : this.#firstOf(node.prefix, request, best);
  }

  /** The first leaf of a list that takes the request, unless `found` goes before it. */
  #firstOf(
    list: readonly Leaf<T>[],
    request: RoutedRequest,
    found: Leaf<T> | undefined,
  ): Leaf<T> | undefined {
    for (let i = 0; i < list.length; i++) {
      const leaf = list[i] as Leaf<T>;
      if (found !== undefined && found.rank < leaf.rank) return found;
      if (this.#takes(leaf, request)) return leaf;
    }
    return found;
  }

  #takes(leaf: Leaf<T>, request: RoutedRequest): boolean {
    if (leaf.methods !== undefined && !names(leaf.methods, request.method)) return false;
    if (leaf.scheme !== undefined && leaf.scheme !== request.scheme) return false;
    const { headers, query } = leaf;
    for (let i = 0; i < headers.length; i++) {
      const condition = headers[i] as Condition;
      if (!satisfies(request.fields.get(condition.name), condition)) return false;
    }
    for (let i = 0; i < query.length; i++) {
      const condition = query[i] as Condition;
      if (!satisfies(queryValue(request.search, condition.name, this.#parseQuery), condition)) return false;
    }
    return true;
  }
}

function names(methods: readonly string[], method: string): boolean {
  for (let i = 0; i < methods.length; i++) if (methods[i] === method) return true;
  return false;
}

function capture<T>(leaf: Leaf<T>, path: string, captures: string[]): void {
  const { captured, restAfter } = leaf;
  let count = 0;
  let segment = 0;
  let at = 0;
  const last = restAfter === -1 ? (captured[captured.length - 1] ?? -1) + 1 : restAfter;
  for (; segment < last; segment++) {
    let end = path.indexOf('/', at + 1);
    if (end === -1) end = path.length;
    if (captured[count] === segment) captures[count++] = path.slice(at + 1, end);
    at = end;
  }
  if (restAfter !== -1) captures[count++] = path.slice(at);
  // Setting a length costs a call into the engine even when it stays the same.
  if (captures.length !== count) captures.length = count;
}
