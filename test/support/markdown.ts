export interface Fence {
  /** Such as `yaml`; empty when nothing is said. */
  readonly language: string;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w-]*)/;
const LINK = /!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
const EXAMPLE = /^(?:#|\/\/) example: (\S+)$/;

/** The fenced blocks of a document, and its lines with those blocks left empty. */
function split(text: string): { readonly fences: readonly Fence[]; readonly prose: readonly string[] } {
  const fences: Fence[] = [];
  const prose: string[] = [];
  let open: { mark: string; language: string; line: number; lines: string[] } | undefined;
  for (const [at, line] of text.split('\n').entries()) {
    const [, mark = '', language = ''] = FENCE.exec(line) ?? [];
    if (open !== undefined) {
      if (mark.startsWith(open.mark) && line.trim() === mark) {
        fences.push({ language: open.language, text: `${open.lines.join('\n')}\n`, line: open.line });
        open = undefined;
      } else open.lines.push(line);
      prose.push('');
    } else if (mark === '') prose.push(line);
    else {
      open = { mark, language, line: at + 1, lines: [] };
      prose.push('');
    }
  }
  return { fences, prose };
}

export function fencesOf(text: string): readonly Fence[] {
  return split(text).fences;
}

/** The name in a block's first line `# example: <name>` or `// example: <name>`, or undefined. */
export function exampleName(fence: Fence): string | undefined {
  return EXAMPLE.exec(fence.text.slice(0, fence.text.indexOf('\n')))?.[1];
}

/** Links in the text, but not in code. */
export function linksOf(text: string): readonly Link[] {
  return split(text).prose.flatMap((line, at) =>
    [...line.replaceAll(/`[^`]*`/g, '').matchAll(LINK)].map((match) => ({
      target: match[1] ?? '',
      line: at + 1,
    })),
  );
}

/** What `#...` may name: the headings, as GitHub makes them into anchors. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const line of split(text).prose) {
    const [, heading] = /^#{1,6}\s+(.*?)\s*#*$/.exec(line) ?? [];
    if (heading === undefined) continue;
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
    let numbered = anchor;
    for (let count = 1; anchors.has(numbered); count += 1) numbered = `${anchor}-${count}`;
    anchors.add(numbered);
  }
  return anchors;
}
