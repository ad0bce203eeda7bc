import { z } from 'zod';
import { METRICS_CONTENT_TYPE } from '../../observability/metrics-hub.ts';
import type { AcmeStatus } from '../acme/keeper.ts';
import { type AdminAnswer, json, problem, text } from './answer.ts';
import { LOGIN_ENDPOINTS } from './authentication/login-endpoints.ts';
import {
  type AdminRequest,
  answered,
  type Endpoint,
  type GatewayControl,
  type QuestionedRequest,
  readJson,
} from './endpoint.ts';
import { QUOTA_ENDPOINTS } from './quota-endpoints.ts';
import { REGISTRY_ENDPOINTS } from './registry-endpoints.ts';

const PLAIN = { 200: { description: 'Text for people and tools', types: ['text/plain'] } };
const EXPLAINED = answered('The explanation', 'Explanation');

/** Every endpoint of the admin port outside `/v1` and `/docs`. GET endpoints answer HEAD too, and change nothing. */
export const ENDPOINTS: readonly Endpoint[] = [
  { method: 'GET', path: '/', summary: 'This list', access: 'public', answers: PLAIN, answer: list },
  {
    method: 'GET',
    path: '/healthz',
    summary: 'The process is alive',
    access: 'public',
    answers: PLAIN,
    answer: () => text(200, 'ok\n'),
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'The gateway takes requests: 200, or 503 before the first configuration and while draining',
    access: 'public',
    answers: { ...PLAIN, 503: { description: 'Not ready', types: ['text/plain'] } },
    answer: (gateway) => (gateway.ready() ? text(200, 'ready\n') : text(503, 'not ready\n')),
  },
  {
    method: 'GET',
    path: '/metrics',
    summary: 'Metrics for Prometheus',
    access: 'read',
    answers: PLAIN,
    answer: metrics,
  },
  {
    method: 'GET',
    path: '/version',
    summary: 'Version of Portcullis and of Node.js',
    access: 'known',
    answers: answered('Both', 'Version'),
    answer: (gateway) => json(200, { version: gateway.version, node: process.versions.node }),
  },
  {
    method: 'GET',
    path: '/config',
    summary: 'The configuration in force, defaults filled in, without secrets',
    access: 'admin',
    answers: answered('The configuration', 'ConfigurationInForce'),
    answer: (gateway) => json(200, gateway.config()),
  },
  {
    method: 'POST',
    path: '/reload',
    summary: 'Read the configuration again and put it into force',
    access: 'admin',
    answers: answered('What came of it', 'Reload'),
    answer: reload,
  },
  {
    method: 'GET',
    path: '/explain',
    summary: 'Which route a request takes and why: ?method=GET&url=https://host/path&header=name:value',
    access: 'read',
    query: z.object({
      url: z.string().describe('Of the request: https://host/path?query'),
      method: z.string().default('GET'),
      header: z.array(z.string()).optional().describe('name:value, once for each'),
    }),
    answers: EXPLAINED,
    answer: explainQuery,
  },
  {
    method: 'POST',
    path: '/explain',
    summary: 'The same, asked in JSON: {"method": "GET", "url": "...", "headers": [["name", "value"]]}',
    access: 'read',
    body: {
      types: ['application/json'],
      shape: z.object({
        url: z.string(),
        method: z.string().default('GET'),
        headers: z.array(z.tuple([z.string(), z.string()])).default([]),
      }),
    },
    answers: EXPLAINED,
    answer: explainBody,
  },
  {
    method: 'GET',
    path: '/services',
    summary: 'Services with their targets: health, ejections, breakers, requests under way; ?name= for one',
    access: 'read',
    query: z.object({ name: z.string().optional().describe('One service alone') }),
    answers: answered('All of them by name, or the one that was asked for', 'Services'),
    answer: services,
  },
  ...LOGIN_ENDPOINTS,
  {
    method: 'GET',
    path: '/certificates/acme',
    summary:
      'Certificates by ACME: how it stands with each, why its last order failed, when it is tried again',
    access: 'read',
    answers: answered('All of them', 'AcmeCertificates'),
    answer: (gateway) => json(200, gateway.acme().map(described)),
  },
  ...REGISTRY_ENDPOINTS,
  ...QUOTA_ENDPOINTS,
];

