import type { ProbeText } from './probe-text.ts';

export const GROUPS = ['encoding', 'traversal', 'sql', 'xss', 'template', 'command', 'scanner'] as const;

export type Group = (typeof GROUPS)[number];

/** The parts of a request, as bits. */
export const PATH = 1;
export const PARAMETER = 2;
export const HEADER = 4;
export const VALUES: number = PARAMETER | HEADER;
export const EVERYWHERE: number = PATH | VALUES;

/** Enough by itself. */
export const CERTAIN = 5;
/** Enough only beside another one: it occurs in ordinary text, too. */
export const SUSPICIOUS = 3;

export interface Rule {
  readonly id: string;
  readonly group: Group;
  readonly score: number;
  /** Where it is looked for. */
  readonly places: number;
  /** Texts, as `ProbeText` has them, of which one must be there. */
  readonly triggers: readonly string[];
  /** Whether a trigger at [start, end) is what it seems, by what stands around it; always, when absent. Looks at a bounded part. */
  confirms?(text: ProbeText, start: number, end: number): boolean;
}
