import { Automaton } from './automaton.ts';
import { FOLDED, FOLDED_QUERY, NO_BREAK_SPACE, PERCENT, STAR } from './probe-text.ts';
import { RULES } from './rules.ts';

const TRIGGERS = RULES.flatMap(({ triggers }, rule) => triggers.map((text) => ({ text, rule })));

/** All triggers of all rules, for every use of the policy: a table for each would take some 100 kB. */
export const AUTOMATON: Automaton = new Automaton(TRIGGERS.map(({ text }) => text));

/** Where these stand, a text may be read as another one: it has to be decoded, or may have a comment. */
const DOUBTFUL = [PERCENT, STAR, NO_BREAK_SPACE];
/** For `AUTOMATON.holdsNone`: of paths and fields, and of what is in a query. */
export const CLASSES: Uint8Array = AUTOMATON.classesOf(FOLDED, DOUBTFUL);
export const QUERY_CLASSES: Uint8Array = AUTOMATON.classesOf(FOLDED_QUERY, DOUBTFUL);

/** Which rule, by its place in `RULES`, and which length a trigger of the automaton has. */
export const RULE_OF: Uint8Array = Uint8Array.from(TRIGGERS, ({ rule }) => rule);
export const LENGTH_OF: Uint8Array = Uint8Array.from(TRIGGERS, ({ text }) => text.length);
