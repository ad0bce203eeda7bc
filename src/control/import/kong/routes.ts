import { isRecord } from '../../../lib/is-record.ts';
import type { ImportContext } from '../context.ts';
import type { Writable } from '../draft.ts';
import type { Entry } from '../entry.ts';
import type { OrderedRoute } from '../order.ts';
import { pathsOfRegex } from '../regex-paths.ts';
import { HTTP, type KongRoute } from './model.ts';
import type { NativeService } from './services.ts';

/** What of a route's paths become one native route. */
interface PathGroup {
  readonly paths: readonly string[] | undefined;
  /** Whether all end in a star. */
  readonly isPrefix: boolean;
  /** Whether they were expressions. */
  readonly isRegex: boolean;
  /** Expressions of which at least one has to be found in the path, where the paths alone take more. */
  readonly patterns: readonly string[];
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the gateway's own templates
const REQUEST_PATH = '${request.path}';

/**
 * Carries a route over, as one native route or several; `policies` are those that apply to it. A condition that cannot be carried over takes
 * the route with it: without the condition it would take requests that were never meant for it. Gives the native routes.
 */
export function importRoute(
  { entry, name }: KongRoute,
  service: NativeService | undefined,
  policies: readonly Writable[],
  marksRegexes: boolean,
  { draft, findings }: ImportContext,
): OrderedRoute[] {
  const groups = pathGroups(entry, name, marksRegexes);
  const match = matchOf(entry, name);
  const protocols = entry.texts('protocols') ?? HTTP;
  const strips = entry.flag('strip_path') ?? true;
  const preserves = entry.flag('preserve_host') ?? false;
  const status = entry.number('https_redirect_status_code') ?? 426;
  const priority = entry.number('regex_priority') ?? 0;
  entry.ignore('path_handling', 'request_buffering', 'response_buffering');
  entry.rest(`the route ${name}`);
  const spoken = HTTP.filter((protocol) => protocols.includes(protocol));
  if (spoken.length === 0) {
    findings.lost(
      entry.at('protocols'),
      `${protocols.join(', ')} are not routed here, so the route ${name} is left out`,
    );
    return [];
  }
  if (groups === undefined || match === undefined || (service === undefined && !answers(policies))) return [];
  const made: OrderedRoute[] = [];
  for (const group of groups) {
    for (const headers of match.headers) {
      const matched = {
        ...match.rest,
        ...(group.paths && { paths: group.paths }),
        ...(Object.keys(headers).length > 0 && { headers }),
      };
      const value: Writable = {
        match: { ...matched, ...(spoken.length === 1 && { protocols: spoken }) },
        policies: [...filterOf(group), ...rewriteOf(group, service, strips, policies)],
        ...(service === undefined ? { respond: { status: 503 } } : { service: service.named(preserves) }),
        ...nativeRewrite(group, service, strips),
      };
      const isRegex = group.patterns.length > 0 || group.isRegex;
      const rank = rankOf(matched, isRegex, priority);
      const add = (wanted: string, route: Writable): string => {
        const native = draft.add('routes', wanted, route, entry.path);
        made.push({ name: native, value: route, origin: entry.path, rank });
        return native;
      };
      const native = add(name, value);
      if (spoken.length === 1 && spoken[0] === 'https')
        add(`${native}-http`, { match: { ...matched, protocols: ['http'] }, ...refusal(status) });
    }
  }
  return made;
}

/**
 * Kong asks routes first that match by more kinds of things, then those with more fields, with exact hosts, with expressions, by their
 * `regex_priority`.
 */
function rankOf(match: Writable, isRegex: boolean, regexPriority: number): number[] {
  const { headers, hosts } = match;
  const hasWildcard = Array.isArray(hosts) && hosts.some((host) => String(host).startsWith('*'));
  return [
    -['hosts', 'methods', 'headers', 'paths'].filter((kind) => match[kind] !== undefined).length,
    -(isRecord(headers) ? Object.keys(headers).length : 0),
    hasWildcard ? 1 : 0,
    isRegex ? 0 : 1,
    isRegex ? -regexPriority : 0,
  ];
}

/** Whether one of the policies answers by itself, so that no service is needed. */
function answers(policies: readonly Writable[]): boolean {
  return policies.some((policy) => 'respond' in policy);
}

function refusal(status: number): Writable {
  if ([301, 302, 307, 308].includes(status)) return { redirect: { status, scheme: 'https' } };
  return { respond: { status: 426, body: 'Please use HTTPS.\n', headers: { upgrade: 'TLS/1.2, HTTP/1.1' } } };
}

/** What the paths alone cannot say is asked for by the expression itself. */
function filterOf({ patterns }: PathGroup): Writable[] {
  if (patterns.length === 0) return [];
  return [
    {
      'request-filter': { allow: patterns.map((pattern) => ({ path: { pattern } })), code: 'path_not_taken' },
    },
  ];
}

function nativeRewrite(group: PathGroup, service: NativeService | undefined, strips: boolean): Writable {
  if (service === undefined || !strips || group.paths === undefined) return {};
  return { rewrite: { path: group.isPrefix ? `${service.basePath}/*` : service.basePath || '/' } };
}

/** Where nothing is stripped, the path of the service stands before the whole. */
function rewriteOf(
  group: PathGroup,
  service: NativeService | undefined,
  strips: boolean,
  policies: readonly Writable[],
): readonly Writable[] {
  if (service === undefined || service.basePath === '' || (strips && group.paths !== undefined))
    return policies;
  return [...policies, { rewrite: { path: service.basePath + REQUEST_PATH } }];
}

function pathGroups(entry: Entry, name: string, marksRegexes: boolean): PathGroup[] | undefined {
  const paths = entry.texts('paths');
  if (paths === undefined || paths.length === 0)
    return [{ paths: undefined, isPrefix: true, isRegex: false, patterns: [] }];
  const prefixes: string[] = [];
  const regexPrefixes: string[] = [];
  const exact: string[] = [];
  const filtered: PathGroup[] = [];
  for (const [index, written] of paths.entries()) {
    const regex = regexOf(written, marksRegexes);
    const place = [...entry.at('paths'), index];
    const noteBare = (path: string): void =>
      entry.findings.note(place, `became ${path}, which takes ${path.slice(0, -2)} too`);
    if (regex === undefined) {
      const path = `${written.replace(/\/+$/, '')}/*`;
      if (written.endsWith('/') && path !== '/*') noteBare(path);
      prefixes.push(path);
      continue;
    }
    const made = pathsOfRegex(regex);
    if (made === undefined) {
      entry.findings.lost(
        place,
        `the expression ${JSON.stringify(regex.slice(0, 100))} cannot be said with segments, captures and a star at the end, and is left out`,
        'write paths such as /users/{id} or /files/*',
      );
      continue;
    }
    for (const { path, wider, narrower, bare } of made) {
      if (narrower)
        entry.findings.lost(
          place,
          `became ${path}, which ends at a slash: what follows within the same segment is not taken`,
        );
      if (wider) {
        entry.findings.lost(
          place,
          `became ${path}, with the expression as a filter: what it does not take is refused with 403, and goes to no other route`,
        );
        filtered.push({
          paths: [path],
          isPrefix: path.endsWith('/*'),
          isRegex: true,
          patterns: [`^${regex.replace(/^\^/, '')}`],
        });
      } else {
        if (bare) noteBare(path);
        (path.endsWith('/*') ? regexPrefixes : exact).push(path);
      }
    }
  }
  const groups = [
    { paths: [...new Set(prefixes)], isPrefix: true, isRegex: false, patterns: [] },
    { paths: [...new Set(regexPrefixes)], isPrefix: true, isRegex: true, patterns: [] },
    { paths: [...new Set(exact)], isPrefix: false, isRegex: true, patterns: [] },
    ...filtered,
  ].filter(({ paths: made }) => made === undefined || made.length > 0);
  if (groups.length > 0) return groups;
  entry.findings.lost(
    entry.path,
    `none of the paths of the route ${name} can be carried over, so it is left out`,
  );
  return undefined;
}

/** Before 3.0 a path is an expression when it has a character that paths seldom have. */
function regexOf(path: string, marksRegexes: boolean): string | undefined {
  if (marksRegexes) return path.startsWith('~') ? path.slice(1) : undefined;
  return /^[A-Za-z0-9._~/%-]*$/.test(path) ? undefined : path;
}

interface RouteMatch {
  readonly rest: Writable;
  /** Each is one way to match: a native route takes one value of a field. */
  readonly headers: readonly Readonly<Record<string, string>>[];
}

const MAX_HEADER_WAYS = 16;

function matchOf(entry: Entry, name: string): RouteMatch | undefined {
  let isSound = true;
  const drop = (key: string, message: string): void => {
    entry.lost(key, `${message}, so the route ${name} is left out`);
    isSound = false;
  };
  for (const key of ['snis', 'sources', 'destinations', 'expression'])
    if (entry.has(key)) drop(key, `routes are not chosen by ${key} here`);
  const hosts = entry.texts('hosts')?.map((host) => host.toLowerCase());
  const kept = hosts?.filter((host) => /^(?:\*\.)?[^*:]+$/.test(host));
  if (hosts !== undefined && kept?.length !== hosts.length) {
    if (kept?.length === 0) drop('hosts', 'a host with a port, or with a star at its end, cannot be matched');
    else
      entry.lost('hosts', 'a host with a port, or with a star at its end, cannot be matched and is left out');
  }
  const methods = entry.texts('methods')?.map((method) => method.toUpperCase());
  const written = entry.raw('headers');
  let headers: Readonly<Record<string, string>>[] = [{}];
  for (const [field, values] of Object.entries(isRecord(written) ? written : {})) {
    const list = (Array.isArray(values) ? values : [values]).map(String);
    if (list.some((value) => value.startsWith('~*')))
      drop('headers', `the field ${field} is matched by an expression`);
    headers = headers.flatMap((way) => list.map((value) => ({ ...way, [field.toLowerCase()]: value })));
    if (headers.length > MAX_HEADER_WAYS) {
      drop('headers', 'there are too many values of fields');
      break;
    }
  }
  if (!isSound) return undefined;
  return {
    rest: {
      ...(kept && kept.length > 0 && { hosts: kept }),
      ...(methods && methods.length > 0 && { methods }),
    },
    headers,
  };
}
