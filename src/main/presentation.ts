import { formatErrors } from '../control/config/format.ts';
import type { ConfigError } from '../control/config/problem.ts';
import type { DataPlaneConfig } from '../server/config.ts';
import type { Io } from './command-line.ts';
import type { Log } from './messages.ts';

/** Errors and warnings of a configuration: with the lines of the file in a terminal, one log line each elsewhere. */
export function showProblems(io: Io, log: Log): (problems: readonly ConfigError[]) => void {
  return (problems) => {
    if (problems.length === 0) return;
    if (io.errTerminal) {
      io.err(`${formatErrors(problems, { color: io.color, cwd: io.cwd })}\n`);
      return;
    }
    for (const problem of problems) {
      const { excerpt: _, ...short } = problem;
      log(
        problem.severity === 'warning' ? 'warn' : 'error',
        formatErrors([{ ...short, severity: 'error' }], { cwd: io.cwd }),
      );
    }
  };
}

/** Settles `format: auto`: a readable line where the access log goes to a terminal, JSON elsewhere. */
export function decideFormat(
  config: DataPlaneConfig,
  io: Pick<Io, 'terminal' | 'errTerminal'>,
): DataPlaneConfig {
  const { accessLog } = config.observability;
  if (accessLog.format !== 'auto') return config;
  const terminal =
    (accessLog.destination === 'stdout' && io.terminal) ||
    (accessLog.destination === 'stderr' && io.errTerminal);
  const settled = { ...accessLog, format: terminal ? ('line' as const) : ('json' as const) };
  return { ...config, observability: { ...config.observability, accessLog: settled } };
}
