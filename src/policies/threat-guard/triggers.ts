import { Automaton } from './automaton.ts';
import { RULES } from './rules.ts';

const TRIGGERS = RULES.flatMap(({ triggers }, rule) => triggers.map((text) => ({ text, rule })));

/** All triggers of all rules, for every use of the policy: a table for each would take some 100 kB. */
export const AUTOMATON: Automaton = new Automaton(TRIGGERS.map(({ text }) => text));

/** Which rule, by its place in `RULES`, and which length a trigger of the automaton has. */
export const RULE_OF: Uint8Array = Uint8Array.from(TRIGGERS, ({ rule }) => rule);
export const LENGTH_OF: Uint8Array = Uint8Array.from(TRIGGERS, ({ text }) => text.length);
