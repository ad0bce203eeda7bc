export interface SplitEntry {
  readonly service: string;
  readonly weight: number;
}

/** Picks a service for a request; `random` is in [0, 1). */
export type Split = (random: number) => string;

/**
 * Compiles a weighted choice: each service is picked with the share that its weight has of all. One with weight 0 is never picked.
 * Throws an Error when no weight is above 0.
 */
export function compileSplit(entries: readonly SplitEntry[]): Split {
  const services: string[] = [];
  const bounds: number[] = [];
  let total = 0;
  for (const { service, weight } of entries) {
    if (weight === 0) continue;
    total += weight;
    services.push(service);
    bounds.push(total);
  }
  const last = services[services.length - 1];
  if (last === undefined) throw new Error('a split needs a weight above 0');
  return (random) => {
    const point = random * total;
    for (let i = 0; i < bounds.length; i++) if (point < (bounds[i] as number)) return services[i] as string;
    return last;
  };
}
