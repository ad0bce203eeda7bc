import { RE2JS } from 're2js';

/** What Ajv asks of an engine of regular expressions. */
interface Pattern {
  test(text: string): boolean;
}

/**
 * A pattern of a user's schema on an engine whose time is in proportion to the text (RE2): none can stall a worker. It throws for what RE2
 * does not have, which is back references and look-around.
 */
function linearPattern(pattern: string): Pattern {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  return { test: (text) => compiled.test(text) };
}

/** Ajv's `code.regExp`; `code` is for validators that are written to a file, which none is. */
export const linearPatterns = Object.assign((pattern: string) => linearPattern(pattern), {
  code: 'linearPattern',
});
