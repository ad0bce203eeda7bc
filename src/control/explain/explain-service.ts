import { durationText } from '../../lib/units.ts';
import type { ServiceSettings } from '../../upstream/service.ts';
import type { Place, PositionOf } from './place.ts';

/** One thing that a service does with requests, in a few words. */
export interface ExplainedSetting {
  readonly name: string;
  readonly text: string;
  readonly place: Place | undefined;
}

/** What the configuration says of a service beside its targets, in the order in which it counts for a request. No secret is in it. */
export function explainSettings(
  service: string,
  settings: ServiceSettings,
  positionOf: PositionOf,
): ExplainedSetting[] {
  const { discovery, limits, breaker, balance, sticky, health, retry, hedge, fallback } = settings;
  const explained: ExplainedSetting[] = [];
  const add = (name: string, text: string, ...path: string[]): void => {
    explained.push({ name, text, place: positionOf(['services', service, ...path]) });
  };
  if (discovery !== undefined) add('targets', discoveryText(discovery), 'discovery');
  const bounds = limitsText(limits);
  if (bounds !== '') add('limits', bounds, 'limits');
  if (breaker !== undefined) add('breaker', breakerText(breaker), 'breaker');
  if (sticky !== undefined) add('sticky', `by the cookie ${sticky.cookie}`, 'sticky');
  // Where there is one target, nothing is chosen.
  if (settings.targets.length !== 1) add('balance', balanceText(balance), 'balance');
  if (health?.active !== undefined) add('checks', checksText(health.active), 'health', 'active');
  if (health?.passive !== undefined) add('outliers', outliersText(health.passive), 'health', 'passive');
  if (retry !== undefined) add('retry', retryText(retry), 'retry');
  if (hedge !== undefined) add('hedge', `a second attempt after ${durationText(hedge.after)}`, 'hedge');
  if (fallback !== undefined) add('fallback', fallbackText(fallback), 'fallback');
  return explained;
}

type Of<Key extends keyof ServiceSettings> = NonNullable<ServiceSettings[Key]>;
type Health = Of<'health'>;

function discoveryText({ dns, file, consul, kubernetes, registry }: Of<'discovery'>): string {
  if (dns !== undefined) return `from DNS, the ${dns.type.toUpperCase()} records of ${dns.name}`;
  if (file !== undefined) return `from the file ${file.path}`;
  if (consul !== undefined) return `from Consul at ${consul.address}, the service ${consul.service}`;
  if (kubernetes !== undefined)
    return `from Kubernetes, the Service ${kubernetes.namespace}/${kubernetes.service}`;
  const tags = registry?.tags ?? [];
  return `those that register${tags.length === 0 ? '' : ` with ${tags.join(', ')}`}`;
}

function limitsText({ requests, pending, connections, adaptive }: Of<'limits'>): string {
  const parts = [
    requests > 0 ? `${requests} requests` : '',
    adaptive === undefined ? '' : `${adaptive.min} to ${adaptive.max} requests, by latency`,
    pending > 0 ? `${pending} that wait` : '',
    connections > 0 ? `${connections} connections` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function breakerText(breaker: Of<'breaker'>): string {
  const { scope, errorRatio, slowAfter, slowRatio, minRequests, window, consecutive, openFor } = breaker;
  const whose = {
    service: 'of the service',
    target: 'of each target',
    both: 'of the service and each target',
  };
  const slow =
    slowAfter === undefined ? '' : ` or ${percent(slowRatio)} slower than ${durationText(slowAfter)}`;
  const inARow = consecutive === undefined ? '' : `, or ${consecutive} failed in a row`;
  return `${whose[scope]}: open for ${durationText(openFor)} when ${percent(errorRatio)} failed${slow}, of ${minRequests} in ${durationText(window)}${inARow}`;
}

function balanceText({ algorithm, hash, slowStart, zone }: Of<'balance'>): string {
  const parts = [
    hash === undefined ? algorithm : `hash of ${hashText(hash)}`,
    zone === undefined ? '' : `zone ${zone} first`,
    slowStart > 0 ? `slow start over ${durationText(slowStart)}` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function hashText({ header, cookie, param }: NonNullable<Of<'balance'>['hash']>): string {
  if (header !== undefined) return `the header ${header}`;
  if (cookie !== undefined) return `the cookie ${cookie}`;
  return param === undefined ? "the client's address" : `{${param}} of the path`;
}

function checksText(active: NonNullable<Health['active']>): string {
  const { interval, healthyAfter, unhealthyAfter } = active;
  const what = active.type === 'tcp' ? 'a connection' : `${active.method} ${active.path}`;
  return `${what} every ${durationText(interval)}: down after ${unhealthyAfter} that fail, up after ${healthyAfter} that pass`;
}

function outliersText(passive: NonNullable<Health['passive']>): string {
  const { consecutive5xx, consecutiveGatewayErrors, consecutiveLocalErrors, successRate } = passive;
  const rules = [
    consecutive5xx > 0 ? `${consecutive5xx} answers 5xx in a row` : '',
    consecutiveGatewayErrors > 0 ? `${consecutiveGatewayErrors} gateway errors in a row` : '',
    consecutiveLocalErrors > 0 ? `${consecutiveLocalErrors} in a row without an answer` : '',
    successRate === false ? '' : 'a low success rate',
    passive.failurePercentage === undefined ? '' : `${passive.failurePercentage.threshold} % failed`,
  ].filter((rule) => rule !== '');
  const then = passive.shadow ? 'told only' : `out for ${durationText(passive.baseEjection)}`;
  return `${then} after ${rules.length === 0 ? 'nothing' : rules.join(', or ')}`;
}

function retryText({ attempts, on, methods, perTry }: Of<'retry'>): string {
  const which =
    methods === 'all' ? '' : `, for ${methods === 'idempotent' ? 'idempotent methods' : methods.join(', ')}`;
  const each = perTry > 0 ? `, each within ${durationText(perTry)}` : '';
  return `${attempts} attempts, after ${on.join(', ')}${which}${each}`;
}

function fallbackText({ respond, service }: Of<'fallback'>): string {
  return respond === undefined ? `the service ${service}` : `answer ${respond.status}, made here`;
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 1000) / 10} %`;
}
