import { join } from 'node:path';
import { type Processes, runToEnd } from '../processes.ts';
import type { Load, LoadGenerator, LoadResult } from './load.ts';

/** wrk, one thread on the load core. */
export function wrk(program: string, processes: Processes): LoadGenerator {
  return {
    name: 'wrk',
    async run(load: Load): Promise<LoadResult> {
      const command = [
        program,
        '-t1',
        `-c${load.connections}`,
        `-d${load.seconds}s`,
        '--timeout',
        '10s',
        '-s',
        join(import.meta.dirname, 'wrk.lua'),
        ...Object.entries(load.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
        load.url,
      ];
      const settings = [`${load.routes}`, `${load.bodyBytes}`, load.keepAlive ? 'keep' : 'close'];
      const { output, errors } = await runToEnd(
        processes.pin('load', [...command, '--', ...settings]),
        load.seconds * 1000 + 15_000,
      );
      const line = /^RESULT (\{.*\})$/m.exec(output)?.[1];
      if (line === undefined)
        throw new Error(`wrk gave no result: ${`${output}\n${errors}`.trim().slice(-400)}`);
      const result: Record<string, number> = JSON.parse(line);
      const kinds = ['connect', 'read', 'write', 'status', 'timeout'].filter(
        (kind) => (result[kind] ?? 0) > 0,
      );
      return {
        requests: result['requests'] ?? 0,
        seconds: (result['us'] ?? 0) / 1e6,
        p50Us: result['p50'] ?? 0,
        p99Us: result['p99'] ?? 0,
        failed: kinds.reduce((sum, kind) => sum + (result[kind] ?? 0), 0),
        failures: kinds.map((kind) => `${kind} ${result[kind]}`).join(', '),
      };
    },
  };
}
