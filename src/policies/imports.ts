/**
 * `from './a.ts'`, `import './a.ts'` and `import('./a.ts')`. A text in a comment or in a string that looks like one is found too: at
 * worst a file is read that nobody needs.
 */
const RELATIVE_IMPORT = /\b(?:from|import)\s*(?:\(\s*)?(['"])(\.{1,2}\/[^'"\n]{1,1024})\1/g;

/**
 * The relative paths that a module of TypeScript or JavaScript imports, as written, each once. The version of a user's policy
 * should change with these files, and with what they import in turn: `reload-hooks.ts` loads all of them anew.
 */
export function relativeImports(source: string): string[] {
  const found = new Set<string>();
  for (const match of source.matchAll(RELATIVE_IMPORT)) found.add(match[2] as string);
  return [...found];
}
