import { nearest } from '../lib/nearest.ts';
import type { CheckContext, OptionProblem } from '../policy/contract.ts';

/** Providers that the configuration does not have. */
export function checkProviders(
  names: readonly string[],
  pathOf: (index: number) => OptionProblem['path'],
  { providers }: CheckContext,
): OptionProblem[] {
  return names.flatMap((name, index): OptionProblem[] =>
    providers.has(name)
      ? []
      : [
          {
            path: pathOf(index),
            message: `there is no provider ${JSON.stringify(name)}`,
            suggestion: nearest(name, providers),
          },
        ],
  );
}
