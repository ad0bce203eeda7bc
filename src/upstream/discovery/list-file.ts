import { type Document, isMap, isNode, isSeq, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { causeOf } from '../../lib/cause.ts';
import { MAX_TARGETS, type TargetDescription, targetEntrySchema } from './target-description.ts';

const listSchema = z.array(targetEntrySchema, 'is not a list of targets').max(MAX_TARGETS);

export type ListResult =
  | { readonly ok: true; readonly targets: readonly TargetDescription[] }
  | { readonly ok: false; readonly reason: string };

/** Reads a list of targets in YAML 1.2 or JSON. A reason begins with the line. */
export function readList(text: string): ListResult {
  const lines = new LineCounter();
  const refused = (offset: number, reason: string): ListResult => ({
    ok: false,
    reason: `line ${lines.linePos(offset).line}: ${reason.replaceAll(/\s+/g, ' ')}`,
  });
  try {
    const document = parseDocument(text.replace(/^\ufeff/, ''), {
      version: '1.2',
      schema: 'core',
      // It would compare every key with every other; repeated ones are looked for below.
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: lines,
    });
    const fault = document.errors[0] ?? document.warnings[0] ?? repeatedKey(document);
    if (fault !== undefined) return refused(fault.pos[0], fault.message);
    const list = listSchema.safeParse(document.toJS({ maxAliasCount: MAX_TARGETS }));
    if (list.success) return { ok: true, targets: list.data };
    const [issue] = list.error.issues;
    const path = [...(issue?.path ?? [])];
    const what = path.length > 1 ? `${path.slice(1).join('.')}: ` : '';
    return refused(offsetOf(document, path), what + (issue?.message ?? 'cannot be read'));
  } catch (error) {
    // Too many aliases, or lists within lists without end.
    return refused(0, causeOf(error));
  }
}

/** The first target with a key that is there twice. */
function repeatedKey({ contents }: Document.Parsed): { pos: [number]; message: string } | undefined {
  for (const target of isSeq(contents) ? contents.items : []) {
    if (!isMap(target)) continue;
    const names = new Set(target.items.map(({ key }) => String(key)));
    if (names.size < target.items.length)
      return { pos: [target.range?.[0] ?? 0], message: 'a key is there twice' };
  }
  return undefined;
}

/** Where the value at a path begins, or the nearest one around it. */
function offsetOf(document: Document.Parsed, path: PropertyKey[]): number {
  while (path.length > 0 && !document.hasIn(path)) path.pop();
  const node = document.getIn(path, true);
  return (isNode(node) ? node.range?.[0] : undefined) ?? 0;
}
