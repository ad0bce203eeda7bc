import { stepsOf } from './pointer.ts';

/** Where a problem of a configuration is: collection, name, and the way from there on. */
export function placeOf(path: string, file: string | undefined): readonly (string | number)[] {
  const steps = stepsOf(path);
  // A stored policy stands in a list of the whole: its name is in the name of its place.
  const policy = steps[0] === 'policies' ? /^store:policies\/(.*)$/s.exec(file ?? '')?.[1] : undefined;
  return policy === undefined ? steps : ['policies', policy, ...steps.slice(2)];
}
