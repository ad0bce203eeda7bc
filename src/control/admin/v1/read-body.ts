import { isRecord } from '../../../lib/is-record.ts';
import { readJson } from '../../config/json.ts';
import { SourceText } from '../../config/source-text.ts';
import { type AdminAnswer, problem } from '../answer.ts';
import type { AdminRequest } from '../endpoint.ts';

export type BodyData =
  | { readonly ok: true; readonly value: Record<string, unknown> }
  | { readonly ok: false; readonly answer: AdminAnswer };

const YAML = 'application/yaml';

/** A body that is a map, in one of the media types that an endpoint takes. */
export function readMap(
  { body, contentType, headers }: AdminRequest,
  types: readonly string[],
): BodyData | Promise<BodyData> {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    return refused(415, 'encoding_unsupported', 'Send the body as it is, without a content coding', {
      'accept-encoding': 'identity',
    });
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === undefined || !types.includes(type))
    return refused(415, 'media_type_unsupported', `Send ${types.join(' or ')}`, { accept: types.join(', ') });
  return type === YAML ? readYamlMap(body) : readJsonMap(body);
}

function readJsonMap(text: string): BodyData {
  const read = readJson(text);
  if (read.ok) return asMap(read.value);
  const { line, column } = new SourceText('', text).lineOf(Math.min(read.offset, text.length));
  return malformed('json_malformed', 'The body is not JSON', [{ message: read.message, line, column }]);
}

/** Loaded when it is needed: reading YAML is large. */
async function readYamlMap(text: string): Promise<BodyData> {
  const { yamlSource } = await import('../../config/source.ts');
  const read = yamlSource('', text);
  if (read.ok) return asMap(read.source.value);
  const errors = read.errors.map(({ message, line, column }) => ({ message, line, column }));
  return malformed('yaml_malformed', 'The body is not YAML', errors);
}

function asMap(value: unknown): BodyData {
  if (isRecord(value)) return { ok: true, value };
  return malformed('map_expected', 'The body is not a map', []);
}

function malformed(code: string, title: string, errors: readonly object[]): BodyData {
  return { ok: false, answer: problem(400, code, title, errors.length === 0 ? {} : { errors }) };
}

function refused(status: number, code: string, title: string, headers: Record<string, string>): BodyData {
  return { ok: false, answer: problem(status, code, title, {}, headers) };
}
