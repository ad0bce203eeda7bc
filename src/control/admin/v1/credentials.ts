import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { keyDigest } from '../../../identity/consumers/api-keys.ts';
import { consumerSchema } from '../../../identity/consumers/schema.ts';
import { isRecord } from '../../../lib/is-record.ts';
import type { EntityValue } from '../../store/entity.ts';
import { type AdminAnswer, empty, json, problem } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { readShape } from './accounts/account-calls.ts';
import { type Call, define } from './define.ts';
import { unknownEntity } from './outcomes.ts';
import { WRITE_FIELDS } from './preconditions.ts';
import { type WriteQuery, writeEntity, writeSchema } from './write.ts';

const COLLECTION = 'consumers';
/** Of a key that the gateway makes. */
const KEY_BYTES = 32;
const { apiKeys, certificates, signatureKeys } = consumerSchema.shape;

/** Lists of a consumer, and what of an entry names it. */
const KINDS = {
  'api-keys': { list: 'apiKeys', names: ['id'] },
  'signature-keys': { list: 'signatureKeys', names: ['id'] },
  certificates: { list: 'certificates', names: ['fingerprint', 'subject', 'san', 'serial'] },
} as const;
type CredentialKind = keyof typeof KINDS;

const named = z.strictObject({ name: z.string().min(1).max(200).describe('Of the consumer') });
const one = named.extend({
  kind: z.enum(['api-keys', 'signature-keys', 'certificates']),
  id: z
    .string()
    .min(1)
    .max(1000)
    .describe(
      'The `id` of the key; of a certificate its fingerprint, subject, alternative name or serial number',
    ),
});

const newCredential = z
  .strictObject({
    apiKey: apiKeys
      .unwrap()
      .element.extend({
        id: z.string().min(1).max(100).describe('Names it; the key itself is never shown again'),
      })
      .optional()
      .describe('Without `key` and `hash` the gateway makes a key, tells it once and keeps its hash'),
    signatureKey: signatureKeys.unwrap().element.optional(),
    certificate: certificates.unwrap().element.optional(),
  })
  .refine((sent) => Object.keys(sent).length === 1, 'is one of apiKey, signatureKey and certificate');

const created = z.strictObject({
  consumer: z.string(),
  kind: z.enum(['api-keys', 'signature-keys', 'certificates']),
  id: z.string(),
  key: z.string().optional().describe('That the gateway has made; told once'),
});

/** Credentials of a consumer one by one, so that whoever replaces a key need not have all of them in hand. */
export const CREDENTIALS: readonly Endpoint[] = [
  define({
    method: 'POST',
    path: '/v1/consumers/{name}/credentials',
    summary: 'Give a consumer one more API key, signature key or certificate',
    access: 'write',
    collection: COLLECTION,
    parameters: named,
    query: writeSchema,
    fields: WRITE_FIELDS,
    body: { types: ['application/json'], shape: newCredential },
    answers: {
      200: { description: 'With dry-run: what would change', shape: { component: 'Change' } },
      201: {
        description: 'It counts from now on',
        shape: created,
        fields: ['ETag', 'Last-Modified', 'Location'],
      },
    },
    answer: add,
  }),
  define({
    method: 'DELETE',
    path: '/v1/consumers/{name}/credentials/{kind}/{id}',
    summary: 'Revoke one of the credentials of a consumer',
    access: 'write',
    collection: COLLECTION,
    parameters: one,
    query: writeSchema,
    fields: WRITE_FIELDS,
    answers: {
      200: { description: 'With dry-run: what would change', shape: { component: 'Change' } },
      204: { description: 'It is refused from now on' },
    },
    answer: revoke,
  }),
];

