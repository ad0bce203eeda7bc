import { isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { MAX_TARGETS, type TargetDescription, targetEntrySchema } from './target-description.ts';

const listSchema = z.array(targetEntrySchema, 'is not a list of targets').max(MAX_TARGETS);

export type ListResult =
  | { readonly ok: true; readonly targets: readonly TargetDescription[] }
  | { readonly ok: false; readonly reason: string };

/** Reads a list of targets in YAML 1.2 or JSON. A reason begins with the line. */
export function readList(text: string): ListResult {
  const lines = new LineCounter();
  const document = parseDocument(text.replace(/^\ufeff/, ''), {
    version: '1.2',
    schema: 'core',
    prettyErrors: false,
    lineCounter: lines,
  });
  const at = (offset: number, reason: string): ListResult => ({
    ok: false,
    reason: `line ${lines.linePos(offset).line}: ${reason.replaceAll(/\s+/g, ' ')}`,
  });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) return at(fault.pos[0], fault.message);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_TARGETS });
  } catch (error) {
    return at(0, error instanceof Error ? error.message : String(error));
  }
  const list = listSchema.safeParse(value);
  if (list.success) return { ok: true, targets: list.data };
  const issue = list.error.issues[0];
  const path = [...(issue?.path ?? [])];
  const what = path.length > 1 ? `${path.slice(1).join('.')}: ` : '';
  // The nearest value around one that is missing.
  while (path.length > 0 && !document.hasIn(path)) path.pop();
  const node = document.getIn(path, true);
  return at((isNode(node) ? node.range?.[0] : undefined) ?? 0, what + (issue?.message ?? 'cannot be read'));
}
