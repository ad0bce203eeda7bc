import { nameOfStep, pointerStep } from '../../../lib/json-pointer.ts';
/** The steps of a path as errors write it: `apis.hello.paths[0]`, `routes["a b"]`. What does not read as one ends it. */
export function stepsOf(dotted: string): (string | number)[] {
  const steps: (string | number)[] = [];
  const step = /\.?([A-Za-z0-9_$-]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;
  while (step.lastIndex < dotted.length) {
    const [, name, index, quoted] = step.exec(dotted) ?? [];
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(JSON.parse(quoted) as string);
    else break;
  }
  return steps;
}

/** A JSON pointer (RFC 6901). */
export function pointerOf(steps: readonly (string | number)[]): string {
  return steps.map((step) => pointerStep(String(step))).join('');
}

/** The members that a JSON pointer (RFC 6901) goes through; places in lists are texts, too. */
export function membersOf(pointer: string): string[] {
  return pointer.split('/').slice(1).map(nameOfStep);
}
