import type { DataPlaneConfig } from '../server/config.ts';

type Routes = DataPlaneConfig['routes'];

/**
 * A configuration on its way to a worker: whole, or with no more of the routes than differs from the configuration that the
 * worker serves. To copy 10,000 routes takes each side 20 ms of every reload, in which a worker serves nobody.
 */
export type SentConfig =
  | { readonly kind: 'whole'; readonly config: DataPlaneConfig }
  | {
      readonly kind: 'changes';
      readonly others: Omit<DataPlaneConfig, 'routes'>;
      /** Those that are new or other than before. */
      readonly changed: Routes;
      /** Every route in its order; undefined where these are the same as before, in the same order. */
      readonly names: readonly string[] | undefined;
    };

/** `base` is what the worker serves; undefined sends everything. Routes are the same where they are the same object. */
export function toSend(config: DataPlaneConfig, base: DataPlaneConfig | undefined): SentConfig {
  if (base === undefined) return { kind: 'whole', config };
  const { routes, ...others } = config;
  const names = Object.keys(routes);
  const before = Object.keys(base.routes);
  const changed = Object.fromEntries(
    names.flatMap((name) => {
      const route = routes[name] as Routes[string];
      return Object.hasOwn(base.routes, name) && base.routes[name] === route ? [] : [[name, route]];
    }),
  );
  const sameNames = names.length === before.length && names.every((name, index) => name === before[index]);
  return { kind: 'changes', others, changed, names: sameNames ? undefined : names };
}

/** What was given to `toSend`. Routes that did not cross are those of `base` themselves. */
export function received(sent: SentConfig, base: DataPlaneConfig | undefined): DataPlaneConfig {
  if (sent.kind === 'whole') return sent.config;
  if (base === undefined) throw new Error('changes came before there was a configuration to change');
  const names = sent.names ?? Object.keys(base.routes);
  const routes = names.map((name): [string, Routes[string]] => [
    name,
    (Object.hasOwn(sent.changed, name) ? sent.changed[name] : base.routes[name]) as Routes[string],
  ]);
  return { ...sent.others, routes: Object.fromEntries(routes) };
}
