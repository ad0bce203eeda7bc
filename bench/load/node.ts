import { join } from 'node:path';
import { type Processes, runToEnd } from '../processes.ts';
import type { Load, LoadGenerator, LoadResult } from './load.ts';

/** The generator of this folder, for machines without wrk. */
export function nodeGenerator(processes: Processes): LoadGenerator {
  return {
    name: 'node',
    async run(load: Load): Promise<LoadResult> {
      const command = [process.execPath, join(import.meta.dirname, 'generator.ts'), JSON.stringify(load)];
      const { output, errors } = await runToEnd(processes.pin('load', command), load.seconds * 1000 + 15_000);
      if (!output.startsWith('{'))
        throw new Error(`the generator gave no result: ${errors.trim().slice(-400)}`);
      return JSON.parse(output);
    },
  };
}
