import { parseArgs } from 'node:util';
import { PEERS } from './peers/all.ts';
import { SCENARIOS } from './scenarios.ts';

export interface Options {
  readonly scenarios: ReadonlySet<string>;
  /** undefined: all. */
  readonly peers: ReadonlySet<string> | undefined;
  readonly seconds: number;
  readonly rounds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly idleConnections: number;
  readonly reloads: number;
  readonly write: boolean;
}

export const USAGE = `npm run bench [-- options]

  --scenario a,b    of: ${SCENARIOS.map((scenario) => scenario.name).join(', ')}; default: all
  --peer a,b        of: ${[...PEERS.keys()].join(', ')}; default: all of the scenario; nginx stays as the measure
  --seconds n       measured time per peer and scenario, all rounds together; default 15
  --rounds n        turns that the time is cut into; default 5
  --connections n   default 64
  --quick           3 seconds in 3 rounds, 2,000 idle connections, 2 reloads: to see that it works, not to quote
  --write           write bench/RESULTS.md
`;

/** Throws an Error with a sentence for the user. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string' },
      peer: { type: 'string' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      connections: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  if (values.quick && values.write)
    throw new Error('--quick is too short for figures that are kept: leave out --write');
  const names = SCENARIOS.map((scenario) => scenario.name);
  return {
    scenarios: new Set(list('--scenario', values.scenario, names) ?? names),
    peers: optionalSet(list('--peer', values.peer, [...PEERS.keys()])),
    seconds: count('--seconds', values.seconds, values.quick ? 3 : 15, 600),
    rounds: count('--rounds', values.rounds, values.quick ? 3 : 5, 100),
    warmUpSeconds: values.quick ? 1 : 2,
    connections: count('--connections', values.connections, 64, 10_000),
    idleConnections: values.quick ? 2000 : 10_000,
    reloads: values.quick ? 2 : 8,
    write: values.write,
  };
}

function optionalSet(names: string[] | undefined): ReadonlySet<string> | undefined {
  return names === undefined ? undefined : new Set(names);
}

function list(option: string, text: string | undefined, known: readonly string[]): string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) throw new Error(`${option}: there is no ${wrong}; known are ${known.join(', ')}`);
  return names;
}

function count(option: string, text: string | undefined, otherwise: number, most: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new Error(`${option}: ${text} is not a whole number from 1 to ${most}`);
  return value;
}
