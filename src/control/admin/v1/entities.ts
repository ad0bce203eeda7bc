import { z } from 'zod';
import { isRecord } from '../../../lib/is-record.ts';
import type { ListedEntity } from '../../manager/manager.ts';
import { COLLECTIONS, type Collection, type EntityValue } from '../../store/entity.ts';
import { type AdminAnswer, empty, json, problem } from '../answer.ts';
import type { Endpoint, EndpointAnswer } from '../endpoint.ts';
import { apiStateOf, apiStatus } from './api-status.ts';
import { componentOf } from './components.ts';
import { type Call, define } from './define.ts';
import { entityView, versionFields, versionOf, writtenValue } from './entity-view.ts';
import { mergePatch } from './merge-patch.ts';
import { preconditionMalformed, refused, unknownEntity } from './outcomes.ts';
import { entityPage, type ListQuery, listSchemaOf } from './page.ts';
import { CREATE_FIELDS, READ_FIELDS, verdictOn, WRITE_FIELDS } from './preconditions.ts';
import { readMap } from './read-body.ts';
import { type EntityWrite, type EntityWriteQuery, entityWriteSchema, writeEntity } from './write.ts';

const JSON_TYPE = 'application/json';
const PATCH_TYPE = 'application/merge-patch+json';
/** An entity may hold documents of its own, such as the schemas of a policy. */
const MAX_BODY_BYTES = 1024 * 1024;

const none = z.strictObject({});
const named = z.strictObject({ name: z.string().min(1).max(200).describe('Of the entity') });

/** Create, read, replace, patch, delete and list for every collection. */
export function entityEndpoints(): readonly Endpoint[] {
  return COLLECTIONS.flatMap(endpointsOf);
}

function endpointsOf(collection: Collection): readonly Endpoint[] {
  const one = componentOf(collection);
  const path = `/v1/${collection}/{name}`;
  const fields = ['ETag', 'Last-Modified'] as const;
  const entity: EndpointAnswer = { description: 'The entity', shape: { component: one }, fields };
  const planned: EndpointAnswer = {
    description: 'The entity; with dry-run or answer=change, what would change or has',
    shape: { component: `${one}OrChange` },
    fields,
  };
  const created: EndpointAnswer = {
    description: 'It was not there before',
    shape: { component: one },
    fields: [...fields, 'Location'],
  };
  const body = { types: [JSON_TYPE], shape: { component: one }, maxBytes: MAX_BODY_BYTES };
  return [
    define({
      method: 'GET',
      path: `/v1/${collection}`,
      summary: `List ${collection}`,
      access: 'read',
      collection,
      parameters: none,
      query: listSchemaOf(collection),
      answers: { 200: { description: 'A page', shape: { component: `${one}Page` } } },
      // The schema is that of its query, less what is not for the collection.
      answer: (call) => list({ ...call, query: call.query as ListQuery }, collection),
    }),
    define({
      method: 'POST',
      path: `/v1/${collection}`,
      summary: `Create one of ${collection}, by the name in the body`,
      access: 'write',
      collection,
      parameters: none,
      query: entityWriteSchema,
      fields: CREATE_FIELDS,
      body,
      answers: { 200: planned, 201: created },
      answer: (call) => create(call, collection),
    }),
    define({
      method: 'GET',
      path,
      summary: `Read one of ${collection}`,
      access: 'read',
      collection,
      parameters: named,
      query: none,
      fields: READ_FIELDS,
      answers: { 200: entity, 304: { description: 'It is as it was', fields } },
      answer: (call) => read(call, collection),
    }),
    define({
      method: 'PUT',
      path,
      summary: `Replace one of ${collection}, or create it`,
      access: 'write',
      collection,
      parameters: named,
      query: entityWriteSchema,
      fields: WRITE_FIELDS,
      body,
      answers: { 200: planned, 201: created },
      answer: (call) => change(call, collection, 'put'),
    }),
    define({
      method: 'PATCH',
      path,
      summary: `Change parts of one of ${collection} by a merge patch (RFC 7396)`,
      access: 'write',
      collection,
      parameters: named,
      query: entityWriteSchema,
      fields: WRITE_FIELDS,
      body: { ...body, types: [PATCH_TYPE, JSON_TYPE], shape: z.looseObject({}) },
      answers: { 200: planned },
      answer: (call) => change(call, collection, 'patch'),
    }),
    define({
      method: 'DELETE',
      path,
      summary: `Delete one of ${collection}`,
      access: 'write',
      collection,
      parameters: named,
      query: entityWriteSchema,
      fields: WRITE_FIELDS,
      answers: {
        200: {
          description: 'With dry-run or answer=change: what would change or has',
          shape: { component: 'Change' },
        },
        204: { description: 'It is gone' },
      },
      answer: (call) =>
        writeEntity(call, { collection, name: call.path.name, kind: 'delete', value: () => undefined }),
    }),
    ...(collection === 'apis' ? [statusEndpoint()] : []),
  ];
}

