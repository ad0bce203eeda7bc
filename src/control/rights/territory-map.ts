import type { PathPattern } from '../../routing/pattern.ts';

/** A host and a path that somebody has. */
export interface Claim<Item> {
  readonly owner: string;
  /** Undefined: any. */
  readonly host: string | undefined;
  /** Undefined: any. */
  readonly pattern: PathPattern | undefined;
  readonly item: Item;
}

/** Up to two claims of different owners: enough to find one of another owner than whoever asks. */
interface Pair<Item> {
  first: Claim<Item>;
  second: Claim<Item> | undefined;
}

/** The paths that share their first segments. */
class PathNode<Item> {
  /** Of this node and all below it. */
  all: Pair<Item> | undefined = undefined;
  /** Exact paths that end here. */
  exact: Pair<Item> | undefined = undefined;
  /** Prefixes that end here. */
  prefix: Pair<Item> | undefined = undefined;
  literals: Map<string, PathNode<Item>> | undefined = undefined;
  capture: PathNode<Item> | undefined = undefined;
}

/**
 * Which hosts and paths are whose. Finds a claim that meets another in steps that depend on the segments of a path and the labels of a host, however
 * many claims there are: each part of the map knows two claims of different owners within it.
 */
export class TerritoryMap<Item> {
  /** By host: exact ones, `*.` ones, and `` for any. */
  readonly #hosts = new Map<string, PathNode<Item>>();
  /** All hosts below `*.…` together, for those that are claimed; `` for all hosts there are. */
  readonly #below = new Map<string, PathNode<Item>>();

  /** `asked`: hosts that will be asked for, beside those of the claims. */
  constructor(claims: readonly Claim<Item>[], asked: readonly { readonly host: string | undefined }[] = []) {
    this.#below.set('', new PathNode());
    for (const { host } of [...claims, ...asked])
      if (host?.startsWith('*.')) this.#below.set(host, new PathNode());
    for (const claim of claims) {
      const { host = '' } = claim;
      add(nodeOf(this.#hosts, host), claim);
      for (const wider of ['', ...suffixesOf(host)]) {
        const union = this.#below.get(wider);
        if (union !== undefined) add(union, claim);
      }
    }
  }

  /** What another owner has of a host and a path. */
  otherOwner(owner: string, host = '', pattern?: PathPattern): Item | undefined {
    const trees = [this.#below.get(host)];
    if (host !== '') trees.push(this.#hosts.get(host), this.#hosts.get(''));
    for (const wider of suffixesOf(host)) trees.push(this.#hosts.get(wider));
    for (const tree of trees) {
      const met = tree === undefined ? undefined : meeting(tree, owner, pattern, 0);
      if (met !== undefined) return met.item;
    }
    return undefined;
  }
}

/** `*.b.test` and `*.test` for `a.b.test`; also `*.b.test` itself for `*.b.test`. */
function suffixesOf(host: string): string[] {
  const found: string[] = [];
  const from = host.startsWith('*.') ? 1 : 0;
  for (let dot = host.indexOf('.', from); dot !== -1; dot = host.indexOf('.', dot + 1))
    found.push(`*${host.slice(dot)}`);
  return found;
}

function nodeOf<Item>(nodes: Map<string, PathNode<Item>>, key: string): PathNode<Item> {
  let node = nodes.get(key);
  if (node === undefined) {
    node = new PathNode();
    nodes.set(key, node);
  }
  return node;
}

function add<Item>(root: PathNode<Item>, claim: Claim<Item>): void {
  const { pattern } = claim;
  let node = root;
  node.all = paired(node.all, claim);
  for (const segment of pattern?.segments ?? []) {
    node =
      'literal' in segment
        ? nodeOf((node.literals ??= new Map()), segment.literal)
        : (node.capture ??= new PathNode());
    node.all = paired(node.all, claim);
  }
  if (pattern === undefined || pattern.prefix) node.prefix = paired(node.prefix, claim);
  else node.exact = paired(node.exact, claim);
}

function paired<Item>(pair: Pair<Item> | undefined, claim: Claim<Item>): Pair<Item> {
  if (pair === undefined) return { first: claim, second: undefined };
  if (pair.second === undefined && pair.first.owner !== claim.owner) pair.second = claim;
  return pair;
}

function other<Item>(pair: Pair<Item> | undefined, owner: string): Claim<Item> | undefined {
  return pair?.first.owner === owner ? pair.second : pair?.first;
}

function meeting<Item>(
  node: PathNode<Item>,
  owner: string,
  pattern: PathPattern | undefined,
  depth: number,
): Claim<Item> | undefined {
  if (other(node.all, owner) === undefined) return undefined;
  const segment = pattern?.segments[depth];
  if (segment === undefined)
    return pattern === undefined || pattern.prefix
      ? other(node.all, owner)
      : (other(node.exact, owner) ?? other(node.prefix, owner));
  const here = other(node.prefix, owner);
  if (here !== undefined) return here;
  if ('literal' in segment) {
    const child = node.literals?.get(segment.literal);
    const met = child === undefined ? undefined : meeting(child, owner, pattern, depth + 1);
    // A capture takes no empty segment: the one that stands for a slash at the end.
    if (met !== undefined || node.capture === undefined || segment.literal === '') return met;
    return meeting(node.capture, owner, pattern, depth + 1);
  }
  for (const [literal, child] of node.literals ?? []) {
    const met = literal === '' ? undefined : meeting(child, owner, pattern, depth + 1);
    if (met !== undefined) return met;
  }
  return node.capture === undefined ? undefined : meeting(node.capture, owner, pattern, depth + 1);
}
