import type { ImportContext } from '../context.ts';
import { type Draft, nameOf, type Writable } from '../draft.ts';
import type { Entry } from '../entry.ts';
import type { KongModel, KongService } from './model.ts';
import { keptSecret } from './secrets.ts';

/** What routes need of a service that was carried over. */
export interface NativeService {
  /** Of one that sees the client's own host, or its target's; made when it is first asked for. */
  readonly named: (preservesHost: boolean) => string;
  /** Stands before the path that the service sees; without a slash at its end. */
  readonly basePath: string;
}

/** Carries a service over, with its upstream; undefined where it cannot be, which is told. */
export function importService(
  { entry, name }: KongService,
  model: KongModel,
  { draft, findings }: ImportContext,
): NativeService | undefined {
  const url = addressOf(entry);
  const isEnabled = entry.flag('enabled') !== false;
  const upstream = model.upstreams.find((each) => each.name !== '' && each.name === url?.host);
  const value: Writable = {
    ...(url &&
      (upstream === undefined
        ? { url: `${url.scheme}://${url.host}:${url.port}` }
        : targetsOf(upstream, url.scheme))),
    ...timeoutsOf(entry),
    ...retryOf(entry),
    ...(url?.scheme === 'https' && tlsOf(entry, model, nameOf(name), draft)),
  };
  entry.rest(`the service ${name}`);
  if (url === undefined) return undefined;
  if (!isEnabled) {
    findings.note(entry.at('enabled'), `the service ${name} is switched off: it and its routes are left out`);
    return undefined;
  }
  const sent = upstream?.entry.text('host_header') ?? (upstream === undefined ? 'target' : url.host);
  const made = new Map<boolean, string>();
  const base = nameOf(name);
  return {
    basePath: url.path,
    named(preservesHost) {
      let native = made.get(preservesHost);
      if (native === undefined) {
        const host = preservesHost ? 'preserve' : sent;
        native = draft.add(
          'services',
          made.size === 0 ? base : `${base}-${preservesHost ? 'preserving' : 'own'}-host`,
          { ...value, host },
          entry.path,
        );
        made.set(preservesHost, native);
      }
      return native;
    },
  };
}

