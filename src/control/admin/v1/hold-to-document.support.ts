import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { isRecord } from '../../../lib/is-record.ts';
import { pointerStep } from '../../../lib/json-pointer.ts';
import { ENDPOINTS } from '../endpoints.ts';
import { Router } from '../router.ts';
import { apiEndpoints } from './endpoints.ts';
import { openApiDocument } from './openapi.ts';
import type { Schema } from './openapi-schemas.ts';

interface Asked {
  readonly method?: string;
  readonly path: string;
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** Of JSON. */
  readonly body: unknown;
}

/** Fields that every answer has, or that say how to understand it. */
const OF_EVERY_ANSWER = new Set([
  'cache-control',
  'connection',
  'content-length',
  'content-security-policy',
  'content-type',
  'cross-origin-opener-policy',
  'date',
  'keep-alive',
  'referrer-policy',
  'transfer-encoding',
  'x-content-type-options',
  'x-frame-options',
]);
/** What is answered before there is an endpoint. */
const BEFORE_ENDPOINTS = new Set([404, 405, 421]);

const endpoints = [...ENDPOINTS, ...apiEndpoints()];
const router = new Router(endpoints);
const document = openApiDocument(endpoints, { version: '1.2.3', isOpen: true });
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema({ $id: 'document', ...document });

/** Fails where an answer is none that the OpenAPI document describes: its status, its fields, its type and its body. */
export function holdToDocument({ method = 'GET', path }: Asked, received: Answered): void {
  const { status, headers, text, body } = received;
  const found = router.find(path.split('?', 1)[0] ?? '');
  const endpoint =
    found === undefined || found === 'malformed'
      ? undefined
      : found.endpoints.get(method === 'HEAD' ? 'GET' : method);
  const told = `${method} ${path}: ${status} ${text.slice(0, 500)}`;
  if (endpoint === undefined) {
    if (method !== 'OPTIONS') assert.ok(BEFORE_ENDPOINTS.has(status) || status === 400, told);
    return;
  }
  const at = ['paths', endpoint.path, endpoint.method.toLowerCase(), 'responses'];
  const responses = valueAt(at) as Schema;
  const key = String(status) in responses ? String(status) : 'default';
  assert.ok(key !== 'default' || status >= 400, `not described: ${told}`);
  let place = [...at, key];
  const { $ref } = responses[key] as Schema;
  if (typeof $ref === 'string') place = $ref.slice(2).split('/');
  const described = valueAt(place) as Schema;
  const fields = Object.keys(isRecord(described['headers']) ? described['headers'] : {}).map((name) =>
    name.toLowerCase(),
  );
  const undescribed = Object.keys(headers).filter(
    (name) => !OF_EVERY_ANSWER.has(name) && !fields.includes(name),
  );
  assert.deepEqual(undescribed, [], `fields that are not described: ${told}`);
  if (method === 'HEAD' || text === '') return;
  const type = headers['content-type']?.split(';', 1)[0] ?? '';
  const media = isRecord(described['content']) ? described['content'][type] : undefined;
  assert.ok(isRecord(media), `not described as ${type}: ${told}`);
  if (media['schema'] === undefined || body === undefined) {
    assert.ok(!/[/+]json$/.test(type), `JSON without a schema: ${told}`);
    return;
  }
  const pointer = [...place, 'content', type, 'schema'].map(escaped).join('/');
  const validate = ajv.getSchema(`document#/${pointer}`);
  assert.equal(validate?.(body), true, `${told}\n${JSON.stringify(validate?.errors)}`);
}

function valueAt(place: readonly string[]): unknown {
  return place.reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), document);
}

/** As a step of a JSON pointer in a fragment (RFC 6901, section 6). */
function escaped(step: string): string {
  return encodeURIComponent(pointerStep(step).slice(1));
}
