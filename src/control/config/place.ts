import { isRecord } from '../../lib/is-record.ts';
/** Way to a value in a configuration: names of keys and places in lists. */
export type Path = readonly (string | number)[];

/** Half-open range of offsets (UTF-16 units) in the text of a file. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Where a path stands in a text. */
export interface Place {
  /** False when the text does not go as deep; the ranges are then those of the nearest value around it. */
  readonly found: boolean;
  /** The key, quotes included; undefined for an entry of a list and for the whole file. */
  readonly key: Range | undefined;
  readonly value: Range;
  /** True for a map or a list. */
  readonly container: boolean;
}

/** A value's range and its children's, as the parsers of JSON and plain YAML leave them. */
export interface TextNode extends Range {
  /** Keys of a map, or places in a list written as text. */
  readonly children: ReadonlyMap<string, TextChild> | undefined;
}

export interface TextChild {
  readonly key: Range | undefined;
  readonly node: TextNode;
}

/** Follows a path through a tree of ranges. */
export function locateInTree(root: TextNode, path: Path): Place {
  let child: TextChild = { key: undefined, node: root };
  for (const step of path) {
    const next = child.node.children?.get(String(step));
    if (next === undefined) return placeOf(child, false);
    child = next;
  }
  return placeOf(child, true);
}

function placeOf(child: TextChild, found: boolean): Place {
  return { found, key: child.key, value: child.node, container: child.node.children !== undefined };
}

/** `routes.users.match.paths[0]`; a name with other characters is quoted: `routes["a b"]`. */
export function dottedPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z0-9_$-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** The value at a path of plain data; undefined where it does not go as deep. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** What a map holds, in its order; nothing for what is no map. */
export function entriesOf(collection: unknown): [name: string, entry: unknown][] {
  return isRecord(collection) ? Object.entries(collection) : [];
}
