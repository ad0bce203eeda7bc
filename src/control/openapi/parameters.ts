import { isRecord } from '../../lib/is-record.ts';
import { essenceOf, isJson } from '../../policies/validate/media-type.ts';
import type { SchemaConverter } from './convert-schema.ts';
import { child, type Documents, itemsOf, type Node, type Operation } from './documents.ts';

/** The options of `validate` for the parameters of one place. */
interface ParameterGroup {
  readonly schema: { type: 'object'; properties: Record<string, unknown>; required: string[] };
  readonly styles: Record<string, string>;
}

/** Options of `validate`, as they are written. */
export type ParameterOptions = Readonly<
  Partial<Record<'query' | 'headers' | 'path' | 'cookies', ParameterGroup>>
>;

/** The option of `validate` by the value of `in`. */
const OPTIONS = { query: 'query', header: 'headers', path: 'path', cookie: 'cookies' } as const;
type In = keyof typeof OPTIONS;

/** OpenAPI section 4.8.12.2.1: these are described elsewhere, and what is said of them here is ignored. */
const IGNORED_FIELDS = ['accept', 'authorization', 'content-type'];

/** The name of a capture for a parameter of the path: routes know letters, digits and `_`. */
export function captureName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');
}

/** Options for the parameters of an operation; its own replace those of its path item. */
export async function parameterOptions(
  { path, pathItem, node }: Operation,
  documents: Documents,
  converter: SchemaConverter,
): Promise<ParameterOptions> {
  const found = new Map<string, Node>();
  for (const owner of [pathItem, node]) {
    for (const item of itemsOf(child(owner, 'parameters'))) {
      const parameter = await documents.follow(item);
      if (parameter === undefined) continue;
      const { in: place, name } = isRecord(parameter.value) ? parameter.value : {};
      if (typeof name !== 'string' || typeof place !== 'string' || !Object.hasOwn(OPTIONS, place))
        documents.wrong(
          parameter,
          'is not a parameter: it needs a name, and in: path, query, header or cookie',
        );
      else if (place === 'path' && !path.includes(`{${name}}`))
        // It would be missing in every request.
        documents.wrong(child(parameter, 'name'), `is not in the path ${path}`);
      else found.set(`${place} ${name}`, parameter);
    }
  }
  const options: Partial<Record<(typeof OPTIONS)[In], ParameterGroup>> = {};
  for (const parameter of found.values()) {
    const read = await readParameter(parameter, documents, converter);
    if (read === undefined) continue;
    const group = (options[OPTIONS[read.in]] ??= {
      schema: { type: 'object', properties: {}, required: [] },
      styles: {},
    });
    group.schema.properties[read.name] = read.schema;
    if (read.required) group.schema.required.push(read.name);
    // The usual one goes without saying.
    if (read.style !== (read.in === 'query' ? 'form' : 'comma')) group.styles[read.name] = read.style;
  }
  return options;
}

interface ReadParameter {
  readonly in: In;
  readonly name: string;
  readonly required: boolean;
  readonly schema: unknown;
  readonly style: string;
}

async function readParameter(
  parameter: Node,
  documents: Documents,
  converter: SchemaConverter,
): Promise<ReadParameter | undefined> {
  const written = parameter.value as Readonly<Record<string, unknown>>;
  const place = written['in'] as In;
  const name = nameIn(place, written['name'] as string);
  if (place === 'header' && IGNORED_FIELDS.includes(name)) return undefined;
  const [media] = isRecord(written['content']) ? Object.keys(written['content']) : [];
  const described =
    media === undefined ? child(parameter, 'schema') : child(parameter, 'content', media, 'schema');
  const style = media === undefined ? styleOf(place, written) : isJson(essenceOf(media)) ? 'json' : 'text';
  if (style === undefined) {
    documents.wrong(
      parameter,
      `its style ${String(written['style'])} is not supported, so it is not checked`,
      {
        severity: 'warning',
      },
    );
    return undefined;
  }
  // Of a content that is neither JSON nor text, only that it is there can be told.
  const isRead = style !== 'text' || media === undefined || essenceOf(media).startsWith('text/');
  const schema =
    described.value === undefined || !isRead ? true : await converter.convert(described, 'request');
  return {
    in: place,
    name,
    required: place === 'path' || written['required'] === true,
    schema: written['allowEmptyValue'] === true ? { anyOf: [schema, { const: '' }] } : schema,
    style,
  };
}

function nameIn(place: In, name: string): string {
  if (place === 'header') return name.toLowerCase();
  return place === 'path' ? captureName(name) : name;
}

/** The style as `validate` calls it; undefined for one that it does not know. */
function styleOf(place: In, { style, explode }: Readonly<Record<string, unknown>>): string | undefined {
  switch (style ?? (place === 'query' || place === 'cookie' ? 'form' : 'simple')) {
    case 'form':
      return place === 'query' && explode !== false ? 'form' : 'comma';
    case 'simple':
      return explode === true ? 'pairs' : 'comma';
    case 'spaceDelimited':
      return explode === true ? 'form' : 'space';
    case 'pipeDelimited':
      return explode === true ? 'form' : 'pipe';
    case 'deepObject':
      return 'deepObject';
    default:
      return undefined;
  }
}
