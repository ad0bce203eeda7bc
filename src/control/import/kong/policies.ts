import type { Writable } from '../draft.ts';
import type { Entry } from '../entry.ts';
import type { KongPlugin } from './model.ts';

/** What a plugin became; undefined where it cannot be carried over, which is told. */
type Converter = (config: Entry) => Writable | undefined;

const PERIODS = [
  ['second', 's'],
  ['minute', 'min'],
  ['hour', 'h'],
  ['day', 'd'],
] as const;

/** Plugins with a policy that does the same, but for those that authenticate. */
export const CONVERTERS: ReadonlyMap<string, Converter> = new Map<string, Converter>([
  ['rate-limiting', rateLimit],
  ['request-size-limiting', requestSize],
  ['cors', cors],
  ['ip-restriction', addresses],
  ['acl', groups],
  ['bot-detection', bots],
  ['correlation-id', correlation],
  ['request-transformer', requestTransformer],
  ['response-transformer', responseTransformer],
  ['request-termination', termination],
]);

/** Plugins that protect nothing: without one of them a route does less, and lets in nobody else. */
export const HARMLESS: ReadonlyMap<string, string> = new Map([
  [
    'http-log',
    'the access log is written to a file or a stream, from where a collector takes it: docs/observability.md',
  ],
  ['file-log', 'observability.accessLog says where the access log goes: docs/observability.md'],
  ['tcp-log', 'observability.accessLog says where the access log goes: docs/observability.md'],
  ['udp-log', 'observability.accessLog says where the access log goes: docs/observability.md'],
  ['syslog', 'observability.accessLog says where the access log goes: docs/observability.md'],
  ['loggly', 'observability.accessLog says where the access log goes: docs/observability.md'],
  ['prometheus', 'the admin port has /metrics: docs/observability.md'],
  ['statsd', 'the admin port has /metrics: docs/observability.md'],
  ['datadog', 'the admin port has /metrics: docs/observability.md'],
  ['zipkin', 'observability.tracing sends spans by OTLP: docs/observability.md'],
  ['opentelemetry', 'observability.tracing sends spans by OTLP: docs/observability.md'],
  ['proxy-cache', 'leave caching to the service or to what stands in front'],
  ['response-ratelimiting', 'rate-limit takes its cost from a field of the answer: docs/rate-limits.md'],
  ['grpc-web', ''],
  ['grpc-gateway', ''],
  ['aws-lambda', ''],
  ['azure-functions', ''],
]);

export function convertPlugin({ name, config }: KongPlugin): Writable | undefined {
  const policy = CONVERTERS.get(name)?.(config);
  config.rest(`the plugin ${name}`);
  return policy;
}

function rateLimit(config: Entry): Writable {
  const limits = PERIODS.flatMap(([period, unit]) => {
    const count = config.number(period);
    return count === undefined ? [] : [`${count}/${unit}`];
  });
  const month = config.number('month');
  if (month !== undefined) limits.push(`${month}/30d`);
  if (config.has('year'))
    config.lost('year', 'a year is longer than limits count', 'use a quota of a plan: docs/plans.md');
  const by = config.text('limit_by') ?? 'consumer';
  const header = config.text('header_name');
  const hides = config.flag('hide_client_headers') === true;
  config.ignore(
    'policy',
    'fault_tolerant',
    'redis',
    'redis_host',
    'redis_port',
    'redis_password',
    'redis_database',
    'redis_timeout',
    'redis_ssl',
    'redis_ssl_verify',
    'redis_server_name',
    'redis_username',
    'sync_rate',
    'path',
  );
  const key =
    by === 'ip'
      ? 'address'
      : by === 'credential'
        ? 'consumer'
        : by === 'header' && header !== undefined
          ? { header }
          : by;
  if (!['ip', 'credential', 'consumer', 'service'].includes(by) && typeof key === 'string') {
    config.lost('limit_by', `requests are not counted by ${by} here, so they are counted by address`);
    return { 'rate-limit': { limits, key: 'address', headers: hides ? [] : ['standard', 'legacy'] } };
  }
  return { 'rate-limit': { limits, key, headers: hides ? [] : ['standard', 'legacy'] } };
}

const SIZE_UNITS: Readonly<Record<string, string>> = { megabytes: 'mb', kilobytes: 'kb', bytes: 'b' };

function requestSize(config: Entry): Writable {
  const size = config.number('allowed_payload_size') ?? 128;
  const unit = SIZE_UNITS[config.text('size_unit') ?? 'megabytes'] ?? 'mb';
  config.ignore('require_content_length');
  return { 'request-size': { max: `${size}${unit}` } };
}

function cors(config: Entry): Writable {
  const headers = config.texts('headers');
  const exposeHeaders = config.texts('exposed_headers');
  const maxAge = config.number('max_age');
  const credentials = config.flag('credentials') ?? false;
  if (config.flag('preflight_continue') === true)
    config.lost('preflight_continue', 'preflights are answered here and do not reach the service');
  if (headers === undefined && credentials)
    config.findings.lost(
      config.path,
      'Kong lets pages set the fields that they ask for; with credentials these have to be listed: headers',
    );
  return {
    cors: {
      origins: config.texts('origins') ?? ['*'],
      methods: config.texts('methods') ?? ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS'],
      // A star alone is no Authorization: Fetch standard, section "CORS protocol".
      ...(headers ? { headers } : !credentials && { headers: ['*', 'authorization'] }),
      ...(exposeHeaders && { exposeHeaders }),
      ...(credentials && { credentials }),
      ...(maxAge !== undefined && { maxAge: `${maxAge}s` }),
      ...(config.flag('private_network') === true && { privateNetwork: true }),
    },
  };
}

