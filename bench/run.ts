/** `npm run bench`: the gateway and its peers in turn over the same upstream. README.md says how to read what it prints. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, messageOf } from './bench.ts';
import { installPeers } from './install.ts';
import { nodeGenerator } from './load/node.ts';
import { wrk } from './load/wrk.ts';
import { describeMachine, machineAtRest } from './machine.ts';
import { measureIdle } from './measure-idle.ts';
import { measureLoad } from './measure-load.ts';
import { measureReload } from './measure-reload.ts';
import { type Options, readOptions } from './options.ts';
import { findProgram, Processes, runToEnd } from './processes.ts';
import { report } from './report.ts';
import { chosen, SCENARIOS, type Scenario } from './scenarios.ts';
import type { Outcome } from './targets.ts';
import { startUpstream } from './upstream/start.ts';

const RELOADED_ROUTES = 10_000;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function makeCertificate(directory: string): Promise<Bench['tls']> {
  const made = await runToEnd(
    [process.execPath, join(import.meta.dirname, 'certificate.js'), directory],
    20_000,
  );
  if (made.code === 0) return { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  say(`no certificate could be made, so TLS is not measured: ${made.errors.trim().split('\n').at(-1)}`);
  return undefined;
}

async function measure(bench: Bench, scenario: Scenario, options: Options): Promise<Outcome> {
  const { name, title } = scenario;
  say(`\n${name}: ${title}`);
  if (scenario.kind === 'load')
    return { kind: 'load', scenario: name, title, contenders: await measureLoad(bench, scenario) };
  if (scenario.kind === 'idle') {
    return {
      kind: 'idle',
      scenario: name,
      title,
      peers: await measureIdle(bench, scenario, options.idleConnections),
    };
  }
  const peers = await measureReload(bench, scenario, RELOADED_ROUTES, options.reloads);
  return { kind: 'reload', scenario: name, title, peers };
}

async function run(options: Options, processes: Processes, directory: string): Promise<void> {
  const machineBefore = machineAtRest();
  const trouble = await installPeers(say);
  if (trouble !== undefined) say(trouble);
  // The bench's own timers and requests must not run on the proxy's core.
  if (processes.pinned) await runToEnd(['taskset', '-a', '-p', '-c', '1', `${process.pid}`], 5000);
  const program = await findProgram('wrk');
  if (program === undefined) say('wrk is not installed: the slower generator of bench/load is used');
  const generator = program === undefined ? nodeGenerator(processes) : wrk(program, processes);
  const upstream = await startUpstream(processes, directory);
  const machine = await describeMachine(machineBefore, processes.pinned, generator.name, upstream.program);
  const bench: Bench = {
    ...options,
    processes,
    directory,
    upstream,
    generator,
    tls: await makeCertificate(directory),
    say,
  };

  const outcomes: Outcome[] = [];
  for (const scenario of SCENARIOS) {
    if (options.scenarios.has(scenario.name))
      outcomes.push(await measure(bench, chosen(scenario, options.peers), options));
  }
  const text = report(machine, options, outcomes);
  process.stdout.write(`\n${text}`);
  const out = join(import.meta.dirname, 'out');
  mkdirSync(out, { recursive: true });
  const raw = join(out, `${machine.date.replace(/[ :]/g, '-')}.json`);
  writeFileSync(
    raw,
    `${JSON.stringify({ machine, options: { ...options, scenarios: [...options.scenarios] }, outcomes }, null, 1)}\n`,
  );
  say(`every round is in ${raw}`);
  if (options.write) writeFileSync(join(import.meta.dirname, 'RESULTS.md'), text);
}

async function main(): Promise<number> {
  if (process.platform !== 'linux') {
    say('The benchmark reads CPU time and memory from /proc, so it runs on Linux only.');
    return 1;
  }
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    say(messageOf(error));
    return 2;
  }
  const processes = new Processes((await findProgram('taskset')) !== undefined);
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
  const interrupted = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(130));
  });
  try {
    return await Promise.race([run(options, processes, directory).then(() => 0), interrupted]);
  } catch (error) {
    say(messageOf(error));
    return 1;
  } finally {
    await processes.stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
}

// After Ctrl-C a measurement may still wait for its generator, so the end is not left to the event loop.
process.exit(await main());