interface Address {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

function addressOf(entry: Entry): Address | undefined {
  const written = entry.text('url');
  const parsed = written === undefined ? undefined : URL.parse(written);
  if (written !== undefined && (parsed === null || parsed === undefined))
    return refuse(entry, ['url'], 'is no address');
  const protocol = entry.text('protocol') ?? parsed?.protocol.slice(0, -1) ?? 'http';
  const host = entry.text('host') ?? parsed?.hostname;
  const path = entry.text('path') ?? parsed?.pathname ?? '/';
  const port = entry.number('port') ?? Number(parsed?.port || (protocol === 'https' ? 443 : 80));
  if (protocol !== 'http' && protocol !== 'https')
    return refuse(
      entry,
      ['protocol', 'url'],
      `${protocol} is not spoken to services, so the service and its routes are left out`,
    );
  if (host === undefined || host === '')
    return refuse(entry, ['host', 'url'], 'has no host, so the service and its routes are left out');
  return { scheme: protocol, host, port, path: path.replace(/\/+$/, '') };
}

/** At the first of the keys that is there. */
function refuse(entry: Entry, keys: readonly string[], message: string): undefined {
  const key = keys.find((each) => entry.has(each));
  entry.findings.lost(key === undefined ? entry.path : entry.at(key), message);
}

/** Of each timeout of Kong's, and of those here but for `connect`. */
const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_RETRIES = 5;

function timeoutsOf(entry: Entry): Writable {
  const connect = entry.number('connect_timeout') ?? DEFAULT_TIMEOUT_MS;
  const read = entry.number('read_timeout') ?? DEFAULT_TIMEOUT_MS;
  const idle = Math.max(read, entry.number('write_timeout') ?? DEFAULT_TIMEOUT_MS);
  return {
    timeouts: {
      connect: `${connect}ms`,
      ...(read !== DEFAULT_TIMEOUT_MS && { firstByte: `${read}ms` }),
      ...(idle !== DEFAULT_TIMEOUT_MS && { idle: `${idle}ms` }),
    },
  };
}

function retryOf(entry: Entry): Writable {
  const retries = entry.number('retries') ?? DEFAULT_RETRIES;
  if (retries <= 0) return {};
  if (retries > 9)
    entry.findings.lost(entry.at('retries'), `${retries} retries become 9, the most there are`);
  return { retry: { attempts: Math.min(retries, 9) + 1, on: ['connect', 'reset', 'timeout'] } };
}

function tlsOf(entry: Entry, model: KongModel, name: string, draft: Draft): Writable {
  const verify = entry.flag('tls_verify');
  const authorities = entry.texts('ca_certificates') ?? [];
  const wanted = entry.raw('client_certificate');
  const id = typeof wanted === 'object' && wanted !== null && 'id' in wanted ? wanted.id : wanted;
  const pair =
    id === undefined ? undefined : model.certificates.find((each) => each.entry.raw('id') === id)?.entry;
  if (id !== undefined && pair === undefined)
    entry.lost('client_certificate', 'there is no such certificate');
  if (verify === undefined)
    entry.findings.note(
      entry.path,
      'Kong does not verify the certificate of this service unless told to; here it is verified',
      'where its certificate is of your own authority, name that in tls.ca',
    );
  const ca = model.authorities
    .filter((each) => authorities.includes(String(each.raw('id'))))
    .flatMap((each) => each.text('cert') ?? []);
  if (ca.length < authorities.length) entry.lost('ca_certificates', 'names an authority that is not there');
  const key = pair?.text('key');
  const tls = {
    ...(verify === false && { verify: false }),
    ...(ca.length > 0 && { ca: ca.join('\n') }),
    ...(key !== undefined && { cert: pair?.text('cert'), key: keptSecret(draft, `${name}_client_key`, key) }),
  };
  return Object.keys(tls).length === 0 ? {} : { tls };
}

const MAX_WEIGHT = 1000;

function targetsOf({ entry, name, targets }: KongModel['upstreams'][number], scheme: string): Writable {
  const written = targets.map((target) => {
    target.ignore('id', 'tags', 'created_at', 'updated_at', 'upstream');
    const address = target.text('target') ?? '';
    const weight = target.number('weight') ?? 100;
    target.rest(`a target of ${name}`);
    return { url: `${scheme}://${/:\d+$/.test(address) ? address : `${address}:8000`}`, weight };
  });
  const most = Math.max(MAX_WEIGHT, ...written.map(({ weight }) => weight));
  const scaled = written.map(({ url, weight }) => ({
    url,
    weight: weight <= 0 ? 0 : Math.max(1, Math.round((weight * MAX_WEIGHT) / most)),
  }));
  if (targets.length === 0) entry.findings.lost(entry.path, `the upstream ${name} has no target`);
  const value = { targets: scaled, ...balanceOf(entry), ...healthOf(entry.entryOrEmpty('healthchecks')) };
  entry.ignore('slots', 'host_header', 'use_srv_name');
  entry.rest(`the upstream ${name}`);
  return value;
}

function balanceOf(entry: Entry): Writable {
  const algorithm = entry.text('algorithm') ?? 'round-robin';
  const hashOn = entry.text('hash_on') ?? 'none';
  const header = entry.text('hash_on_header');
  const cookie = entry.text('hash_on_cookie');
  entry.ignore('hash_on_cookie_path');
  if (algorithm === 'least-connections') return { balance: { algorithm: 'least-requests' } };
  if (algorithm === 'latency') return { balance: { algorithm: 'peak-ewma' } };
  if (algorithm !== 'consistent-hashing' && hashOn === 'none') return {};
  const hash =
    hashOn === 'ip'
      ? { address: true }
      : hashOn === 'header' && header !== undefined
        ? { header }
        : hashOn === 'cookie' && cookie !== undefined
          ? { cookie }
          : undefined;
  if (hash !== undefined) return { balance: { algorithm: 'hash', hash } };
  entry.lost('hash_on', `requests are not spread by ${hashOn} here, so they go to the targets in turn`);
  return {};
}

function healthOf(checks: Entry): Writable {
  const active = checks.entryOrEmpty('active');
  const passive = checks.entryOrEmpty('passive');
  const health = { ...activeOf(active), ...passiveOf(passive) };
  checks.ignore('threshold');
  return Object.keys(health).length === 0 ? {} : { health };
}

function activeOf(active: Entry): Writable {
  const healthy = active.entryOrEmpty('healthy');
  const unhealthy = active.entryOrEmpty('unhealthy');
  const intervals = [healthy.number('interval'), unhealthy.number('interval')].filter(
    (each) => each !== undefined && each > 0,
  );
  const type = active.text('type') ?? 'http';
  const path = active.text('http_path') ?? '/';
  const timeout = active.number('timeout') ?? 1;
  const statuses = healthy.raw('http_statuses');
  const schedule = {
    interval: `${Math.min(...intervals.map(Number))}s`,
    timeout: `${timeout}s`,
    ...(healthy.number('successes') && { healthyAfter: healthy.number('successes') }),
    ...((unhealthy.number('http_failures') || unhealthy.number('tcp_failures')) && {
      unhealthyAfter: unhealthy.number('http_failures') || unhealthy.number('tcp_failures'),
    }),
  };
  unhealthy.ignore('timeouts', 'http_statuses');
  active.ignore('concurrency', 'https_verify_certificate', 'https_sni');
  if (active.has('headers')) active.lost('headers', 'the fields of health checks are not carried over');
  if (intervals.length === 0) return {};
  if (type === 'tcp') return { active: { type: 'tcp', ...schedule } };
  const status = Array.isArray(statuses) ? statuses : [200, 302];
  return { active: { path, ...schedule, status } };
}

function passiveOf(passive: Entry): Writable {
  const unhealthy = passive.entryOrEmpty('unhealthy');
  const answers = unhealthy.number('http_failures') ?? 0;
  const failures = unhealthy.number('tcp_failures') ?? unhealthy.number('timeouts') ?? 0;
  passive.ignore('healthy', 'type');
  unhealthy.ignore('http_statuses', 'timeouts');
  if (answers <= 0 && failures <= 0) return {};
  return { passive: { consecutive5xx: answers, consecutiveLocalErrors: failures, successRate: false } };
}
