import type { PathPattern } from './pattern.ts';

/** What stands in a tree: the smaller the rank, the sooner it is asked. Ranks are unique within a tree. */
export interface Ranked {
  readonly rank: number;
}

/** The paths that share their first segments. Lists are in the order of rank. */
export class PathNode<Item extends Ranked> {
  /** Least rank in this node and below it: a search that has a better one already does not come here. */
  readonly firstRank: number;
  literals: Map<string, PathNode<Item>> | undefined = undefined;
  capture: PathNode<Item> | undefined = undefined;
  /** Exact paths that end here. */
  exact: Item[] | undefined = undefined;
  /** Prefixes that end here. */
  prefix: Item[] | undefined = undefined;

  constructor(firstRank: number) {
    this.firstRank = firstRank;
  }
}

/** The paths of one host. */
export class HostTable<Item extends Ranked> {
  readonly firstRank: number;
  /** Exact paths without captures. */
  readonly literals = new Map<string, Item[]>();
  /** Prefixes, and exact paths with captures. */
  root: PathNode<Item> | undefined = undefined;
  /** For any path. */
  any: Item[] | undefined = undefined;

  constructor(firstRank: number) {
    this.firstRank = firstRank;
  }
}

/** Hosts, then paths, then lists in the order of rank. */
export class RouteTree<Item extends Ranked> {
  readonly exactHosts = new Map<string, HostTable<Item>>();
  /** By suffix with its dot: `.example.com` for `*.example.com`. */
  readonly hostSuffixes = new Map<string, HostTable<Item>>();
  /** Bounds how much of a hostile, long host is looked at. */
  longestSuffix = 0;
  anyHost: HostTable<Item> | undefined = undefined;

  /**
   * Adds an item and returns the list that it joined: the items with that host and path, whatever the names of the captures.
   * Items must come in the order of their ranks: that is how each list and each `firstRank` comes to be right.
   */
  add(host: string | undefined, pattern: PathPattern | undefined, item: Item): Item[] {
    const list = this.#list(host, pattern, item);
    list.push(item);
    return list;
  }

  #list(host: string | undefined, pattern: PathPattern | undefined, item: Item): Item[] {
    const table = this.#table(host, item);
    if (pattern === undefined) return (table.any ??= []);
    if (pattern.prefix || pattern.captureNames.length > 0) {
      const node = nodeFor(table, pattern, item);
      return pattern.prefix ? (node.prefix ??= []) : (node.exact ??= []);
    }
    let list = table.literals.get(pattern.text);
    if (list === undefined) {
      list = [];
      table.literals.set(pattern.text, list);
    }
    return list;
  }

  #table(host: string | undefined, item: Item): HostTable<Item> {
    if (host === undefined) return (this.anyHost ??= new HostTable(item.rank));
    const wildcard = host.startsWith('*.');
    const key = wildcard ? host.slice(1) : host;
    const hosts = wildcard ? this.hostSuffixes : this.exactHosts;
    let table = hosts.get(key);
    if (table === undefined) {
      table = new HostTable(item.rank);
      hosts.set(key, table);
      if (wildcard) this.longestSuffix = Math.max(this.longestSuffix, key.length);
    }
    return table;
  }
}

function nodeFor<Item extends Ranked>(
  table: HostTable<Item>,
  pattern: PathPattern,
  item: Item,
): PathNode<Item> {
  let node = (table.root ??= new PathNode(item.rank));
  for (const segment of pattern.segments) {
    if ('capture' in segment) {
      node = node.capture ??= new PathNode(item.rank);
      continue;
    }
    node.literals ??= new Map();
    let child = node.literals.get(segment.literal);
    if (child === undefined) {
      child = new PathNode(item.rank);
      node.literals.set(segment.literal, child);
    }
    node = child;
  }
  return node;
}
