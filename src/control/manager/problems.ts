import type { ConfigError } from '../config/problem.ts';
import type { ChangeProblem } from './manager.ts';

/** Errors and warnings of a configuration as answers tell them. */
export function problemsOf(errors: readonly ConfigError[]): ChangeProblem[] {
  return errors.map(({ severity, path, message, suggestion, file, line, column }) => ({
    severity,
    path,
    message,
    ...(suggestion === undefined ? {} : { suggestion }),
    file,
    line,
    column,
  }));
}

/** What concerns no place: what a worker says, such as that a port is taken. */
export function problemOf(message: string, path = ''): ChangeProblem {
  return { severity: 'error', path, message };
}
