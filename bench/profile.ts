/**
 * Where the gateway's time goes in one scenario: `node bench/profile.ts [--scenario plain] [--seconds 8] [--top 40] [--perf]`. By default
 * V8's sampling profiler, which names functions; with --perf Linux perf, which also sees native code and the kernel.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Bench, startPeer } from './bench.ts';
import { prepare, say, withProcesses } from './prepare.ts';
import { findProgram, type Processes, runToEnd } from './processes.ts';
import { type LoadScenario, SCENARIOS } from './scenarios.ts';

/** A profiler writes its file when its thread ends. */
const END_LIMIT_MS = 15_000;

/** The part of a .cpuprofile that is read. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: 'plain' },
    seconds: { type: 'string', default: '8' },
    top: { type: 'string', default: '40' },
    perf: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const top = Number(values.top);

async function profile(processes: Processes, directory: string): Promise<void> {
  const scenario = SCENARIOS.find((one) => one.name === values.scenario);
  if (scenario?.kind !== 'load') throw new Error(`${values.scenario} is not a scenario with load`);
  const bench = await prepare(processes, directory, {
    seconds,
    rounds: 1,
    warmUpSeconds: 2,
    connections: 64,
  });
  await (values.perf ? withPerf(bench, scenario) : withCpuProf(bench, scenario));
}

/** The last form of the gateway in the scenario is the one with most to do. */
async function start(bench: Bench, scenario: LoadScenario, nodeOptions: string) {
  const contender = scenario.contenders.findLast((one) => one.peer === 'portcullis');
  if (!contender) throw new Error(`${scenario.name} does not measure portcullis`);
  const { proxy, port } = await startPeer(bench, 'portcullis', {
    routes: contender.routes,
    form: contender.form,
    tls: scenario.tls,
    upload: scenario.bodyBytes > 0,
    nodeOptions,
  });
  const load = (duration: number) =>
    bench.generator.run({
      url: `${scenario.tls ? 'https' : 'http'}://127.0.0.1:${port}${scenario.path}`,
      connections: bench.connections,
      seconds: duration,
      bodyBytes: scenario.bodyBytes,
      headers: { ...scenario.headers, ...proxy.headers },
      routes: contender.routes,
      keepAlive: scenario.keepAlive,
    });
  return { proxy, load };
}

async function withCpuProf(bench: Bench, scenario: LoadScenario): Promise<void> {
  const profiles = join(bench.directory, 'profiles');
  mkdirSync(profiles);
  const { proxy, load } = await start(bench, scenario, `--cpu-prof --cpu-prof-dir=${profiles}`);
  const result = await load(seconds);
  await bench.processes.stop(proxy.running, END_LIMIT_MS);
  say(`${result.requests} requests; ${result.failed} failed`);
  for (const file of readdirSync(profiles)) printProfile(join(profiles, file), result.requests);
}

/** Self time by function; the thread that did next to nothing is left out. */
function printProfile(file: string, requests: number): void {
  const { nodes, samples, timeDeltas }: CpuProfile = JSON.parse(readFileSync(file, 'utf8'));
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const self = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '?';
    self.set(name, (self.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const busy = [...self].filter(([name]) => !name.startsWith('(idle)') && !name.startsWith('(root)'));
  const total = busy.reduce((sum, [, us]) => sum + us, 0);
  if (total < 200_000) return;
  process.stdout.write(
    `\n${basename(file)}: ${(total / 1e6).toFixed(2)} s busy, ${(total / requests).toFixed(1)} us per request\n`,
  );
  for (const [name, us] of busy.toSorted((a, b) => b[1] - a[1]).slice(0, top)) {
    process.stdout.write(
      `${((us / total) * 100).toFixed(1).padStart(6)} %  ${(us / requests).toFixed(2).padStart(7)} us  ${name}\n`,
    );
  }
}

function nameOf(frame: CpuProfile['nodes'][number]['callFrame']): string {
  const file = frame.url.slice(frame.url.lastIndexOf('/', frame.url.lastIndexOf('/') - 1) + 1);
  return `${frame.functionName || '(anonymous)'}${file === '' ? '' : `  ${file}:${frame.lineNumber + 1}`}`;
}

async function withPerf(bench: Bench, scenario: LoadScenario): Promise<void> {
  const perf = await findProgram('perf');
  if (perf === undefined) throw new Error('perf is not installed; without --perf the profiler of V8 is used');
  const data = join(bench.directory, 'perf.data');
  const { proxy, load } = await start(bench, scenario, '--perf-basic-prof');
  await load(bench.warmUpSeconds);
  const record = [
    'record',
    '-q',
    '-F',
    '997',
    '-o',
    data,
    '-p',
    `${proxy.running.pid}`,
    '--',
    'sleep',
    `${seconds}`,
  ];
  const [recorded, result] = await Promise.all([
    runToEnd([perf, ...record], seconds * 1000 + 15_000),
    load(seconds),
  ]);
  say(`${result.requests} requests; ${result.failed} failed`);
  if (!existsSync(data)) throw new Error(`perf could not record: ${recorded.errors.trim().slice(-400)}`);
  const shown = await runToEnd([perf, 'report', '-q', '--stdio', '--sort', 'symbol', '-i', data], 60_000);
  await bench.processes.stop(proxy.running);
  // V8 writes the names where perf looks for them, and leaves the file there.
  rmSync(`/tmp/perf-${proxy.running.pid}.map`, { force: true });
  const lines = shown.output
    .split('\n')
    .flatMap((line) => (line.includes('%') ? [line.trimEnd().replace(/[\s-]+$/, '')] : []));
  process.stdout.write(`${lines.slice(0, top).join('\n')}\n`);
}

process.exit(await withProcesses(profile));