function statusEndpoint(): Endpoint {
  return define({
    method: 'GET',
    path: '/v1/apis/{name}/status',
    summary: 'Whether an API is in force: pending, ready or error, with the reason on each node',
    access: 'read',
    collection: 'apis',
    parameters: named,
    query: none,
    answers: { 200: { description: 'Its status', shape: { component: 'ApiStatus' } } },
    async answer({ configuration, request, path: { name } }) {
      const entity = configuration.get('apis', name);
      if (entity === undefined || !request.caller.may('read', { kind: 'entity', ...entity }))
        return unknownEntity('apis', name);
      return json(200, { name, ...apiStatus(entity, configuration, await configuration.nodes()) });
    },
  });
}

async function list(
  { configuration, request, query }: Call<unknown, ListQuery>,
  collection: Collection,
): Promise<AdminAnswer> {
  const readable = configuration
    .list(collection)
    .filter((entity) => request.caller.may('read', { kind: 'entity', ...entity }));
  const nodes = collection === 'apis' && readable.length > 0 ? await configuration.nodes() : [];
  const statusOf = (entity: ListedEntity) => apiStatus(entity, configuration, nodes).status;
  const page = entityPage(readable, query, statusOf);
  if (page === undefined) {
    return problem(400, 'cursor_invalid', 'The cursor is none of this list', {
      errors: [
        { parameter: 'cursor', message: 'is not the `next` of a page with the same filters and order' },
      ],
    });
  }
  const items = page.items.map((entity) =>
    entityView(entity, configuration, collection === 'apis' ? statusOf(entity) : undefined),
  );
  return json(200, { items, next: page.next });
}

async function read(
  { configuration, request, path: { name } }: Call<{ readonly name: string }, unknown>,
  collection: Collection,
): Promise<AdminAnswer> {
  const entity = configuration.get(collection, name);
  if (entity === undefined || !request.caller.may('read', { kind: 'entity', ...entity }))
    return unknownEntity(collection, name);
  const state = await apiStateOf(entity, configuration);
  const view = entityView(entity, configuration, state);
  const version = versionOf(entity, view);
  switch (verdictOn('GET', request.headers, version)) {
    case 'notModified':
      return empty(304, versionFields(version));
    case 'malformed':
      return preconditionMalformed();
    case 'proceed':
      return json(200, view, versionFields(version));
    default:
      return problem(412, 'precondition_failed', 'It is not the version that was asked for');
  }
}

async function create(call: Call<unknown, EntityWriteQuery>, collection: Collection): Promise<AdminAnswer> {
  const body = await readMap(call.request, [JSON_TYPE]);
  if (!body.ok) return body.answer;
  const { name } = body.value;
  if (typeof name !== 'string' || name === '' || name.length > 200) {
    const message =
      name === undefined ? 'is missing: expected a text' : 'is not a name of up to 200 characters';
    return refused([{ path: 'name', pointer: '/name', message }]);
  }
  const value = writtenValue(body.value);
  return writeEntity(call, { collection, name, kind: 'create', value: () => value });
}

async function change(
  call: Call<{ readonly name: string }, EntityWriteQuery>,
  collection: Collection,
  kind: 'put' | 'patch',
): Promise<AdminAnswer> {
  const { name } = call.path;
  const body = await readMap(call.request, kind === 'patch' ? [PATCH_TYPE, JSON_TYPE] : [JSON_TYPE]);
  if (!body.ok) {
    if (kind === 'put' || body.answer.status !== 415) return body.answer;
    // RFC 5789, section 2.2.
    return {
      ...body.answer,
      headers: { ...body.answer.headers, 'accept-patch': `${PATCH_TYPE}, ${JSON_TYPE}` },
    };
  }
  if (body.value['name'] !== undefined && body.value['name'] !== name) {
    const message = `is not the name in the path: leave it out, or write ${JSON.stringify(name)}`;
    return refused([{ path: 'name', pointer: '/name', message }]);
  }
  const sent = writtenValue(body.value);
  const value: EntityWrite['value'] =
    kind === 'put' ? () => sent : (current) => asValue(mergePatch(current ?? {}, sent));
  return writeEntity(call, { collection, name, kind, value });
}

/** A patch that is a map makes a map. */
function asValue(merged: unknown): EntityValue {
  return isRecord(merged) ? merged : {};
}