async function add(call: Call<z.output<typeof named>, WriteQuery>): Promise<AdminAnswer> {
  const { name } = call.path;
  const hidden = unseen(call, name);
  if (hidden !== undefined) return hidden;
  const body = await readShape(call.request, newCredential);
  if (!body.ok) return body.answer;
  const { kind, entry, key } = credentialOf(body.value);
  const id = namesOf(kind, entry)[0] ?? '';
  let isTaken = false;
  const answer = await write(call, name, (current) => {
    isTaken = entriesOf(current, kind).some((each) => namesOf(kind, each).includes(id));
    return isTaken ? current : withEntries(current, kind, [...entriesOf(current, kind), entry]);
  });
  if (answer.status >= 300 || (call.query['dry-run'] && !isTaken)) return answer;
  if (isTaken)
    return problem(
      409,
      'entity_exists',
      `${name} has one of the ${kind} called ${JSON.stringify(id)} already`,
    );
  const location = `/v1/consumers/${encodeURIComponent(name)}/credentials/${kind}/${encodeURIComponent(id)}`;
  const view = { consumer: name, kind, id, ...(key === undefined ? undefined : { key }) };
  return json(201, view, { ...versionIn(answer), location });
}

async function revoke(call: Call<z.output<typeof one>, WriteQuery>): Promise<AdminAnswer> {
  const { name, kind, id } = call.path;
  const hidden = unseen(call, name);
  if (hidden !== undefined) return hidden;
  let isThere = false;
  const answer = await write(call, name, (current) => {
    const left = entriesOf(current, kind).filter((entry) => !namesOf(kind, entry).includes(id));
    isThere = left.length < entriesOf(current, kind).length;
    return isThere ? withEntries(current, kind, left) : current;
  });
  if (answer.status >= 300) return answer;
  if (!isThere)
    return problem(404, 'entity_unknown', `${name} has none of the ${kind} called ${JSON.stringify(id)}`);
  return call.query['dry-run'] ? answer : empty(204);
}

function write(
  call: Call<unknown, WriteQuery>,
  name: string,
  change: (current: EntityValue) => EntityValue,
): Promise<AdminAnswer> {
  const query = { ...call.query, answer: 'entity' } as const;
  return writeEntity(
    { ...call, query },
    { collection: COLLECTION, name, kind: 'patch', value: (current) => change(current ?? {}) },
  );
}

/** The answer where there is no such consumer for whoever asks. */
function unseen({ configuration, request }: Call<unknown, unknown>, name: string): AdminAnswer | undefined {
  const entity = configuration.get(COLLECTION, name);
  if (entity !== undefined && request.caller.may('read', { kind: 'entity', ...entity })) return undefined;
  return unknownEntity(COLLECTION, name);
}

function credentialOf({ apiKey, signatureKey, certificate }: z.output<typeof newCredential>): {
  readonly kind: CredentialKind;
  readonly entry: EntityValue;
  readonly key?: string;
} {
  if (signatureKey !== undefined) return { kind: 'signature-keys', entry: signatureKey };
  if (certificate !== undefined) return { kind: 'certificates', entry: certificate };
  if (apiKey?.key !== undefined || apiKey?.hash !== undefined) return { kind: 'api-keys', entry: apiKey };
  const key = randomBytes(KEY_BYTES).toString('base64url');
  return { kind: 'api-keys', entry: { ...apiKey, hash: `sha256:${keyDigest(key)}` }, key };
}

function entriesOf(consumer: EntityValue, kind: CredentialKind): readonly EntityValue[] {
  const list = consumer[KINDS[kind].list];
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

function withEntries(
  consumer: EntityValue,
  kind: CredentialKind,
  entries: readonly EntityValue[],
): EntityValue {
  return { ...consumer, [KINDS[kind].list]: entries };
}

function namesOf(kind: CredentialKind, entry: EntityValue): string[] {
  return KINDS[kind].names.flatMap((key) => (typeof entry[key] === 'string' ? [entry[key]] : []));
}

function versionIn({ headers = {} }: AdminAnswer): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => ['etag', 'last-modified'].includes(name)),
  );
}
