import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { GROUPS } from './rule.ts';
import { RULES } from './rules.ts';

const fieldName = z
  .string()
  .refine(isToken, 'is not a field name')
  .transform((name) => name.toLowerCase());

const path = z
  .string()
  .regex(/^\/[^*?#{}\s]*\*?$/, 'is not a path: write /search, or /search/* for all below it, too')
  .refine((text) => !text.includes('*') || text.endsWith('/*'), 'has a * that is not a whole segment');

const ruleOrGroup = z.enum([...GROUPS, ...RULES.map(({ id }) => id)]);

const exception = z
  .strictObject({
    paths: z.array(path).min(1).optional().describe('Only for these; /docs/* is /docs and all below it'),
    parameters: z.array(z.string()).min(1).optional().describe('Only what is found in these parameters'),
    rules: z.array(ruleOrGroup).min(1).optional().describe('Only these rules and groups'),
  })
  .refine(
    ({ paths, parameters, rules }) => paths !== undefined || parameters !== undefined || rules !== undefined,
    'says nothing: it needs paths, parameters or rules',
  );

export const threatGuardSchema = z
  .strictObject({
    mode: z
      .enum(['report', 'block'])
      .default('block')
      .describe('Whether such a request is refused, or only counted and logged'),
    threshold: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe('From which score on; a rule scores 5 where it is certain and 3 where it is suspicious'),
    disable: z.array(ruleOrGroup).default([]).describe('Rules and groups that are switched off'),
    headers: z
      .array(fieldName)
      .default(['user-agent', 'referer'])
      .describe('Fields that are looked into, beside path and query'),
    exceptions: z.array(exception).default([]).describe('What is let through'),
  })
  .describe('Refuses requests that are obvious probes for known holes');

export type ThreatGuardOptions = z.output<typeof threatGuardSchema>;
