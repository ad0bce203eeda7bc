import { type Document, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { messageOf } from '../../lib/message-of.ts';
import type { Path, Place, Range } from './place.ts';

export interface YamlFault extends Range {
  readonly message: string;
}

export type YamlResult =
  | { readonly ok: true; readonly value: unknown; readonly locate: (path: Path) => Place }
  | { readonly ok: false; readonly faults: readonly YamlFault[] };

/** Values that aliases may stand for; more would be a bomb. */
const MAX_ALIASES = 1000;
const MAX_FAULTS = 20;

/** Reads one YAML 1.2 document by the core schema. A repeated key, an unknown tag and a second document are faults. */
export function readYaml(text: string): YamlResult {
  // uniqueKeys would compare every key with every other; repeated keys are looked for below, in one pass.
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    prettyErrors: false,
    merge: false,
  });
  const faults: YamlFault[] = [];
  for (const fault of [...document.errors, ...document.warnings]) {
    const message =
      fault.code === 'MULTIPLE_DOCS'
        ? 'a second document begins here: a configuration is one document'
        : sentence(fault.message);
    const start = fault.pos[0];
    // Two maps that are open where a line ends are told of alike.
    if (faults.some((known) => known.start === start && known.message === message)) continue;
    faults.push({ start, end: Math.max(fault.pos[1], start + 1), message });
    if (faults.length === MAX_FAULTS) break;
  }
  if (faults.length === 0) findBadKeys(document.contents, faults);
  if (faults.length > 0) return { ok: false, faults: faults.slice(0, MAX_FAULTS) };
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { ok: true, value, locate: (path) => locateNode(document, path) };
  } catch (error) {
    return {
      ok: false,
      faults: [{ start: 0, end: 1, message: sentence(messageOf(error)) }],
    };
  }
}

/** Keys that are there twice, and keys that are no scalars. Two keys are equal when their texts are: `1` and `"1"`. */
function findBadKeys(node: unknown, faults: YamlFault[]): void {
  if (isSeq(node)) for (const item of node.items) findBadKeys(item, faults);
  if (!isMap(node)) return;
  const names = new Set<string>();
  for (const { key, value } of node.items) {
    const range = rangeOf(key) ?? rangeOf(node) ?? { start: 0, end: 1 };
    if (!isScalar(key)) faults.push({ ...range, message: 'a key must be a text' });
    else if (names.has(String(key.value)))
      faults.push({ ...range, message: `the key ${JSON.stringify(String(key.value))} is there twice` });
    else names.add(String(key.value));
    findBadKeys(value, faults);
  }
}

function locateNode(document: Document.Parsed, path: Path): Place {
  let node: unknown = document.contents;
  let key: Range | undefined;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    let next: { readonly key: Range | undefined; readonly node: unknown } | undefined;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (pair !== undefined) next = { key: rangeOf(pair.key), node: pair.value };
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      next = { key: undefined, node: node.items[step] };
    }
    if (next === undefined) return placeOf(node, key, false);
    ({ key, node } = next);
  }
  return placeOf(node, key, true);
}

function placeOf(node: unknown, key: Range | undefined, found: boolean): Place {
  return {
    found,
    key,
    value: rangeOf(node) ?? key ?? { start: 0, end: 1 },
    container: isMap(node) || isSeq(node),
  };
}

function rangeOf(node: unknown): Range | undefined {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
  return range ? { start: range[0], end: range[1] } : undefined;
}

function sentence(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).replaceAll(/\s+/g, ' ');
}
