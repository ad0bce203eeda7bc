import { median } from './bench.ts';
import type { IdleOutcome } from './measure-idle.ts';
import type { LoadOutcome } from './measure-load.ts';
import type { ManagedOutcome } from './measure-managed.ts';
import type { ReloadOutcome } from './measure-reload.ts';
import { NODE_PROXIES } from './peers/all.ts';
import { UNGUARDED } from './scenarios.ts';

export type Outcome =
  | {
      readonly kind: 'load';
      readonly scenario: string;
      readonly title: string;
      readonly contenders: readonly LoadOutcome[];
    }
  | {
      readonly kind: 'idle';
      readonly scenario: string;
      readonly title: string;
      readonly peers: readonly IdleOutcome[];
    }
  | {
      readonly kind: 'reload';
      readonly scenario: string;
      readonly title: string;
      readonly peers: readonly ReloadOutcome[];
    }
  | {
      readonly kind: 'managed';
      readonly scenario: string;
      readonly title: string;
      readonly peers: readonly ManagedOutcome[];
    };

/** `met` is undefined when the run did not measure it. */
export interface Target {
  readonly what: string;
  readonly atMost: string;
  readonly measured: string;
  readonly met: boolean | undefined;
}

/** What the gateway is to reach, and what this run says of it. Ratios are of CPU time per request, within the run. */
export function targets(outcomes: readonly Outcome[]): Target[] {
  return [
    ratio(outcomes, 'Short answer, keep-alive, access log and metrics on', 'plain', 1.4),
    ratio(outcomes, 'TLS 1.3', 'tls', 1),
    ratio(outcomes, 'Answer of 1 MiB, streamed', 'large-answer', 0.8),
    routes(outcomes),
    resilient(outcomes),
    added(outcomes, 'A rate limit in memory adds', 'limited', 1),
    added(outcomes, 'A cached JWT adds', 'jwt', 3),
    added(outcomes, 'An API key adds', 'api-key', 3),
    added(outcomes, 'A session in memory adds', 'session', 5),
    ...NODE_PROXIES.map((name) => nodeProxy(outcomes, name)),
    ...reload(outcomes),
    ...managed(outcomes),
    idle(outcomes),
  ];
}

function verdict(
  what: string,
  limit: number,
  value: number | undefined,
  show: (value: number) => string,
): Target {
  const measured = value === undefined ? 'not measured' : show(value);
  return { what, atMost: show(limit), measured, met: value === undefined ? undefined : value <= limit };
}

function contender(outcomes: readonly Outcome[], scenario: string, label: string): LoadOutcome | undefined {
  const outcome = outcomes.find((one) => one.scenario === scenario);
  return outcome?.kind === 'load' ? outcome.contenders.find((one) => one.label === label) : undefined;
}

function ratio(outcomes: readonly Outcome[], what: string, scenario: string, limit: number): Target {
  return verdict(
    what,
    limit,
    contender(outcomes, scenario, 'portcullis')?.ratio,
    (value) => `${value.toFixed(2)} x nginx`,
  );
}

/** Median over the rounds of `a`'s CPU time to `b`'s in the same round. */
function byRound(a: LoadOutcome | undefined, b: LoadOutcome | undefined): number | undefined {
  const ratios = (a?.rounds ?? []).flatMap((round, index) => {
    const other = b?.rounds[index];
    return other === undefined ? [] : [round.cpuUsPerRequest / other.cpuUsPerRequest];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}

function routes(outcomes: readonly Outcome[]): Target {
  const many = contender(outcomes, 'routes', 'portcullis, 10000 routes');
  const few = contender(outcomes, 'routes', 'portcullis, 10 routes');
  return verdict('10,000 routes against 10', 1.1, byRound(many, few), (value) => `${value.toFixed(2)} x`);
}

function resilient(outcomes: readonly Outcome[]): Target {
  const guarded = contender(outcomes, 'resilient', 'portcullis, resilient');
  const plain = contender(outcomes, 'resilient', 'portcullis, three targets');
  const what = 'Least requests, outlier detection, breakers and retries against none';
  return verdict(what, 1.15, byRound(guarded, plain), (value) => `${value.toFixed(2)} x`);
}

/** What a policy adds to the same process without it, in the same rounds. */
function added(outcomes: readonly Outcome[], what: string, scenario: string, limitUs: number): Target {
  const { rounds = [] } = contender(outcomes, scenario, `portcullis, ${scenario}`) ?? {};
  const { rounds: others = [] } = contender(outcomes, scenario, UNGUARDED) ?? {};
  const differences = rounds.flatMap((round, index) => {
    const other = others[index];
    return other === undefined ? [] : [round.cpuUsPerRequest - other.cpuUsPerRequest];
  });
  const value = differences.length === 0 ? undefined : median(differences);
  const verdictOnMedian = verdict(what, limitUs, value, (us) => `${us.toFixed(1)} us`);
  if (value === undefined || differences.length < 2) return verdictOnMedian;
  return {
    ...verdictOnMedian,
    measured: `${value.toFixed(1)} us ± ${errorOfMedian(differences).toFixed(1)}`,
  };
}

/** Standard error of the median of values that scatter normally: by how much another run may well differ. */
function errorOfMedian(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return Math.sqrt(((Math.PI / 2) * variance) / values.length);
}

function nodeProxy(outcomes: readonly Outcome[], name: string): Target {
  const value = byRound(contender(outcomes, 'plain', 'portcullis'), contender(outcomes, 'plain', name));
  return verdict(`Cost against ${name}`, 1 / 3, value, (share) => `${share.toFixed(2)} x`);
}

function reload(outcomes: readonly Outcome[]): Target[] {
  const found = outcomes.find((one) => one.kind === 'reload');
  const one = found?.peers.find((peer) => peer.peer === 'portcullis' && peer.reloadMs.length > 0);
  const name = 'Reload of 10,000 routes under load';
  return [
    verdict(`${name}: failed requests`, 0, one?.failedRequests, String),
    verdict(`${name}: dropped WebSockets`, 0, one?.droppedWebSockets, String),
    verdict(`${name}: longest reload`, 1000, one && Math.max(...one.reloadMs), (ms) => `${ms.toFixed(0)} ms`),
  ];
}

function managed(outcomes: readonly Outcome[]): Target[] {
  const found = outcomes.find((one) => one.kind === 'managed');
  const one = found?.peers.find((peer) => peer.peer === 'portcullis' && peer.changeMs.length > 0);
  const show = (ms: number) => `${ms.toFixed(0)} ms`;
  return [
    // Of 48: the one or two in which the garbage of the changes before is collected stand in the table, as the slowest.
    verdict('Page of 10,000 APIs in a store, 95 of 100', 100, one && percentile(one.pageMs, 0.95), show),
    verdict('Slowest change of one of them', 1000, one && Math.max(...one.changeMs), show),
    verdict('Failed requests meanwhile', 0, one?.failedRequests, String),
  ];
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}

function idle(outcomes: readonly Outcome[]): Target {
  const found = outcomes.find((one) => one.kind === 'idle');
  const bytes = found?.peers.find((peer) => peer.peer === 'portcullis')?.bytesPerConnection;
  return verdict(
    'Memory of an idle keep-alive connection',
    8192,
    bytes,
    (value) => `${(value / 1024).toFixed(1)} kB`,
  );
}
