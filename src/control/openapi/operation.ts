import { isRecord } from '../../lib/is-record.ts';
import { essenceOf, isHeldAgainstSchema, rangeKey } from '../../policies/validate/media-type.ts';
import type { ApiConfig } from '../apis/api-schema.ts';
import { type Direction, reachable, type SchemaConverter } from './convert-schema.ts';
import { child, children, type Documents, type Node, type Operation } from './documents.ts';
import { parameterOptions } from './parameters.ts';

/** The options of the policy `validate` that an operation comes to, as they are written; undefined when nothing is to be checked. */
export async function validateOptions(
  operation: Operation,
  { request, response, undescribedBody, max }: ApiConfig['validate'],
  documents: Documents,
  converter: SchemaConverter,
): Promise<object | undefined> {
  const { node } = operation;
  const size = `${max}b`;
  const options = {
    ...(request && (await parameterOptions(operation, documents, converter))),
    ...(request && (await bodyOptions(node, size, undescribedBody === 'refuse', documents, converter))),
    ...(response !== 'off' && {
      responses: { mode: response, statuses: await statuses(node, documents, converter), max: size },
    }),
  };
  if (Object.keys(options).length === 0) return undefined;
  return { ...options, definitions: reachable(options, converter.definitions) };
}

async function bodyOptions(
  operation: Node,
  max: string,
  refusesOthers: boolean,
  documents: Documents,
  converter: SchemaConverter,
): Promise<object> {
  const written = child(operation, 'requestBody');
  if (written.value === undefined) return refusesOthers ? { body: false } : {};
  const body = await documents.follow(written);
  if (body === undefined) return {};
  const content = await contentOptions(child(body, 'content'), 'request', documents, converter);
  if (content === undefined) {
    documents.wrong(body, 'is not a request body: it needs content');
    return {};
  }
  return { body: { required: isRecord(body.value) && body.value['required'] === true, content, max } };
}

async function statuses(
  operation: Node,
  documents: Documents,
  converter: SchemaConverter,
): Promise<Record<string, object>> {
  const made: Record<string, object> = {};
  for (const [status, written] of children(child(operation, 'responses'))) {
    if (status.startsWith('x-')) continue;
    const response = await documents.follow(written);
    if (response === undefined) continue;
    const content = await contentOptions(child(response, 'content'), 'response', documents, converter);
    made[status] = content === undefined ? {} : { content };
  }
  return made;
}

/** Content types with the schemas of those whose content is looked at; undefined when there is none. */
async function contentOptions(
  content: Node,
  direction: Direction,
  documents: Documents,
  converter: SchemaConverter,
): Promise<Record<string, object> | undefined> {
  const made: Record<string, object> = {};
  const seen = new Set<string>();
  for (const [range, media] of children(content)) {
    const essence = essenceOf(range);
    const key = rangeKey(range);
    if (seen.has(key)) {
      documents.wrong(media, 'stands twice: a charset makes no other content type, and neither does case', {
        atKey: true,
      });
      continue;
    }
    seen.add(key);
    const schema = child(media, 'schema');
    const isRead =
      isHeldAgainstSchema(essence) && !(essence.endsWith('/*') && (await isText(schema, documents)));
    made[`${essence}${range.slice(range.split(';', 1)[0]?.length)}`] =
      isRead && schema.value !== undefined ? { schema: await converter.convert(schema, direction) } : {};
  }
  return Object.keys(made).length === 0 ? undefined : made;
}

/** Of any content, a text is how documents say octets (`format: binary`), or what is not taken apart: no JSON that is a string. */
async function isText(schema: Node, documents: Documents): Promise<boolean> {
  const followed = await documents.follow(schema);
  return followed !== undefined && child(followed, 'type').value === 'string';
}
