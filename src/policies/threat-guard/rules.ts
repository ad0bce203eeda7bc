import { Automaton } from './automaton.ts';
import type { Rule } from './rule.ts';
import { COMMAND_RULES } from './rules/command.ts';
import { SCANNER_RULES } from './rules/scanner.ts';
import { SQL_RULES } from './rules/sql.ts';
import { TEMPLATE_RULES } from './rules/template.ts';
import { ENCODING_RULES, TRAVERSAL_RULES } from './rules/traversal.ts';
import { XSS_RULES } from './rules/xss.ts';

export const RULES: readonly Rule[] = [
  ...ENCODING_RULES,
  ...TRAVERSAL_RULES,
  ...SQL_RULES,
  ...XSS_RULES,
  ...TEMPLATE_RULES,
  ...COMMAND_RULES,
  ...SCANNER_RULES,
];

const TRIGGERS = RULES.flatMap(({ triggers }, rule) => triggers.map((text) => ({ text, rule })));

/** All triggers of all rules, for every use of the policy: a table for each would take some 100 kB. */
export const AUTOMATON: Automaton = new Automaton(TRIGGERS.map(({ text }) => text));

/** Which rule, by its place in `RULES`, and which length a trigger of the automaton has. */
export const RULE_OF: Uint8Array = Uint8Array.from(TRIGGERS, ({ rule }) => rule);
export const LENGTH_OF: Uint8Array = Uint8Array.from(TRIGGERS, ({ text }) => text.length);
