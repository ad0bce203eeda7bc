import { type Bench, median, messageOf, startPeer } from './bench.ts';
import { alternate, type Turn } from './load/alternation.ts';
import { PEERS } from './peers/all.ts';
import { type StartedProxy, UNGUARDED_PREFIX } from './peers/peer.ts';
import { cpuTimeUs, residentBytes } from './processes.ts';
import type { Contender, LoadScenario } from './scenarios.ts';

export interface Round {
  readonly cpuUsPerRequest: number;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly residentBytes: number;
  readonly failed: number;
}

/** A contender's rounds in order, so that rounds of the same index belong together. `note` tells what went wrong or is missing. */
export interface LoadOutcome {
  readonly label: string;
  readonly peer: string;
  readonly rounds: readonly Round[];
  /** Median over the rounds of its CPU time to that of the baseline in the same round; undefined without a baseline. */
  readonly ratio: number | undefined;
  readonly note: string;
}

/** Paths of one process share four times the time of a contender: what they differ by is small. */
const PAIR_SHARE = 4;

interface Entrant {
  readonly contender: Contender;
  readonly rounds: Round[];
  readonly notes: string[];
  proxy: StartedProxy | undefined;
  port: number;
}

/**
 * Starts all contenders, warms each up, and then goes round them in short turns, the order reversed every other round: what else
 * the machine does falls on all of them alike. A contender that fails keeps its note and takes no further part.
 */
export async function measureLoad(bench: Bench, scenario: LoadScenario): Promise<LoadOutcome[]> {
  const entrants: Entrant[] = [];
  for (const contender of scenario.contenders) {
    const entrant: Entrant = { contender, rounds: [], notes: [], proxy: undefined, port: 0 };
    entrants.push(entrant);
    const missing = await PEERS.get(contender.peer)?.missing();
    if (missing !== undefined) entrant.notes.push(missing);
    else if (scenario.tls && bench.tls === undefined)
      entrant.notes.push('not run: no certificate could be made');
    else await attempt(entrant, () => enter(bench, scenario, entrant, ownerOf(entrants, entrant)));
  }
  const pairs = pairsOf(entrants);
  const alone = entrants.filter((entrant) => !pairs.flat().includes(entrant));
  for (let round = 0; round < bench.rounds; round += 1) {
    const order = round % 2 === 0 ? alone : alone.toReversed();
    for (const entrant of order) {
      if (entrant.proxy) await attempt(entrant, () => turn(bench, scenario, entrant));
    }
  }
  for (const [entrant, other] of pairs) {
    if (entrant.proxy) await attempt(entrant, () => alternateTurns(bench, scenario, entrant, other));
  }
  for (const { proxy, contender } of entrants) {
    if (proxy !== undefined && contender.within === undefined) await bench.processes.stop(proxy.running);
  }
  return entrants.map((entrant) => ({
    label: entrant.contender.label,
    peer: entrant.contender.peer,
    rounds: entrant.rounds,
    ratio: ratioTo(
      entrants.find((other) => other.contender.label === entrant.contender.baseline),
      entrant,
    ),
    note: entrant.notes.join('; '),
  }));
}

async function attempt(entrant: Entrant, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    entrant.notes.push(`failed: ${messageOf(error)}`);
    entrant.proxy = undefined;
  }
}

/** Those that share a process. */
function pairsOf(entrants: readonly Entrant[]): (readonly [Entrant, Entrant])[] {
  return entrants.flatMap((entrant) => {
    const owner = ownerOf(entrants, entrant);
    return owner === undefined ? [] : [[owner, entrant] as const];
  });
}

/** The contender whose process is measured instead of one of its own. */
function ownerOf(entrants: readonly Entrant[], { contender }: Entrant): Entrant | undefined {
  return entrants.find((other) => other.contender.label === contender.within);
}

