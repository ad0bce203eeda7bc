import { RE2JS } from 're2js';
import { toRe2 } from './ecmascript-pattern.ts';

/** What Ajv asks of an engine of regular expressions. */
interface Pattern {
  test(text: string): boolean;
}

/**
 * A pattern of a user's schema on an engine whose time is in proportion to the text (RE2): none can stall a worker. It throws for what RE2
 * does not have.
 */
function linearPattern(pattern: string): Pattern {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(toRe2(pattern));
  } catch (error) {
    throw new Error(`the pattern ${JSON.stringify(pattern)} ${reasonOf(error)}`, { cause: error });
  }
  return { test: (text) => compiled.test(text) };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'cannot be compiled';
  return error instanceof SyntaxError
    ? `is no regular expression: ${error.message.replace(/^.*: /, '')}`
    : error.message;
}

/** Ajv's `code.regExp`; `code` is for validators that are written to a file, which none is. */
export const linearPatterns = Object.assign((pattern: string) => linearPattern(pattern), {
  code: 'linearPattern',
});