function described({ renewAtMs, retryAtMs, ...status }: AcmeStatus): Record<string, unknown> {
  return { ...status, renewAt: timeText(renewAtMs), retryAt: timeText(retryAtMs) };
}

function timeText(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

function services(gateway: GatewayControl, { query }: AdminRequest): AdminAnswer {
  const all = gateway.services();
  const name = query.get('name');
  if (name === null) return json(200, all);
  return Object.hasOwn(all, name)
    ? json(200, all[name])
    : problem(404, 'service_unknown', 'There is no service of this name');
}

/** The rest of the port: a table of its own, which this list would drown in. */
const API =
  'The API of the configuration is below /v1: described by /v1/openapi.json, to be read and tried at /docs';

function list(gateway: GatewayControl): AdminAnswer {
  const width = Math.max(...ENDPOINTS.map(({ path }) => path.length));
  const lines = ENDPOINTS.map(
    ({ method, path, summary }) => `${method.padEnd(4)} ${path.padEnd(width)}  ${summary}`,
  );
  return text(200, `Portcullis ${gateway.version}, admin port\n\n${lines.join('\n')}\n\n${API}\n`);
}

async function metrics(gateway: GatewayControl): Promise<AdminAnswer> {
  return { status: 200, type: METRICS_CONTENT_TYPE, body: await gateway.metrics() };
}

async function reload(gateway: GatewayControl): Promise<AdminAnswer> {
  const outcome = await gateway.reload();
  switch (outcome.kind) {
    case 'applied':
      return json(200, { result: 'applied', changes: outcome.changes, warnings: outcome.warnings });
    case 'unchanged':
      return json(200, { result: 'unchanged' });
    case 'refused':
      return problem(
        422,
        'configuration_refused',
        'The configuration was refused; the one before stays in force',
        {
          errors: [...outcome.errors, ...outcome.reasons.map((message) => ({ message }))],
        },
      );
  }
}

function explainQuery(gateway: GatewayControl, { query }: AdminRequest): AdminAnswer | Promise<AdminAnswer> {
  const url = query.get('url');
  if (url === null) return problem(400, 'url_missing', 'Say which request: ?url=https://host/path');
  const headers: [string, string][] = [];
  for (const line of query.getAll('header')) {
    const colon = line.indexOf(':');
    if (colon < 1) return problem(400, 'header_malformed', 'A header is written name:value');
    headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  return explain(gateway, { method: query.get('method') ?? 'GET', url, headers });
}

function explainBody(gateway: GatewayControl, request: AdminRequest): AdminAnswer | Promise<AdminAnswer> {
  const body = readJson(request);
  if (!body.ok) return body.answer;
  const asked = body.value;
  if (!isQuestion(asked)) {
    return problem(
      400,
      'question_malformed',
      'Send {"method": "GET", "url": "...", "headers": [["name", "value"]]}',
    );
  }
  return explain(gateway, { method: asked.method ?? 'GET', url: asked.url, headers: asked.headers ?? [] });
}

async function explain(gateway: GatewayControl, request: QuestionedRequest): Promise<AdminAnswer> {
  const answer = await gateway.explain(request);
  if (!answer.ok) return problem(400, 'request_malformed', answer.message);
  return json(200, answer.explanation);
}

interface Question {
  readonly method?: string;
  readonly url: string;
  readonly headers?: readonly (readonly [string, string])[];
}

function isQuestion(value: unknown): value is Question {
  if (typeof value !== 'object' || value === null) return false;
  const { method, url, headers } = value as Record<string, unknown>;
  if (typeof url !== 'string' || (method !== undefined && typeof method !== 'string')) return false;
  if (headers === undefined) return true;
  return Array.isArray(headers) && headers.every(isPair);
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');
}
