import { MAX_DEPTH } from './json.ts';
import type { Problem } from './problem.ts';

/** More values than this are refused; 10,000 routes have about half a million. */
const MAX_VALUES = 20_000_000;

/**
 * A copy with nothing but null, booleans, finite numbers, strings, lists and maps, and what was found besides them: functions,
 * instances of classes, cycles, `__proto__` as a key. Keys whose value is undefined are left out. Never throws.
 */
export function plainData(value: unknown): {
  readonly value: unknown;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const path: (string | number)[] = [];
  let count = 0;
  const problem = (message: string, atKey = false): null => {
    problems.push({ path: path.slice(0, 8), message, atKey });
    return null;
  };
  const copyAt = (step: string | number, entry: unknown): unknown => {
    path.push(step);
    const copied = copy(entry);
    path.pop();
    return copied;
  };
  const copy = (input: unknown): unknown => {
    if (++count > MAX_VALUES)
      return count === MAX_VALUES + 1 ? problem(`there are more than ${MAX_VALUES} values`) : null;
    if (input === null || typeof input === 'string' || typeof input === 'boolean') return input;
    if (typeof input === 'number') return Number.isFinite(input) ? input : problem('is not a finite number');
    if (typeof input !== 'object')
      return problem(`is a ${typeof input}: a configuration holds plain data only`);
    if (path.length >= MAX_DEPTH)
      return problem(`is nested deeper than ${MAX_DEPTH} levels, or holds itself`);
    if (Array.isArray(input)) return Array.from(input, (entry: unknown, index) => copyAt(index, entry));
    const prototype: unknown = Object.getPrototypeOf(input);
    if (prototype !== Object.prototype && prototype !== null)
      return problem(`is ${kindOf(input)}: a configuration holds plain data only`);
    const result: Record<string, unknown> = {};
    for (const [key, entry] of Object.entries(input)) {
      if (key === '__proto__') {
        path.push(key);
        problem('this name is not allowed', true);
        path.pop();
      } else if (entry !== undefined) result[key] = copyAt(key, entry);
    }
    return result;
  };
  return { value: copy(value), problems };
}

function kindOf(input: object): string {
  if (input instanceof Promise) return 'a promise';
  if (input instanceof Map) return 'a Map';
  if (input instanceof Set) return 'a Set';
  if (input instanceof Date) return 'a Date';
  return 'an instance of a class';
}