async function enter(
  bench: Bench,
  scenario: LoadScenario,
  entrant: Entrant,
  owner: Entrant | undefined,
): Promise<void> {
  const { contender } = entrant;
  const started =
    owner ??
    (await startPeer(bench, contender.peer, {
      routes: contender.routes,
      form: contender.form,
      tls: scenario.tls,
      upload: scenario.bodyBytes > 0,
    }));
  entrant.proxy = started.proxy;
  entrant.port = started.port;
  if (entrant.proxy === undefined) throw new Error(`${contender.within} does not run`);
  await bench.generator.run(loadOf(bench, scenario, entrant, bench.warmUpSeconds));
}

async function turn(bench: Bench, scenario: LoadScenario, entrant: Entrant): Promise<void> {
  if (!entrant.proxy) return;
  const { pid } = entrant.proxy.running;
  const before = cpuTimeUs(pid);
  const result = await bench.generator.run(
    loadOf(bench, scenario, entrant, Math.max(1, Math.round(bench.seconds / bench.rounds))),
  );
  const used = cpuTimeUs(pid) - before;
  if (result.requests === 0) throw new Error(`no request was answered (${result.failures})`);
  if (result.failed > 0)
    entrant.notes.push(
      `${result.failed} of ${result.requests + result.failed} requests failed (${result.failures})`,
    );
  const round: Round = {
    cpuUsPerRequest: used / result.requests,
    requestsPerSecond: result.requests / result.seconds,
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    residentBytes: residentBytes(pid),
    failed: result.failed,
  };
  entrant.rounds.push(round);
  bench.say(
    `  ${entrant.contender.label.padEnd(32)} ${round.cpuUsPerRequest.toFixed(1).padStart(8)} us/request ${round.requestsPerSecond.toFixed(0).padStart(7)}/s`,
  );
}

/** Many turns, shorter than different programs could have. */
async function alternateTurns(
  bench: Bench,
  scenario: LoadScenario,
  entrant: Entrant,
  other: Entrant,
): Promise<void> {
  if (!entrant.proxy) return;
  const { pid } = entrant.proxy.running;
  const turns = await alternate(bench.processes, {
    load: loadOf(bench, scenario, entrant, bench.seconds * PAIR_SHARE),
    otherPath: pathOf(scenario, other.contender),
    pid,
  });
  const resident = residentBytes(pid);
  for (const both of turns) {
    for (const [index, { rounds }] of [entrant, other].entries()) {
      const { requests, cpuUs, seconds, p50Us, p99Us } = both[index] as Turn;
      const cpuUsPerRequest = cpuUs / requests;
      rounds.push({
        cpuUsPerRequest,
        requestsPerSecond: requests / seconds,
        p50Us,
        p99Us,
        residentBytes: resident,
        failed: 0,
      });
    }
  }
  const [policy, none] = [entrant, other].map(({ rounds }) =>
    median(rounds.map((round) => round.cpuUsPerRequest)),
  );
  bench.say(
    `  ${entrant.contender.label} ${policy?.toFixed(1)}, ${other.contender.label} ${none?.toFixed(1)} us/request, ${turns.length} pairs of turns`,
  );
}

function loadOf(bench: Bench, scenario: LoadScenario, entrant: Entrant, seconds: number) {
  return {
    url: `${scenario.tls ? 'https' : 'http'}://127.0.0.1:${entrant.port}${pathOf(scenario, entrant.contender)}`,
    connections: bench.connections,
    seconds,
    bodyBytes: scenario.bodyBytes,
    headers: { ...scenario.headers, ...entrant.proxy?.headers },
    routes: entrant.contender.routes,
    keepAlive: scenario.keepAlive,
  };
}

function pathOf({ path }: LoadScenario, { within }: Contender): string {
  return within === undefined ? path : path.replace(/^\/[^/]*\//, UNGUARDED_PREFIX);
}

function ratioTo(baseline: Entrant | undefined, entrant: Entrant): number | undefined {
  const ratios = entrant.rounds.flatMap((round, index) => {
    const base = baseline?.rounds[index];
    return base === undefined ? [] : [round.cpuUsPerRequest / base.cpuUsPerRequest];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}
