import { median } from './bench.ts';
import type { Machine } from './machine.ts';
import type { LoadOutcome } from './measure-load.ts';
import { type Outcome, type Target, targets } from './targets.ts';

export interface Settings {
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
}

/** The whole result as Markdown. */
export function report(machine: Machine, settings: Settings, outcomes: readonly Outcome[]): string {
  return [
    '# Results of the benchmark',
    '',
    'Written by `npm run bench -- --write`; [README.md](README.md) says how to read it.',
    '',
    ...machineSection(machine, settings),
    '## Targets',
    '',
    table(
      ['what', 'at most', 'measured', ''],
      targets(outcomes).map((target) => [target.what, target.atMost, target.measured, mark(target)]),
    ),
    '',
    ...outcomes.flatMap(scenarioSection),
  ].join('\n');
}

function mark(target: Target): string {
  if (target.met === undefined) return 'not measured';
  return target.met ? 'met' : '**missed**';
}

function machineSection(machine: Machine, settings: Settings): string[] {
  const lines = [
    ['date', `${machine.date} UTC, commit ${machine.commit}`],
    [
      'machine',
      `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; load before the run ${machine.loadBefore.toFixed(2)}`,
    ],
    ['system', `${machine.system}, kernel ${machine.kernel}`],
    [
      'proxy under test',
      machine.pinned ? 'pinned to core 0' : '**not pinned**: taskset or a second core is missing',
    ],
    [
      'generator and upstream',
      `${machine.generator}, ${machine.upstream}${machine.pinned ? ', on core 1' : ''}`,
    ],
    [
      'load',
      `${settings.connections} connections, ${settings.rounds} rounds, ${settings.seconds} s in all per peer`,
    ],
    ...Object.entries(machine.peers),
  ];
  return [table(['', ''], lines), ''];
}

function scenarioSection(outcome: Outcome): string[] {
  const head = [`## ${outcome.scenario}: ${outcome.title}`, ''];
  if (outcome.kind === 'load')
    return [
      ...head,
      loadTable(outcome.contenders),
      '',
      ...notes(outcome.contenders.map((one) => [one.label, one.note] as const)),
    ];
  if (outcome.kind === 'idle') {
    const rows = outcome.peers.map((one) => [
      one.peer,
      one.bytesPerConnection === undefined ? '-' : `${(one.bytesPerConnection / 1024).toFixed(1)} kB`,
      `${one.connections}`,
      megabytes(one.residentBeforeBytes),
      megabytes(one.residentAfterBytes),
    ]);
    return [
      ...head,
      table(['peer', 'memory each', 'connections', 'before', 'after'], rows),
      '',
      ...notes(outcome.peers.map((one) => [one.peer, one.note] as const)),
    ];
  }
  if (outcome.kind === 'managed') {
    const rows = outcome.peers.map((one) => [
      one.peer,
      ...[one.pageMs, one.changeMs].flatMap((all) =>
        all.length === 0 ? ['-', '-'] : [median(all), Math.max(...all)].map((ms) => `${ms.toFixed(0)} ms`),
      ),
      `${one.failedRequests} of ${one.requests}`,
    ]);
    return [
      ...head,
      table(['peer', 'page, median', 'slowest', 'change, median', 'slowest', 'failed requests'], rows),
      '',
      ...notes(outcome.peers.map((one) => [one.peer, one.note] as const)),
    ];
  }
  const rows = outcome.peers.map((one) => [
    one.peer,
    one.reloadMs.length === 0 ? '-' : `${median(one.reloadMs).toFixed(0)} ms`,
    one.reloadMs.length === 0 ? '-' : `${Math.max(...one.reloadMs).toFixed(0)} ms`,
    `${one.failedRequests} of ${one.requests + one.failedRequests}`,
    `${one.droppedWebSockets} of ${one.webSockets}`,
    milliseconds(one.p99Us),
  ]);
  const names = ['peer', 'reload, median', 'longest', 'failed requests', 'dropped WebSockets', 'p99'];
  return [
    ...head,
    table(names, rows),
    '',
    ...notes(outcome.peers.map((one) => [one.peer, one.note] as const)),
  ];
}

/** What failed or was missing, told below the table. */
function notes(all: readonly (readonly [who: string, note: string])[]): string[] {
  const told = all
    .filter(([, note]) => note !== '')
    .map(([who, note]) => `- ${who}: ${note.replaceAll('\n', ' ')}`);
  return told.length === 0 ? [] : [...told, ''];
}

/** Medians over the rounds, with the lowest and highest CPU time, which show how noisy the machine was. */
export function loadTable(contenders: readonly LoadOutcome[]): string {
  const rows = contenders.map((one) => {
    if (one.rounds.length === 0) return [one.label, '-', '-', '-', '-', '-', '-', '-'];
    const of = (pick: (round: LoadOutcome['rounds'][number]) => number) => median(one.rounds.map(pick));
    const cpu = one.rounds.map((round) => round.cpuUsPerRequest);
    return [
      one.label,
      median(cpu).toFixed(1),
      one.ratio === undefined ? '-' : one.ratio.toFixed(2),
      `${Math.min(...cpu).toFixed(1)} to ${Math.max(...cpu).toFixed(1)}`,
      of((round) => round.requestsPerSecond).toFixed(0),
      milliseconds(of((round) => round.p50Us)),
      milliseconds(of((round) => round.p99Us)),
      megabytes(of((round) => round.residentBytes)),
    ];
  });
  return table(
    ['peer', 'CPU us/request', 'x nginx', 'lowest to highest', 'requests/s', 'p50', 'p99', 'memory'],
    rows,
  );
}

function table(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')));
  const widths = names.map((name, column) =>
    Math.max(name.length, 3, ...cells.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [
    line(names),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
    ...cells.map(line),
  ].join('\n');
}

function milliseconds(us: number): string {
  return `${(us / 1000).toFixed(us < 10_000 ? 2 : 0)} ms`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MB`;
}
