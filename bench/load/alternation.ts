import { join } from 'node:path';
import { type Processes, runToEnd } from '../processes.ts';
import type { Load } from './load.ts';

/** Load that goes to two paths of one process in turn. */
export interface Alternation {
  /** Its seconds are those of both paths together. */
  readonly load: Load;
  readonly otherPath: string;
  /** Whose CPU time is read. */
  readonly pid: number;
}

export interface Turn {
  readonly requests: number;
  readonly cpuUs: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Turns of the load's path, each with one of the other path at the same time. Rejects when a request fails. */
export async function alternate(
  processes: Processes,
  alternation: Alternation,
): Promise<readonly (readonly [Turn, Turn])[]> {
  const command = [process.execPath, join(import.meta.dirname, 'alternator.ts'), JSON.stringify(alternation)];
  const { output, errors } = await runToEnd(
    processes.pin('load', command),
    alternation.load.seconds * 1000 + 15_000,
  );
  if (!output.startsWith('[')) throw new Error(`the generator gave no result: ${errors.trim().slice(-400)}`);
  return JSON.parse(output);
}
