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
