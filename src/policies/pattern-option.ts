import { RE2JS, RE2JSException } from 're2js';
import { z } from 'zod';

/** Longer ones would only cost: the time that a match takes grows with the pattern. */
const MAX_PATTERN_CHARS = 1000;

/**
 * Schema of a regular expression of a user's, in the syntax of RE2: its time grows with the text alone, so no request can stall a worker.
 * Lookaround and back references do not exist in it.
 */
export function pattern(description: string) {
  return z
    .string()
    .min(1)
    .max(MAX_PATTERN_CHARS)
    .superRefine((text, context) => {
      const failure = failureOf(text);
      if (failure !== undefined)
        context.addIssue({ code: 'custom', message: `is not a pattern: ${failure}` });
    })
    .describe(description);
}

/** Finds the pattern anywhere in a text. Throws for a pattern that the schema refuses. */
export function compilePattern(text: string): RE2JS {
  return RE2JS.compile(text);
}

function failureOf(text: string): string | undefined {
  try {
    compilePattern(text);
    return undefined;
  } catch (error) {
    if (error instanceof RE2JSException) return error.message.replace(/^error parsing regexp: /, '');
    throw error;
  }
}