function addresses(config: Entry): Writable {
  const allow = config.texts('allow') ?? config.texts('whitelist');
  const deny = config.texts('deny') ?? config.texts('blacklist');
  config.ignore('status', 'message');
  return { 'ip-filter': { ...(allow?.length && { allow }), ...(deny?.length && { deny }) } };
}

function groups(config: Entry): Writable {
  const allow = config.texts('allow') ?? config.texts('whitelist');
  const deny = config.texts('deny') ?? config.texts('blacklist');
  config.ignore('hide_groups_header', 'include_consumer_groups', 'always_use_authenticated_groups');
  return { authorize: { groups: { ...(allow?.length && { allow }), ...(deny?.length && { deny }) } } };
}

function bots(config: Entry): Writable | undefined {
  const deny = config.texts('deny') ?? config.texts('blacklist') ?? [];
  if (config.has('allow') || config.has('whitelist'))
    config.lost('allow', 'exceptions are not carried over', 'request-filter has allow and prefer: allow');
  config.findings.lost(
    config.path.slice(0, -1),
    'the list of bots that comes with Kong is not carried over',
    'threat-guard refuses the obvious ones',
  );
  if (deny.length === 0) return {};
  return { 'request-filter': { deny: deny.map((pattern) => ({ userAgent: { pattern } })) } };
}

function correlation(config: Entry): Writable {
  const name = config.text('header_name') ?? 'Kong-Request-ID';
  const echoes = config.flag('echo_downstream') === true;
  config.ignore('generator');
  config.findings.note(
    config.path.slice(0, -1),
    `${name} is always the id of the gateway's own: one that a client sends is replaced`,
    'forwarding.trust and forwarding.requestId of a listener say whose ids are believed',
  );
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the gateway's own templates
  const set = { [name]: '${request.id}' };
  return { headers: { request: { set }, ...(echoes && { response: { set } }) } };
}

function termination(config: Entry): Writable | undefined {
  const status = config.number('status_code') ?? 503;
  const message = config.text('message');
  const contentType = config.text('content_type');
  const body = config.text('body') ?? (message === undefined ? undefined : JSON.stringify({ message }));
  if (config.has('trigger') || config.flag('echo') === true) {
    config.lost(
      'trigger',
      'an answer for some of the requests only is not carried over',
      'match the requests by a route of their own',
    );
    return undefined;
  }
  return {
    respond: {
      status,
      ...(body !== undefined && { body: body.replaceAll('${', '$ {') }),
      ...(contentType === undefined
        ? message !== undefined && { contentType: 'application/json' }
        : { contentType }),
    },
  };
}

/** `name:value` each. */
function pairs(list: readonly string[] | undefined): [string, string][] {
  return (list ?? []).map((text) => {
    const colon = text.indexOf(':');
    return colon < 0 ? [text, ''] : [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
  });
}

/** Kong's own templates mean nothing here. */
function plainPairs(entry: Entry, key: string): Record<string, string> {
  const written = pairs(entry.texts(key));
  const plain = written.filter(([, value]) => !value.includes('$('));
  if (plain.length < written.length)
    entry.lost(key, 'values with $(...) are not carried over', 'write them with ${...}: docs/policies.md');
  return Object.fromEntries(plain);
}

function isFilled(value: object): boolean {
  return Object.keys(value).length > 0;
}

function requestTransformer(config: Entry): Writable {
  const [remove, add, append, replace] = ['remove', 'add', 'append', 'replace'].map((key) =>
    config.entryOrEmpty(key),
  ) as [Entry, Entry, Entry, Entry];
  const removed = remove.texts('headers') ?? [];
  const set = plainPairs(add, 'headers');
  const added = plainPairs(append, 'headers');
  const query = {
    remove: remove.texts('querystring') ?? [],
    set: plainPairs(add, 'querystring'),
    add: plainPairs(append, 'querystring'),
  };
  const method = config.text('http_method');
  if (isFilled(set) || isFilled(query.set))
    config.findings.note(
      add.path,
      'Kong adds a field only where the client sent none; here it replaces what the client sent',
    );
  for (const entry of [remove, add, append, replace]) entry.rest('request-transformer');
  const hasQuery = query.remove.length > 0 || isFilled(query.set) || isFilled(query.add);
  return {
    ...((removed.length > 0 || isFilled(set) || isFilled(added)) && {
      headers: {
        request: {
          ...(removed.length > 0 && { remove: removed }),
          ...(isFilled(set) && { set }),
          ...(isFilled(added) && { add: added }),
        },
      },
    }),
    ...((hasQuery || method !== undefined) && {
      rewrite: { ...(hasQuery && { query }), ...(method !== undefined && { method: method.toUpperCase() }) },
    }),
  };
}

function responseTransformer(config: Entry): Writable {
  const [remove, add, append, replace] = ['remove', 'add', 'append', 'replace'].map((key) =>
    config.entryOrEmpty(key),
  ) as [Entry, Entry, Entry, Entry];
  const removed = remove.texts('headers') ?? [];
  const fields = {
    default: plainPairs(add, 'headers'),
    add: plainPairs(append, 'headers'),
    set: plainPairs(replace, 'headers'),
  };
  if (isFilled(fields.set))
    config.findings.note(
      replace.path,
      'Kong replaces a field only where the answer has it; here it is always set',
    );
  for (const entry of [remove, add, append, replace]) entry.rest('response-transformer');
  const response = {
    ...(removed.length > 0 && { remove: removed }),
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => isFilled(value))),
  };
  return isFilled(response) ? { headers: { response } } : {};
}
