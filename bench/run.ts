/** `npm run bench`: the gateway and its peers in turn over the same upstream. README.md says how to read what it prints. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, messageOf } from './bench.ts';
import { describeMachine, machineAtRest } from './machine.ts';
import { measureIdle } from './measure-idle.ts';
import { measureLoad } from './measure-load.ts';
import { measureManaged } from './measure-managed.ts';
import { measureReload } from './measure-reload.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { prepare, say, withProcesses } from './prepare.ts';
import type { Processes } from './processes.ts';
import { report } from './report.ts';
import { chosen, SCENARIOS, type Scenario } from './scenarios.ts';
import type { Outcome } from './targets.ts';

const RELOADED_ROUTES = 10_000;
const MANAGED_APIS = 10_000;

async function measure(bench: Bench, scenario: Scenario, options: Options): Promise<Outcome> {
  const { name, title } = scenario;
  say(`\n${name}: ${title}`);
  if (scenario.kind === 'load') {
    return { kind: 'load', scenario: name, title, contenders: await measureLoad(bench, scenario) };
  }
  if (scenario.kind === 'idle') {
    const peers = await measureIdle(bench, scenario, options.idleConnections);
    return { kind: 'idle', scenario: name, title, peers };
  }
  if (scenario.kind === 'managed') {
    const peers = await measureManaged(bench, scenario, MANAGED_APIS, options.reloads);
    return { kind: 'managed', scenario: name, title, peers };
  }
  const peers = await measureReload(bench, scenario, RELOADED_ROUTES, options.reloads);
  return { kind: 'reload', scenario: name, title, peers };
}

async function run(options: Options, processes: Processes, directory: string): Promise<void> {
  const atRest = machineAtRest();
  const bench = await prepare(processes, directory, options);
  const machine = await describeMachine(
    atRest,
    processes.pinned,
    bench.generator.name,
    bench.upstream.program,
  );
  const outcomes: Outcome[] = [];
  for (const scenario of SCENARIOS) {
    if (options.scenarios.has(scenario.name)) {
      outcomes.push(await measure(bench, chosen(scenario, options.peers), options));
    }
  }
  const text = report(machine, options, outcomes);
  process.stdout.write(`\n${text}`);
  const out = join(import.meta.dirname, 'out');
  mkdirSync(out, { recursive: true });
  const raw = join(out, `${machine.date.replace(/[ :]/g, '-')}.json`);
  writeFileSync(raw, `${JSON.stringify({ machine, options: numbersOf(options), outcomes }, null, 1)}\n`);
  say(`every round is in ${raw}`);
  if (options.write) writeFileSync(join(import.meta.dirname, 'RESULTS.md'), text);
}

/** Sets are no JSON. */
function numbersOf(options: Options): Record<string, unknown> {
  return { ...options, scenarios: [...options.scenarios], peers: options.peers && [...options.peers] };
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(USAGE);
    return 0;
  }
  try {
    const options = readOptions(args);
    return await withProcesses((processes, directory) => run(options, processes, directory));
  } catch (error) {
    say(messageOf(error));
    return 2;
  }
}

// After Ctrl-C a measurement may still wait for its generator, so the end is not left to the event loop.
process.exit(await main());
